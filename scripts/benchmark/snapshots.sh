# How fast a new slave is built from a copy of another node's database; sourced by benchmark.sh.

# A master whose database is some size, in tables of 100 MB.
need_large() {
    local megabytes=$1 table
    ! is_ready large || return 0
    progress "starting a master with $megabytes MB of data"
    start_node large --role master
    await large "$(node_at large)" >/dev/null
    ask_node large 'CREATE DATABASE sbtest' >/dev/null
    for ((table = 1; table <= megabytes / 100; table++)); do
        ask_node large "CREATE TABLE sbtest.t$table (id INT PRIMARY KEY, body CHAR(250) CHARACTER SET latin1, KEY (body(20)))" >/dev/null
        ask_node large "INSERT INTO sbtest.t$table SELECT seq, CONCAT(MD5(RAND()), MD5(RAND()), REPEAT(MD5(RAND()), 5)) FROM sbtest.seq_1_to_300000" >/dev/null
    done
    touch "$work/large.ready"
}

# log_seconds <file> <words> <words>: between the first line with the one and the first with the other.
log_seconds() {
    local from to
    from=$(grep -m 1 -F "$2" "$1" | sed 's/^time=\([^ ]*\) .*/\1/')
    to=$(grep -m 1 -F "$3" "$1" | sed 's/^time=\([^ ]*\) .*/\1/')
    [ -n "$from" ] && [ -n "$to" ] || fail "$1 does not tell when the snapshot was taken"
    calculate "$(date -d "$to" +%s.%N) - $(date -d "$from" +%s.%N)"
}

# The node: from the decision to take a copy until the database runs on it. Against: mariadb-backup into mbstream and --prepare.
compare_snapshot() {
    local pair megabytes=1000 start bytes taken
    [ -z "$quick" ] || megabytes=100
    need_large $megabytes
    note row snapshot "a slave built from a copy of $megabytes MB" 'mariadb-backup into mbstream, --prepare' MB/s higher 0.8
    for ((pair = 1; pair <= pairs; pair++)); do
        progress "snapshot: pair $pair of $pairs"
        printf '{"replication": {"snapshotAfterTransactions": 0}}\n' >"$work/large-slave.json"
        start_node large-slave --role slave --master "127.0.0.1:$(port_of large)" --config "$work/large-slave.json"
        load await "$(node_at large-slave)" --sql 'SELECT COUNT(*) FROM sbtest.t1' --answer 300000 --seconds 600
        bytes=$(grep -m 1 -F 'snapshot received' "$work/large-slave.log" | sed 's/.*bytes=\([0-9]*\).*/\1/')
        taken=$(log_seconds "$work/large-slave.log" 'msg="taking a snapshot"' 'msg="the snapshot is in use"')
        note value snapshot ddbnode $pair "$(calculate "$bytes / 1000000 / $taken")"
        # The next one is another node, and nobody is to wait for this one then.
        ask_node large ".remove $((pair + 1))" >/dev/null
        stop_and_forget large-slave
        mkdir "$work/restored" "$work/restored.tmp"
        start=${EPOCHREALTIME/./}
        mariadb-backup --no-defaults --backup --stream=mbstream --parallel=2 --socket="$(node_socket large)" --user=root --tmpdir="$work/restored.tmp" \
            --target-dir="$work/restored.tmp" 2>"$work/restored.log" | mbstream -x -C "$work/restored" || fail "mariadb-backup failed: $work/restored.log"
        mariadb-backup --no-defaults --prepare --target-dir="$work/restored" --tmpdir="$work/restored.tmp" >>"$work/restored.log" 2>&1 ||
            fail "mariadb-backup --prepare failed"
        note value snapshot against $pair "$(calculate "$bytes / (${EPOCHREALTIME/./} - $start)")"
        rm -rf "$work/restored" "$work/restored.tmp"
    done
    stop_and_forget large
}
