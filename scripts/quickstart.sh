#!/usr/bin/env bash
# Installs what is missing, builds, starts a cluster of three nodes on this machine, and shows it at work.
set -euo pipefail
source "$(dirname "$0")/common.sh"

install_packages
build_release
export DDBNODE=$binary
"$root/scripts/cluster.sh" up
port=${DDB_PORT:-7001}

# One request over the text protocol, shown with its reply.
show() {
    local name=$1 address=$2 request=$3
    printf '\n%s> %s\n' "$name" "$request"
    printf '%s\n' "$request" | nc -N 127.0.0.1 "$address" || fail "no answer from $name at 127.0.0.1:$address"
}

say
say "--- an example, as anything that opens a TCP connection can do it ---"
show master $port 'CREATE DATABASE IF NOT EXISTS shop'
show master $port 'CREATE TABLE IF NOT EXISTS shop.users (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40), joined DATETIME(6))'
insert="INSERT INTO shop.users (name, joined) VALUES ('Jessy', NOW(6))"
printf '\nmaster> %s\n' "$insert"
reply=$(printf '%s\n' "$insert" | nc -N 127.0.0.1 $port)
printf '%s\n' "$reply"
gtid=$(sed -n 's/.* gtid=\([0-9-]*\).*/\1/p' <<<"$reply")
[ -n "$gtid" ] || fail "the insert failed"
for slave in 1 2; do
    show slave$slave $((port + slave)) ".wait $gtid 10000"
    show slave$slave $((port + slave)) 'SELECT * FROM shop.users ORDER BY id DESC LIMIT 3'
done
show slave1 $((port + 1)) 'DROP TABLE shop.users'

cat <<TEXT

The cluster runs: master 127.0.0.1:$port, slaves 127.0.0.1:$((port + 1)) and 127.0.0.1:$((port + 2)). Try next:
  scripts/cluster.sh console                  SQL at a prompt (or: nc 127.0.0.1 $port)
  scripts/cluster.sh kill slave1; scripts/cluster.sh status; scripts/cluster.sh up
  scripts/cluster.sh down                     stops it; scripts/cluster.sh destroy deletes its data, too
TEXT
