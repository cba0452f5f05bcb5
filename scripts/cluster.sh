#!/usr/bin/env bash
# A cluster of three nodes on this machine: one master, two slaves.
set -euo pipefail
source "$(dirname "$0")/common.sh"

usage() {
    cat <<TEXT
usage: scripts/cluster.sh <command>

  up                start the nodes that do not run, and wait until they are ready
  down              stop them; their data stays
  status            what each node says of itself
  logs [node]       the nodes' logs, or one node's; -f after it follows
  console [node]    a console on the master, or on that node
  kill <node> [db]  kill -9 that node's ddbnode, or its mariadbd
  destroy           stop them and delete their data

nodes: master (port \$DDB_PORT, default 7001), slave1, slave2 (the next two ports)
data:  \$DDB_CLUSTER, default ./ddbnode-data/cluster
binary: \$DDBNODE, default the release build
TEXT
}

port=${DDB_PORT:-7001}
home=${DDB_CLUSTER:-$root/ddbnode-data/cluster}
nodes=(master slave1 slave2)

misuse() { printf '%s: %s\n\n' "${0##*/}" "$*" >&2; usage >&2; exit 2; }
known() { case $1 in master | slave1 | slave2) ;; *) misuse "no node is called '$1'; they are: ${nodes[*]}" ;; esac }
alone() { [ $# -eq 1 ] || misuse "$1 is for the whole cluster and takes no '$2'"; }

number() { case $1 in master) echo 0 ;; slave1) echo 1 ;; slave2) echo 2 ;; esac }
address() { echo "127.0.0.1:$((port + $(number "$1")))"; }
pid_file() { echo "$home/$1.pid"; }

find_binary() {
    binary=${DDBNODE:-$root/.build/release/ddbnode}
    [ -x "$binary" ] || build_release
}

# The pid of a node that runs, or nothing. A pid file alone proves nothing: the process must be ours.
running() {
    local pid
    pid=$(cat "$(pid_file "$1")" 2>/dev/null) || return 0
    if tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "--data $home/$1 "; then echo "$pid"; fi
}

# The pid of a node's mariadbd, or nothing; the file may be left from one that is long gone.
database() {
    local pid
    pid=$(cat "$home/$1"/mariadb/*.pid 2>/dev/null) || return 0
    if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = mariadbd ]; then echo "$pid"; fi
}

ask() { "$binary" console "$(address "$1")" --format tsv -e "$2" 2>/dev/null; }

start() {
    local name=$1 role=(--role master)
    [ "$name" = master ] || role=(--role slave --master "$(address master)")
    mkdir -p "$home"
    # The option that names the data comes last but one, so that running() finds it.
    setsid nohup "$binary" "${role[@]}" --listen "$(address "$name")" --data "$home/$name" --no-console \
        >>"$home/$name.log" 2>&1 </dev/null &
    echo $! >"$(pid_file "$name")"
}

wait_ready() {
    local name=$1 until=$((SECONDS + 60))
    while ! ask "$name" 'SELECT 1' >/dev/null; do
        if [ -z "$(running "$name")" ]; then
            tail -n 5 "$home/$name.log" >&2
            fail "$name did not start; its log is $home/$name.log"
        fi
        [ $SECONDS -lt $until ] || fail "$name is not ready after 60 s; its log is $home/$name.log"
        sleep 0.1
    done
}

up() {
    find_binary
    local name
    for name in "${nodes[@]}"; do [ -n "$(running "$name")" ] || start "$name"; done
    for name in "${nodes[@]}"; do
        wait_ready "$name"
        printf '%-7s ready at %s (pid %s)\n' "$name" "$(address "$name")" "$(running "$name")"
    done
}

down() {
    local name pid until
    # Slaves first: they would only log that their master went.
    for name in slave2 slave1 master; do
        pid=$(running "$name")
        [ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null || true
    done
    until=$((SECONDS + 60))
    for name in "${nodes[@]}"; do
        while [ -n "$(running "$name")" ]; do
            [ $SECONDS -lt $until ] || fail "$name (pid $(running "$name")) does not stop; its log is $home/$name.log"
            sleep 0.1
        done
        rm -f "$(pid_file "$name")"
    done
    say "the cluster is stopped"
}

status() {
    find_binary
    local name pid
    for name in "${nodes[@]}"; do
        pid=$(running "$name")
        if [ -z "$pid" ]; then
            printf '%-7s %s  not running\n' "$name" "$(address "$name")"
        else
            printf '%-7s %s  pid %s  %s\n' "$name" "$(address "$name")" "$pid" "$(ask "$name" .status | sed -n 's/^health\t//p')"
        fi
    done
    "$binary" console "$(address master)" --format table -e .nodes 2>/dev/null || true
}

logs() {
    local files=() name follow=()
    for name in "$@"; do
        if [ "$name" = -f ]; then follow=(-f); else known "$name"; files+=("$home/$name.log"); fi
    done
    [ ${#files[@]} -gt 0 ] || for name in "${nodes[@]}"; do files+=("$home/$name.log"); done
    tail -n 50 "${follow[@]}" "${files[@]}"
}

kill_node() {
    local name=${1:-} what=${2:-ddbnode} pid
    [ -n "$name" ] || misuse "kill which node? they are: ${nodes[*]}"
    known "$name"
    case $what in
        ddbnode) pid=$(running "$name") ;;
        db) pid=$(database "$name") ;;
        *) misuse "kill $what of $name? say: kill $name, or: kill $name db" ;;
    esac
    [ -n "$pid" ] || fail "$name's $what does not run"
    kill -9 "$pid"
    say "killed $name's $what (pid $pid)"
}

open_console() {
    local name=${1:-master}
    known "$name"
    find_binary
    exec "$binary" console "$(address "$name")"
}

case ${1:-} in
    up) alone "$@"; up ;;
    down) alone "$@"; down ;;
    status) alone "$@"; status ;;
    logs) shift; logs "$@" ;;
    console) shift; open_console "$@" ;;
    kill) shift; kill_node "$@" ;;
    destroy) alone "$@"; down; rm -rf "$home"; say "its data is deleted" ;;
    -h | --help | help) usage ;;
    '') usage >&2; exit 2 ;;
    *) misuse "no command is called '$1'" ;;
esac
