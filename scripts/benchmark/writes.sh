# Inserts, with two slaves attached on either side; sourced by benchmark.sh.

# Clients of the master node, against clients of a native master.
compare_insert() {
    local name=insert pair rate processes
    need_cluster
    need_native
    note row $name 'single-row inserts, 16 connections, 2 slaves' 'native, same generator' 1/s higher 0.8
    note row $name-sysbench 'single-row inserts, 16 connections, 2 slaves' 'native, sysbench' 1/s higher 0.8
    processes=(node="$(pid_of master)" database="$(node_database_pid master)")
    for ((pair = 1; pair <= pairs; pair++)); do
        progress "$name: pair $pair of $pairs"
        cpu_before "${processes[@]}"
        begin_profile $name "$(pid_of master)"
        load run "$(node_at master)" --workload insert --connections 16 --rows "$rows" --seconds "$seconds"
        end_profile $name
        cpu_after $name ddbnode "${processes[@]}"
        note value $name ddbnode $pair "$(figure per_s)"
        note value $name-sysbench ddbnode $pair "$(figure per_s)"
        settle_cluster
        cpu_before database="$(pid_of native)"
        load run "$(server_at native)" --workload insert --connections 16 --rows "$rows" --seconds "$seconds"
        cpu_after $name native database="$(pid_of native)"
        note value $name against $pair "$(figure per_s)"
        settle_native
        rate=$(sysbench_rate oltp_insert 16 "$seconds" --mysql-host=127.0.0.1 --mysql-port="$(port_of native)")
        note value $name-sysbench against $pair "$rate"
        settle_native
    done
}

# Inserts by the master database's own socket: what shipping to the slaves takes from it.
compare_replication_cost() {
    local connections=$1 name pair what
    name=replication-cost-$connections
    what="inserts by the database's socket, $connections $([ "$connections" -eq 1 ] && echo connection || echo connections), 2 slaves"
    need_cluster
    need_native
    note row "$name" "$what" 'native, same generator' 1/s higher 0.95
    for ((pair = 1; pair <= pairs; pair++)); do
        progress "$name: pair $pair of $pairs"
        load run "socket:$(node_socket master)" --workload insert --connections "$connections" --rows "$rows" --seconds "$seconds"
        note value "$name" ddbnode $pair "$(figure per_s)"
        settle_cluster
        load run "socket:$(server_socket native)" --workload insert --connections "$connections" --rows "$rows" --seconds "$seconds"
        note value "$name" against $pair "$(figure per_s)"
        settle_native
    done
}

compare_replication_cost_1() { compare_replication_cost 1; }
compare_replication_cost_8() { compare_replication_cost 8; }
compare_replication_cost_32() { compare_replication_cost 32; }

# Commits that wait for a majority with synced journals, against semi-synchronous replication: as MariaDB has it (a replica's answer before its
# relay log is synced), and with synced relay logs, which is the same promise.
compare_quorum() {
    local connections=$1 wanted=$2 name=quorum-$1 pair what
    what="inserts by the database's socket that wait for a majority, $connections connection$([ "$connections" -eq 1 ] || echo s)"
    need_quorum
    need_semisync semi 0
    need_semisync synced 1
    note row "$name" "$what" 'semi-sync AFTER_SYNC, unsynced relay logs' 1/s higher "$wanted"
    note row "$name-synced" "$what" 'semi-sync AFTER_SYNC, sync_relay_log=1' 1/s higher 1.0
    for ((pair = 1; pair <= pairs; pair++)); do
        progress "$name: pair $pair of $pairs"
        load run "socket:$(node_socket quorum)" --workload insert --connections "$connections" --rows "$rows" --seconds "$seconds"
        note value "$name" ddbnode $pair "$(figure per_s)"
        note value "$name-synced" ddbnode $pair "$(figure per_s)"
        settle "$(node_socket quorum)" "$(node_socket quorum-slave1)" "$(node_socket quorum-slave2)"
        semisync_run semi
        note value "$name" against $pair "$(figure per_s)"
        semisync_run synced
        note value "$name-synced" against $pair "$(figure per_s)"
    done
}

semisync_run() {
    load run "socket:$(server_socket "$1")" --workload insert --connections "$connections" --rows "$rows" --seconds "$seconds"
    settle "$(server_socket "$1")" "$(server_socket "$1-replica1")" "$(server_socket "$1-replica2")"
}

compare_quorum_1() { compare_quorum 1 0.8; }
compare_quorum_8() { compare_quorum 8 1.0; }
compare_quorum_32() { compare_quorum 32 1.0; }
