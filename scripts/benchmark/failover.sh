# How long a change of master takes, and what clients notice; sourced by benchmark.sh.

changing='moved moved-slave1 moved-slave2'

# A cluster whose nodes choose their master by themselves.
need_moved() {
    ! is_ready moved-cluster || return 0
    progress "starting a cluster of three nodes to change the master of"
    start_cluster moved '"majority"'
    local until=$((SECONDS + 30))
    until ask_node moved .status | grep -q '^failover.automatic'; do
        [ $SECONDS -lt $until ] || fail "the nodes do not choose their master by themselves"
        sleep 0.2
    done
    touch "$work/moved-cluster.ready"
}

# The node that is master now; waits for one.
moved_master() {
    local name until=$((SECONDS + 30))
    while [ $SECONDS -lt $until ]; do
        for name in $changing; do
            if runs "$name" && ask_node "$name" .role 2>/dev/null | grep -q 'role=master'; then echo "$name"; return; fi
        done
        sleep 0.02
    done
    fail "no node became master in 30 s"
}

# await_role <node> <role>: and until it serves.
await_role() {
    local until=$((SECONDS + 60))
    until ask_node "$1" .role 2>/dev/null | grep -q "role=$2" && ask_node "$1" 'SELECT 1' >/dev/null 2>&1; do
        [ $SECONDS -lt $until ] || fail "$1 did not become a $2 in 60 s"
        sleep 0.02
    done
}

await_all() {
    local name master
    master=$(moved_master)
    for name in $changing; do [ "$name" = "$master" ] || await_role "$name" slave; done
}

# Asked for, without load and under 500 inserts/s by a node that is slave before and after: from the command to the first acknowledged write.
compare_switchover() {
    local pair start old
    need_moved
    note row switchover 'planned change of master without load, to the first write' - s lower 0.5
    note row switchover-load 'the longest insert of 500/s while the master is changed three times' - s lower 1
    note row switchover-errors 'errors and lost connections of these clients' - clients lower 0
    for ((pair = 1; pair <= pairs; pair++)); do
        progress "switchover: $pair of $pairs"
        await_all
        old=$(moved_master)
        start=${EPOCHREALTIME/./}
        ask_node "$old" .switchover >/dev/null || fail "the master was not changed"
        ask_node "$old" 'INSERT INTO sbtest.visible SELECT COALESCE(MAX(seq), 0) + 1 FROM sbtest.visible' >/dev/null
        note value switchover ddbnode $pair "$(calculate "(${EPOCHREALTIME/./} - $start) / 1000000")"
        await_all
        begin_load moving run "$(node_at moved)" --workload insert --connections 16 --rate 500 --rows "$rows" --seconds 8
        for _ in 1 2 3; do
            sleep 2
            await_all
            ask_node "$(moved_master)" .switchover >/dev/null || fail "the master was not changed under load"
        done
        finish_load moving
        note value switchover-load ddbnode $pair "$(calculate "$(figure max_us "$(cat "$work/moving.out")") / 1000000")"
        note value switchover-errors ddbnode $pair "$(($(figure failed "$(cat "$work/moving.out")") + $(figure lost_connections "$(cat "$work/moving.out")")))"
    done
}

# Killed with its database while clients write through another node: how long these wait, and how long until the old master serves again as a slave.
compare_failover() {
    local pair start old other
    need_moved
    note row failover 'kill -9 of the master and its database, to the first write' - s lower 1
    note row rejoin 'start of the old master until it serves as a slave' - s lower 5
    for ((pair = 1; pair <= 3 * pairs; pair++)); do
        progress "failover: $pair of $((3 * pairs))"
        await_all
        old=$(moved_master)
        for other in $changing; do [ "$other" = "$old" ] || break; done
        start=${EPOCHREALTIME/./}
        kill -9 "$(pid_of "$old")" "$(node_database_pid "$old")"
        ask_node "$other" 'INSERT INTO sbtest.visible SELECT COALESCE(MAX(seq), 0) + 1 FROM sbtest.visible' >/dev/null
        note value failover ddbnode $pair "$(calculate "(${EPOCHREALTIME/./} - $start) / 1000000")"
        wait "$(pid_of "$old")" 2>/dev/null || true
        rm -f "$work/$old.pid"
        start=${EPOCHREALTIME/./}
        start_moved "$old"
        await_role "$old" slave
        note value rejoin ddbnode $pair "$(calculate "(${EPOCHREALTIME/./} - $start) / 1000000")"
    done
}

# As it was started first.
start_moved() {
    case $1 in
        moved) start_node moved --role master --config "$work/moved.json" ;;
        *) start_node "$1" --role slave --master "127.0.0.1:$(port_of moved)" ;;
    esac
}
