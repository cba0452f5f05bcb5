# Point selects: throughput against direct clients, and their latency beside slow queries; sourced by benchmark.sh.

# Rows of one primary key each, over one server: by its node, straight in the same loop, and straight by sysbench.
# compare_selects <name> <connections> <depth at the node> <target>
compare_selects() {
    local name=$1 connections=$2 depth=$3 target=$4 what pair rate processes
    need_gate
    what="point selects, $connections connections"
    [ "$depth" -eq 1 ] || what+=", $depth pipelined at the node"
    note row "$name" "$what" 'direct, same generator' 1/s higher "$target"
    note row "$name-sysbench" "$what" 'direct, sysbench' 1/s higher "$target"
    processes=(node="$(pid_of gate)" database="$(pid_of direct)")
    for ((pair = 1; pair <= pairs; pair++)); do
        progress "$name: pair $pair of $pairs"
        cpu_before "${processes[@]}"
        begin_profile "$name" "$(pid_of gate)"
        load run "$(node_at gate)" --connections "$connections" --depth "$depth" --rows "$rows" --seconds "$seconds"
        end_profile "$name"
        cpu_after "$name" ddbnode "${processes[@]}"
        note value "$name" ddbnode $pair "$(figure per_s)"
        note value "$name-sysbench" ddbnode $pair "$(figure per_s)"
        cpu_before "${processes[1]}"
        load run "$(server_at direct)" --connections "$connections" --rows "$rows" --seconds "$seconds"
        cpu_after "$name" direct "${processes[1]}"
        note value "$name" against $pair "$(figure per_s)"
        rate=$(sysbench_rate oltp_point_select "$connections" "$seconds" --mysql-host=127.0.0.1 --mysql-port="$(port_of direct)")
        note value "$name-sysbench" against $pair "$rate"
    done
}

compare_point_select_16() { compare_selects point-select-16 16 1 0.9; }
compare_point_select_64() { compare_selects point-select-64 64 1 0.9; }
compare_pipelined_16() { compare_selects pipelined-16 16 16 1.5; }
compare_pipelined_64() { compare_selects pipelined-64 64 16 1.5; }

# The same load at a rate far below the limit, with and without ten queries that take a second each.
compare_slow_queries() {
    local name=slow-queries pair
    need_gate
    note row $name-p99 'p99 of point selects at 1000/s, beside ten slow queries' 'without them' ms lower 1.5
    note row $name-p50 'p50 of the same' 'without them' ms lower -
    for ((pair = 1; pair <= pairs; pair++)); do
        progress "$name: pair $pair of $pairs"
        begin_load slow run "$(node_at gate)" --workload sql --sql 'SELECT SLEEP(1)' --connections 10 --seconds 600
        load_steadily $name ddbnode $pair
        end_load slow
        load_steadily $name against $pair
    done
}

load_steadily() {
    load run "$(node_at gate)" --rate 1000 --connections 16 --rows "$rows" --seconds "$seconds"
    note value "$1-p99" "$2" "$3" "$(calculate "$(figure p99_us) / 1000")"
    note value "$1-p50" "$2" "$3" "$(calculate "$(figure p50_us) / 1000")"
}
