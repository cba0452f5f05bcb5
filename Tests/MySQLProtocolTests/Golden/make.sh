#!/usr/bin/env bash
# Remakes the captures of this folder: a real replica's conversation with a real master, and dumps read by hand.
set -euo pipefail
golden=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
running=()
finish() {
    for process in "${running[@]}"; do kill "$process" 2>/dev/null && wait "$process" 2>/dev/null || true; done
    rm -rf "$work"
}
trap finish EXIT

rm -f "$golden"/*.capture

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
sql() { mariadb --no-defaults --socket="$work/$1.s" --user=root "${@:2}"; }
await() { for _ in $(seq 200); do if "$@" >/dev/null 2>&1; then return; fi; sleep 0.05; done; echo "gave up on: $*" >&2; exit 1; }
start() { # name id options...
    mariadb-install-db --no-defaults --auth-root-authentication-method=normal --user=root --datadir="$work/$1" >"$work/$1.install" 2>&1
    mariadbd --no-defaults --user=root --datadir="$work/$1" --socket="$work/$1.s" --pid-file="$work/$1.pid" --server-id="$2" \
        --log-bin=golden --binlog-format=ROW --binlog-checksum=CRC32 --gtid-strict-mode=1 --log-slave-updates=1 "${@:3}" >"$work/$1.log" 2>&1 &
    running+=($!)
    await sql "$1" -e 'SELECT 1'
}

master_port=$(free_port)
start master 1 --bind-address=127.0.0.1 --port="$master_port"
start replica 2 --skip-networking
sql master -e "CREATE USER follower@'127.0.0.1' IDENTIFIED BY 'secret'; GRANT REPLICATION SLAVE ON *.* TO follower@'127.0.0.1';
    CREATE DATABASE shop; CREATE TABLE shop.plain (id INT PRIMARY KEY, word VARCHAR(50)) ENGINE=InnoDB; INSERT INTO shop.plain VALUES (1, 'one');"
sql replica -e "SET GLOBAL gtid_slave_pos='0-1-2'"

for semi_sync in 0 1; do
    port=$(free_port)
    python3 "$golden/capture.py" proxy "$port" "$master_port" "$golden/replica-semi-sync-$semi_sync.capture" &
    proxy=$!
    running+=($proxy)
    await test -e "$golden/replica-semi-sync-$semi_sync.capture"
    sql replica -e "SET GLOBAL rpl_semi_sync_slave_enabled=$semi_sync;
        CHANGE MASTER TO master_host='127.0.0.1', master_port=$port, master_user='follower', master_password='secret', master_use_gtid=slave_pos,
            master_heartbeat_period=1, master_connect_retry=60; START SLAVE"
    # One heartbeat, so that the capture shows where the stream stands when nothing happens.
    await sh -c "cut -d' ' -f3 '$golden/replica-semi-sync-$semi_sync.capture' | cut -c\$((11 + 4 * $semi_sync))-\$((12 + 4 * $semi_sync)) | grep -q 1b"
    sql replica -e 'STOP SLAVE; RESET SLAVE ALL'
    wait "$proxy"
done

capture() { python3 "$golden/capture.py" dump "$work/master.s" "$golden/$1.capture" "${@:2}"; }
capture dump-plain 0-1-2 0 3
capture dump-from-start '' 0 3
capture dump-ahead 0-1-999 0 3
capture dump-semi-sync-off 0-1-4 1 3
sql master -e 'SET GLOBAL rpl_semi_sync_master_enabled=1, rpl_semi_sync_master_wait_point=AFTER_SYNC, rpl_semi_sync_master_timeout=10000'
capture dump-semi-sync 0-1-2 1 2

# The same events are the measure for those that are made up or changed for a stream.
events=$golden/../../BinlogFormatTests/Golden
cp "$golden/dump-from-start.capture" "$events/stream-from-start.capture"
cp "$golden/replica-semi-sync-0.capture" "$events/stream-resumed.capture"
