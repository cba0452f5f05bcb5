# Loads at the edge: whether the node stays small and goes on serving others; sourced by benchmark.sh.
#
# Each is: watch NODE, load, still_served; see what came out. Another client asks 20 times a second all along, and must get every answer, each
# within five seconds.

# A node of its own, ready for more clients than a node takes unless told.
start_limited() {
    printf '{"limits": {"connectionsMax": 12000}}\n' >"$work/limited.json"
    start_node limited --role master --config "$work/limited.json"
    await limited "$(node_at limited)" >/dev/null
    ask_node limited 'CREATE DATABASE sbtest' >/dev/null
}

# watch_limit <name> <what> <node>
watch_limit() {
    limit=$1 limit_what=$2 limit_node=$3
    progress "$limit: $limit_what"
    limit_pid=$(pid_of "$limit_node")
    limit_descriptors=$(descriptors "$limit_node")
    forget_peak "$limit_pid"
    limit_memory=$(memory_kib "$limit_pid" VmRSS)
    begin_load probe run "$(node_at "$limit_node")" --workload sql --sql 'SELECT 1' --connections 1 --rate 20 --warmup-seconds 0 --seconds 3000
}

# end_limit <peak allowed, MiB> <words of what the load did>
end_limit() {
    local allowed=$1 words=$2 probe=0 until=$((SECONDS + 20)) peak after verdict=pass slowest
    end_load probe || probe=1
    # Those that broke off must be noticed, in a while.
    until after=$(descriptors "$limit_node") && [ "$after" -le "$limit_descriptors" ]; do
        [ $SECONDS -lt $until ] || break
        sleep 0.1
    done
    slowest=$(figure max_us "$(cat "$work/probe.out")")
    peak=$(memory_kib "$limit_pid" VmHWM)
    [ $probe -eq 0 ] && [ "$after" -le "$limit_descriptors" ] && [ "$peak" -le $((allowed * 1024)) ] || verdict=FAIL
    awk "BEGIN { exit !($slowest < 5000000) }" || verdict=FAIL
    words+="; memory of the node $((limit_memory / 1024)) MiB before, $((peak / 1024)) MiB at its peak"
    words+="; descriptors $limit_descriptors before, $after after"
    words+="; the other client $([ $probe -eq 0 ] && echo 'was served all along' || echo 'MISSED ANSWERS'), slowest answer $(milliseconds max_us "$(cat "$work/probe.out")") ms"
    note limit "$limit" "$limit_what" $verdict "$words"
}

limit_idle() {
    local clients=10000 hold=10
    [ -z "$quick" ] || clients=2000 hold=2
    start_limited
    watch_limit limits-idle "$clients idle clients" limited
    open_idle "$(node_at limited)" $clients
    sleep $hold
    close_idle
    end_limit 512 'all connected, none lost'
    stop_and_forget limited
}

limit_active() {
    local clients=1000
    start_limited
    ask_node limited 'CREATE TABLE sbtest.sbtest1 (id INT PRIMARY KEY, c CHAR(120)) SELECT seq AS id, REPEAT("c", 119) AS c FROM sbtest.seq_1_to_10000' >/dev/null
    watch_limit limits-active "$clients clients that ask without a pause" limited
    load run "$(node_at limited)" --connections $clients --rows 10000 --seconds "$seconds"
    end_limit 512 "$(figure per_s | cut -d. -f1) point selects/s, p50 $(milliseconds p50_us) ms, p99 $(milliseconds p99_us) ms, max $(milliseconds max_us) ms"
    stop_and_forget limited
}

limit_stalled_reader() {
    local hold=30
    [ -z "$quick" ] || hold=5
    start_limited
    watch_limit limits-stalled-reader "a client that stops reading a result of 5 GB, for $hold s" limited
    load stall "$(node_at limited)" --seconds $hold
    end_limit 128 "$(figure read_bytes) bytes read, then none"
    stop_and_forget limited
}

limit_statement() {
    start_limited
    watch_limit limits-statement 'a statement of 15 MB' limited
    load statement "$(node_at limited)" --bytes 15000000
    end_limit 256 "the database had all of it, in $(figure seconds) s"
    stop_and_forget limited
}

limit_churn() {
    local hold=60
    [ -z "$quick" ] || hold=5
    start_limited
    watch_limit limits-churn "200 clients a second that come and are reset, for $hold s" limited
    load churn "$(node_at limited)" --rate 200 --seconds $hold
    end_limit 128 "$(figure opened) came, $(figure failed) failed"
    stop_and_forget limited
}

# Stopped, not ended: its connection stays open, and takes no more.
limit_stopped_slave() {
    local hold=70 start
    [ -z "$quick" ] || hold=5
    need_cluster
    watch_limit limits-stopped-slave "a slave's node is stopped (SIGSTOP) for $hold s, at 500 inserts/s" master
    kill -STOP "$(pid_of slave1)"
    load run "$(node_at master)" --workload insert --rate 500 --connections 16 --rows "$rows" --warmup-seconds 0 --seconds $hold
    kill -CONT "$(pid_of slave1)"
    start=${EPOCHREALTIME/./}
    settle_cluster
    end_limit 256 "inserts' p50 $(milliseconds p50_us) ms, p99 $(milliseconds p99_us) ms; caught up $(seconds_since $start) s after it went on"
}

limit_transaction() {
    local megabytes=2000 inserted committed start
    if [ -n "$quick" ]; then
        progress 'limits-transaction: left out with --quick'
        return
    fi
    # The data, the binlog and its cache on three nodes, journal and relay log on two.
    [ "$(df -Pm "$work" | awk 'NR == 2 { print $4 }')" -gt 30000 ] || fail 'limits-transaction needs 30 GB of disk'
    need_cluster
    watch_limit limits-transaction "a transaction of $megabytes MB, through master and slaves" master
    load transaction "$(node_at master)" --megabytes $megabytes
    inserted=$(figure insert_s) committed=$(figure commit_s)
    start=${EPOCHREALTIME/./}
    settle_cluster
    end_limit 512 "inserted in $inserted s, committed in $committed s, on both slaves $(seconds_since $start) s later; a slave's node had $(($(memory_kib "$(pid_of slave1)" VmHWM) / 1024)) MiB at its peak"
    ask_node master 'DROP TABLE sbtest.large' >/dev/null
}
