#!/usr/bin/env bash
# Remakes the files of this folder from a private MariaDB server: its binlogs, and what mariadb-binlog says is in them.
set -euo pipefail
golden=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
server=
finish() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null && wait "$server" || true; fi
    rm -rf "$work"
}
trap finish EXIT

mariadb-install-db --no-defaults --auth-root-authentication-method=normal --user=root --datadir="$work/data" >"$work/install.log" 2>&1
mariadbd --no-defaults --user=root --datadir="$work/data" --socket="$work/s" --pid-file="$work/pid" --skip-networking --local-infile=1 \
    --log-bin=golden --binlog-format=ROW --binlog-checksum=CRC32 --server-id=1 --log-bin-compress-min-len=10 >"$work/server.log" 2>&1 &
server=$!
sql() { mariadb --no-defaults --socket="$work/s" --user=root --local-infile=1 "$@"; }
for _ in $(seq 100); do
    if sql -e 'SELECT 1' >/dev/null 2>&1; then break; fi
    sleep 0.1
done

seq 1 400 | sed 's/$/\tloaded/' >"$work/rows.tsv"
for part in rows statements compressed; do sed "s#ROWS_TSV#$work/rows.tsv#" "$golden/$part.sql" | sql --force; sql -e 'FLUSH BINARY LOGS'; done
sql -e 'INSERT INTO shop.plain (id, word) VALUES (900, "the file still in use")'

number=1
for part in rows statements compressed in-use; do
    file=$(printf '%s/data/golden.%06d' "$work" $number)
    install -m 644 "$file" "$golden/$part.binlog"
    # A group reaches from its GTID event to the last event before the next thing that is no part of a group.
    mariadb-binlog --no-defaults "$file" | awk '
        /^#[0-9]+ +[0-9:]+ server id .* end_log_pos / {
            match($0, /end_log_pos [0-9]+/); end = substr($0, RSTART + 12, RLENGTH - 12)
            if ($0 ~ /\tGTID [0-9]+-[0-9]+-[0-9]+/) {
                if (gtid) print gtid, last
                match($0, /GTID [0-9-]+/); gtid = substr($0, RSTART + 5, RLENGTH - 5)
            } else if ($0 ~ /\t(Rotate|Stop|Gtid list|Binlog checkpoint|Start: binlog)/) {
                if (gtid) print gtid, last
                gtid = ""
            }
            last = end
        }
        END { if (gtid) print gtid, last }' >"$golden/$part.groups"
    number=$((number + 1))
done
