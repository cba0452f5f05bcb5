# How far slaves are behind: after an absence, and under a steady load; sourced by benchmark.sh.

# A slave that was stopped, node and database, while the master went on. Counted from its start.
compare_catch_up() {
    local name=catch-up count=50000 pair
    [ -z "$quick" ] || count=5000
    need_cluster
    need_native
    note row $name "a slave that missed $count transactions, from its start on" 'native replica' 1/s higher 0.9
    note row $name-rate 'the same, from when its database answered' 'native replica' 1/s higher -
    for ((pair = 1; pair <= pairs; pair++)); do
        progress "$name: pair $pair of $pairs"
        miss slave1 "$(node_socket master)" $count "$(node_socket slave2)"
        catch_up ddbnode $count "$(node_socket master)" "$(node_socket slave1)" start_slave1
        miss replica1 "$(server_socket native)" $count "$(server_socket replica2)"
        catch_up against $count "$(server_socket native)" "$(server_socket replica1)" start_replica1
    done
}

start_slave1() { start_node slave1 --role slave --master "127.0.0.1:$(port_of master)"; }
start_replica1() {
    start_server replica1 slave 2
    ask_socket "$(server_socket replica1)" 'START SLAVE'
}

# miss <who> <master's socket> <transactions> <the other slave's socket>
miss() {
    stop "$1"
    load run "socket:$2" --workload insert --connections 16 --requests "$3" --warmup-seconds 0 --seconds 600
    settle "$2" "$4"
}

# catch_up <side> <transactions> <master's socket> <slave's socket> <what starts it>
catch_up() {
    local side=$1 count=$2 position start
    position=$(ask_socket "$3" 'SELECT @@gtid_binlog_pos')
    start=${EPOCHREALTIME/./}
    $5
    load await "socket:$4" --sql 'SELECT @@gtid_slave_pos' --answer "$position" --seconds 600
    note value catch-up "$side" $pair "$(calculate "$count * 1000000 / ($(figure at_us) - $start)")"
    # Where it was done before its database was first asked, there is no rate to tell.
    ! grep -q per_s <<<"$line" || note value catch-up-rate "$side" $pair "$(figure per_s)"
}

# Under 500 inserts a second in all, of which 100 are looked for on a slave.
compare_visible() {
    local name=visible pair part
    need_cluster
    need_native
    for part in p50 p99; do
        note row $name-$part "commit to visible on a slave, $part, 500 inserts/s" 'native replica' ms lower 2
        note row $name-sent-$part "the same from the write's due time, $part" 'native replica' ms lower -
    done
    for ((pair = 1; pair <= pairs; pair++)); do
        progress "$name: pair $pair of $pairs"
        look_for_writes ddbnode $pair "$(node_at master)" "$(node_at slave1)"
        settle_cluster
        look_for_writes against $pair "$(server_at native)" "$(server_at replica1)"
        settle_native
    done
}

# look_for_writes <side> <pair> <master> <slave>
look_for_writes() {
    local side=$1 pair=$2 part
    begin_load others run "$3" --workload insert --rate 400 --connections 8 --rows "$rows" --seconds $((seconds + 1))
    load visible "$3" "$4" --rate 100 --seconds "$seconds"
    finish_load others
    for part in p50 p99; do
        note value visible-$part "$side" "$pair" "$(calculate "$(figure ${part}_us) / 1000")"
        note value visible-sent-$part "$side" "$pair" "$(calculate "$(figure sent_${part}_us) / 1000")"
    done
}
