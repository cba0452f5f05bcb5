# What a node takes by itself: time to start, and memory; sourced by benchmark.sh.

# From an empty directory to the first answered query, then again.
compare_start() {
    local pair
    note row start-first 'first start to the first answered query' - s lower 4
    note row start-again 'restart to the first answered query' - s lower 1.5
    for ((pair = 1; pair <= pairs; pair++)); do
        progress "start: $pair of $pairs"
        note value start-first ddbnode $pair "$(time_start starting)"
        stop starting
        note value start-again ddbnode $pair "$(time_start starting)"
        stop_and_forget starting
    done
}

time_start() {
    local start
    choose_port "$1"
    start=${EPOCHREALTIME/./}
    start_node "$1" --role master
    load await "$(node_at "$1")" --poll-ms 5
    calculate "($(figure at_us) - $start) / 1000000"
}

# Idle clients that have asked one question each; a server gets fewer, since each is a thread there.
compare_memory() {
    local pair clients=10000 threads=2000
    [ -z "$quick" ] || clients=1000 threads=200
    note row memory "resident memory for an idle client, $clients of them" "mariadbd, $threads of them" KiB lower 0.1
    for ((pair = 1; pair <= pairs; pair++)); do
        progress "memory: pair $pair of $pairs"
        # A fresh process each time: what a client took is not all given back.
        printf '{"limits": {"connectionsMax": %d}}\n' $((clients + 100)) >"$work/crowded.json"
        start_node crowded --role master --config "$work/crowded.json"
        await crowded "$(node_at crowded)" >/dev/null
        note value memory ddbnode $pair "$(memory_per_client "$(node_at crowded)" "$(pid_of crowded)" $clients)"
        stop_and_forget crowded
        start_server crowded-server master 1 --max-connections=$((threads + 100))
        note value memory against $pair "$(memory_per_client "$(server_at crowded-server)" "$(pid_of crowded-server)" $threads)"
        stop_and_forget crowded-server
    done
}

memory_per_client() {
    local address=$1 pid=$2 clients=$3 before after idle
    before=$(memory_kib "$pid" VmRSS)
    open_idle "$address" "$clients"
    after=$(memory_kib "$pid" VmRSS)
    close_idle
    calculate "($after - $before) / $clients"
}

# open_idle <address> <clients>: they are there when it returns; then close_idle.
open_idle() {
    local until=$((SECONDS + 120))
    begin_load idle idle "$1" --connections "$2"
    until grep -q ready "$work/idle.out"; do
        runs idle || fail "the idle clients did not all connect"
        [ $SECONDS -lt $until ] || fail "the idle clients were not ready in 120 s"
        sleep 0.05
    done
}

close_idle() { end_load idle; }
