# The set-ups that are compared: nodes, and MariaDB servers with the same settings; sourced by benchmark.sh.
#
# A process called NAME has NAME.pid, NAME.port and NAME.log in $work, and its data in $work/NAME.

pid_of() { cat "$work/$1.pid"; }
port_of() { cat "$work/$1.port"; }
# One that ended and was not yet waited for doesn't run.
runs() { [ -f "$work/$1.pid" ] && grep -q '^State:.[^ZX]' "/proc/$(pid_of "$1")/status" 2>/dev/null; }

# A port for a name, the same at each start.
choose_port() { [ -f "$work/$1.port" ] || "$loadgen" free-port >"$work/$1.port"; }

# await <name> <address> <option>...: until it answers (or as the options say), or fails with the end of its log.
await() {
    local name=$1
    shift
    if ! "$loadgen" await --user bench --password "$password" --seconds 120 --json "$@"; then
        tail -n 5 "$work/$name.log" >&2
        fail "$name is not where it should be; its log ends above"
    fi
}

# TERM to all of them, then a wait; what doesn't end in time is killed.
stop() {
    local name pid until=$((SECONDS + 40))
    for name in "$@"; do
        # One that was stopped in the other sense would not hear it.
        if runs "$name"; then kill -TERM "$(pid_of "$name")" && kill -CONT "$(pid_of "$name")" || true; fi
    done
    for name in "$@"; do
        while runs "$name"; do
            [ $SECONDS -lt $until ] || kill -KILL "$(pid_of "$name")" 2>/dev/null || true
            sleep 0.02
        done
        rm -f "$work/$name.pid"
    done
}

# A second process of the same name would be one that nobody stops.
need_stopped() { ! runs "$1" || fail "$1 runs already"; }

stop_all() {
    local names=() file
    for file in "$work"/*.pid; do [ ! -f "$file" ] || names+=("$(basename "$file" .pid)"); done
    [ ${#names[@]} -eq 0 ] || stop "${names[@]}"
}

# stop_and_forget <name>...: its data, too.
stop_and_forget() {
    local name
    stop "$@"
    for name in "$@"; do rm -rf "${work:?}/$name" "$work/$name".*; done
}

# What a comparison that failed may have left behind.
abandon() { stop_and_forget probe idle slow others perf starting crowded crowded-server limited settings-slave settings-master; }

# Makes a slave's folder where slaves' data is to be.
place_slave() {
    [ -n "$slaves_in" ] && [ ! -e "$work/$1" ] || return 0
    mkdir "$slaves/$1"
    ln -s "$slaves/$1" "$work/$1"
}

# --- nodes ---

# start_node <name> <flag>...; does not wait.
start_node() {
    local name=$1
    shift
    need_stopped "$name"
    choose_port "$name"
    "$ddbnode" "$@" --data "$work/$name" --listen "127.0.0.1:$(port_of "$name")" --no-console >>"$work/$name.log" 2>&1 </dev/null &
    echo $! >"$work/$name.pid"
}

node_at() { echo "node:$(port_of "$1")"; }
node_socket() { echo "$work/$1/mariadb.sock"; }
node_database_pid() { cat "$work/$1"/mariadb/*.pid; }

# SQL over the text protocol.
ask_node() { "$ddbnode" console "127.0.0.1:$(port_of "$1")" --format tsv -e "$2"; }

# SQL to a server's socket.
ask_socket() { mariadb --no-defaults --socket="$1" --user=bench --password="$password" --batch --skip-column-names -e "$2"; }

# --- MariaDB servers ---

# The very arguments that nodes give their databases, a file for each role, taken from a master and a slave that start for the purpose.
need_settings() {
    [ ! -d "$work/settings" ] || return 0
    progress "looking up the settings of a node's own databases"
    start_node settings-master --role master
    await settings-master "$(node_at settings-master)" >/dev/null
    start_node settings-slave --role slave --master "127.0.0.1:$(port_of settings-master)"
    await settings-slave "$(node_at settings-slave)" >/dev/null
    mkdir "$work/settings"
    tr '\0' '\n' <"/proc/$(node_database_pid settings-master)/cmdline" >"$work/settings/master"
    tr '\0' '\n' <"/proc/$(node_database_pid settings-slave)/cmdline" >"$work/settings/slave"
    stop_and_forget settings-slave settings-master
}

# An empty data directory to copy.
need_seed() {
    [ ! -d "$work/seed" ] || return 0
    mkdir "$work/seed"
    mariadb-install-db --no-defaults --force --skip-test-db --skip-name-resolve --datadir="$work/seed" \
        --auth-root-authentication-method=socket --user="$(id -un)" >"$work/seed.log" 2>&1 || fail "mariadb-install-db failed: $(cat "$work/seed.log")"
    cat >"$work/accounts.sql" <<SQL
SET SESSION sql_log_bin = 0;
CREATE OR REPLACE USER bench@localhost IDENTIFIED BY '$password';
CREATE OR REPLACE USER bench@127.0.0.1 IDENTIFIED BY '$password';
GRANT ALL PRIVILEGES ON *.* TO bench@localhost WITH GRANT OPTION;
GRANT ALL PRIVILEGES ON *.* TO bench@127.0.0.1 WITH GRANT OPTION;
SQL
}

# server_arguments <name> <role> <id>: those of a node's database of that role, but for where it lives and that it has a port.
server_arguments() {
    local home=$work/$1 argument
    arguments=()
    while IFS= read -r argument; do
        case $argument in
            --datadir=* | --tmpdir=* | --socket=* | --pid-file=* | --init-file=* | --secure-file-priv=* | --server-id=* | --skip-networking) ;;
            *) arguments+=("$argument") ;;
        esac
    done <"$work/settings/$2"
    arguments+=(--datadir="$home/data" --tmpdir="$home/tmp" --socket="$home/mariadb.sock" --pid-file="$home/mariadb.pid"
        --init-file="$work/accounts.sql" --secure-file-priv="$home/tmp" --server-id="$3" --port="$(port_of "$1")" --bind-address=127.0.0.1)
}

# start_server <name> <master|slave> <id> <option>...; waits until it answers.
start_server() {
    local name=$1 role=$2 id=$3 arguments
    shift 3
    need_stopped "$name"
    need_settings
    need_seed
    choose_port "$name"
    if [ ! -d "$work/$name/data" ]; then
        mkdir -p "$work/$name/tmp"
        cp -a "$work/seed" "$work/$name/data"
    fi
    server_arguments "$name" "$role" "$id"
    "${arguments[@]}" "$@" >>"$work/$name.log" 2>&1 </dev/null &
    echo $! >"$work/$name.pid"
    await "$name" "$(server_at "$name")" >/dev/null
}

server_at() { echo "server:$(port_of "$1")"; }
server_socket() { echo "$work/$1/mariadb.sock"; }

# --- whole set-ups ---

# Whether a set-up is there; one that came to be in part is of no use.
is_ready() {
    [ ! -f "$work/$1.begun" ] || { [ -f "$work/$1.ready" ] && return; fail "there is no $1: see above"; }
    touch "$work/$1.begun"
    return 1
}

# prepare <socket>: sysbench's table, and those of the other comparisons.
prepare() {
    ask_socket "$1" 'CREATE DATABASE IF NOT EXISTS sbtest; CREATE TABLE sbtest.visible (seq BIGINT PRIMARY KEY);
        CREATE TABLE sbtest.large (id INT AUTO_INCREMENT PRIMARY KEY, body LONGTEXT)'
    sysbench oltp_insert --mysql-socket="$1" --mysql-user=bench --mysql-password="$password" --mysql-db=sbtest --tables=1 \
        --table-size="$rows" prepare >"$work/prepare.log" 2>&1 || fail "sysbench prepare failed: $(cat "$work/prepare.log")"
}

# One server, which clients reach directly and by a node.
need_gate() {
    ! is_ready gate || return 0
    progress "starting a server, and a node before it"
    # Direct clients and the node's pool together.
    start_server direct master 1 --max-connections=512
    (umask 077 && printf '%s\n' "$password" >"$work/gate.password")
    printf '{"database": {"mode": "external", "socket": "%s", "user": "bench", "passwordFile": "%s"}}\n' \
        "$(server_socket direct)" "$work/gate.password" >"$work/gate.json"
    start_node gate --role master --config "$work/gate.json"
    await gate "$(node_at gate)" >/dev/null
    prepare "$(server_socket direct)"
    touch "$work/gate.ready"
}

# start_cluster <prefix> <acks>: a master node and two slave nodes.
start_cluster() {
    local prefix=$1 master=${1:-master} name
    [ -z "$prefix" ] || prefix=$1-
    printf '{"replication": {"acks": %s}}\n' "$2" >"$work/$master.json"
    start_node "$master" --role master --config "$work/$master.json"
    await "$master" "$(node_at "$master")" >/dev/null
    for name in "${prefix}slave1" "${prefix}slave2"; do
        place_slave "$name"
        start_node "$name" --role slave --master "127.0.0.1:$(port_of "$master")"
    done
    for name in "${prefix}slave1" "${prefix}slave2"; do await "$name" "$(node_at "$name")" >/dev/null; done
    ask_node "$master" "CREATE USER bench@localhost IDENTIFIED BY '$password'" >/dev/null
    ask_node "$master" 'CREATE DATABASE sbtest' >/dev/null
    ask_node "$master" 'GRANT ALL PRIVILEGES ON sbtest.* TO bench@localhost' >/dev/null
    prepare "$(node_socket "$master")"
    settle "$(node_socket "$master")" "$(node_socket "${prefix}slave1")" "$(node_socket "${prefix}slave2")"
}

# As the other side's replicas, these slaves are not waited for.
need_cluster() {
    ! is_ready cluster || return 0
    progress "starting a cluster of three nodes"
    start_cluster '' 0
    touch "$work/cluster.ready"
}

# Here commits wait for one of two slaves.
need_quorum() {
    ! is_ready quorum-cluster || return 0
    progress "starting a cluster of three nodes whose commits wait for a majority"
    start_cluster quorum '"majority"'
    touch "$work/quorum-cluster.ready"
}

# A MariaDB master with two replicas of its own kind.
need_native() {
    ! is_ready native || return 0
    progress "starting a MariaDB master with two replicas"
    start_server native master 1
    start_replica native replica1 2
    start_replica native replica2 3
    prepare "$(server_socket native)"
    settle_native
    touch "$work/native.ready"
}

# start_replica <master> <name> <id> <option>...
start_replica() {
    local master=$1 name=$2 id=$3
    shift 3
    place_slave "$name"
    start_server "$name" slave "$id" "$@"
    ask_socket "$(server_socket "$name")" "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=$(port_of "$master"), MASTER_USER='bench',
        MASTER_PASSWORD='$password', MASTER_USE_GTID=slave_pos; START SLAVE"
}

# need_semisync <name> <sync_relay_log>: the same, semi-synchronous; commits wait for one replica.
need_semisync() {
    ! is_ready "$1" || return 0
    progress "starting a semi-synchronous MariaDB master with two replicas, sync_relay_log=$2"
    start_server "$1" master 1 --rpl-semi-sync-master-enabled=1 --rpl-semi-sync-master-wait-point=AFTER_SYNC \
        --rpl-semi-sync-master-timeout=600000 --rpl-semi-sync-master-wait-no-slave=1
    start_replica "$1" "$1-replica1" 2 --rpl-semi-sync-slave-enabled=1 --sync-relay-log="$2"
    start_replica "$1" "$1-replica2" 3 --rpl-semi-sync-slave-enabled=1 --sync-relay-log="$2"
    prepare "$(server_socket "$1")"
    settle "$(server_socket "$1")" "$(server_socket "$1-replica1")" "$(server_socket "$1-replica2")"
    touch "$work/$1.ready"
}

# Until every slave has what the master has: one run's backlog must not slow the next.
settle() {
    local master=$1 position socket
    shift
    position=$(ask_socket "$master" 'SELECT @@gtid_binlog_pos')
    for socket in "$@"; do
        await "$(basename "$(dirname "$socket")")" "socket:$socket" --sql 'SELECT @@gtid_slave_pos' --answer "$position" --seconds 900 >/dev/null
    done
}
settle_cluster() { settle "$(node_socket master)" "$(node_socket slave1)" "$(node_socket slave2)"; }
settle_native() { settle "$(server_socket native)" "$(server_socket replica1)" "$(server_socket replica2)"; }
