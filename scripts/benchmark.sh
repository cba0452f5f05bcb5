#!/usr/bin/env bash
# Compares ddbnode with plain MariaDB set-ups of the same settings, side by side on this machine, and tries its limits.
set -euo pipefail
source "$(dirname "$0")/common.sh"
for part in measure servers selects writes replication failover snapshots node limits; do source "$root/scripts/benchmark/$part.sh"; done

usage() {
    cat <<TEXT
usage: scripts/benchmark.sh [--only NAME]... [--quick] [--pairs N] [--seconds N] [--profile] [--slaves-in DIR] [--output DIR]

  --only NAME   this comparison, or those whose names begin with NAME-; may be given again
  --quick       short runs, one pair each: to see that it works, not for figures
  --pairs N     how often each side runs, in turn (default 3)
  --seconds N   how long each run measures (default 8); where others use the machine, many short pairs tell more than a few long ones
  --profile     record where the node spends its CPU time in selects and inserts (NAME.profile beside the results; slows it down a little)
  --slaves-in DIR
                put slaves' data here, on both sides: another disk, or /dev/shm in the place of one, so that slaves don't wait for the master's disk
  --output DIR  where results.md and results.json go (default .build/benchmark)
  --list        the names of all comparisons

The table goes to standard output, what is being done to standard error. Data is in \${TMPDIR:-/tmp}, which should be on a real disk.
\$DDBNODE names a binary to measure instead of building one.

exit codes: 0 all ran, whatever came out; 1 something failed to run; 2 wrong command line
TEXT
}

# name and function
comparisons=(
    point-select-16 compare_point_select_16 point-select-64 compare_point_select_64
    pipelined-16 compare_pipelined_16 pipelined-64 compare_pipelined_64
    slow-queries compare_slow_queries
    insert compare_insert
    replication-cost-1 compare_replication_cost_1 replication-cost-8 compare_replication_cost_8 replication-cost-32 compare_replication_cost_32
    quorum-1 compare_quorum_1 quorum-8 compare_quorum_8 quorum-32 compare_quorum_32
    switchover compare_switchover failover compare_failover snapshot compare_snapshot
    visible compare_visible
    catch-up compare_catch_up
    start compare_start
    memory compare_memory
    limits-idle limit_idle limits-active limit_active limits-stalled-reader limit_stalled_reader limits-statement limit_statement
    limits-churn limit_churn limits-stopped-slave limit_stopped_slave limits-transaction limit_transaction
)

wrong() { printf '%s\n\n' "benchmark.sh: $*" >&2; usage >&2; exit 2; }

names() {
    local index
    for ((index = 0; index < ${#comparisons[@]}; index += 2)); do echo "${comparisons[index]}"; done
}

# Whether a name is to be run.
chosen() {
    local pattern
    [ ${#only[@]} -gt 0 ] || return 0
    for pattern in "${only[@]}"; do
        case $1 in "$pattern" | "$pattern"-*) return 0 ;; esac
    done
    return 1
}

read_arguments() {
    local pattern
    while [ $# -gt 0 ]; do
        case $1 in
            --only) [ $# -gt 1 ] || wrong '--only needs a name'; only+=("$2"); shift 2 ;;
            --quick) quick=yes pairs=1 seconds=2 rows=10000; shift ;;
            --pairs) [[ ${2:-} =~ ^[1-9][0-9]?$ ]] || wrong '--pairs must be 1 to 99'; pairs=$2; shift 2 ;;
            --seconds) [[ ${2:-} =~ ^[1-9][0-9]?$ ]] || wrong '--seconds must be 1 to 99'; seconds=$2; shift 2 ;;
            --profile) profile=yes; shift ;;
            --slaves-in) [ -d "${2:-}" ] || wrong '--slaves-in needs a directory that exists'; slaves_in=$2; shift 2 ;;
            --output) [ -n "${2:-}" ] || wrong '--output needs a directory'; output=$2; shift 2 ;;
            --list) names; exit 0 ;;
            -h | --help) usage; exit 0 ;;
            *) wrong "what is $1?" ;;
        esac
    done
    for pattern in "${only[@]}"; do
        names | grep -qE -- "^$pattern(-|$)" || wrong "no comparison is called $pattern; --list shows them"
    done
}

build_loadgen() {
    (cd "$root" && swift build -c release --static-swift-stdlib --product loadgen 2>&1 | tail -n 20 >&2) || fail "the build of loadgen failed"
    loadgen=$(cd "$root" && swift build -c release --static-swift-stdlib --product loadgen --show-bin-path)/loadgen
}

file_system() { df -PT "$1" | awk 'NR == 2 { print $2 }'; }

note_facts() {
    note fact date "$(date -u +%F)"
    note fact machine "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(awk '/MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo) GiB, which clients, nodes and databases share"
    note fact disk "$(file_system "$work")${slaves:+, for slaves $(file_system "$slaves")}"
    note fact software "Linux $(uname -r), $(mariadbd --version | sed 's/.*Ver \([^ ]*\).*/MariaDB \1/'), sysbench $(sysbench --version | cut -d' ' -f2), ddbnode ${DDBNODE:-$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo of no known commit)}"
    note fact runs "$pairs of $seconds s on each side, in turn; $rows rows to select from${quick:+; quick, so no figures to rely on}"
}

end() {
    local status=$?
    trap - EXIT INT TERM
    progress 'stopping'
    stop_all
    rm -rf "$work" "$slaves"
    exit $status
}

summarize() {
    mkdir -p "$output"
    "$loadgen" summarize <"$measurements" >"$output/results.md"
    "$loadgen" summarize --json <"$measurements" >"$output/results.json"
    # Every run's figures, and the profiles; there are none where nothing ran.
    cp "$raw" "$work"/*.profile "$output" 2>/dev/null || true
    cat "$output/results.md"
}

only=() quick='' profile='' slaves_in='' slaves='' pairs=3 seconds=8 rows=100000 output=$root/.build/benchmark
read_arguments "$@"
packages+=(sysbench)
[ -z "$profile" ] || packages+=(linux-perf)
install_packages >&2
need_swift
if [ -n "${DDBNODE:-}" ]; then ddbnode=$DDBNODE; else build_release >&2; ddbnode=$binary; fi
build_loadgen
# Ten thousand clients are as many descriptors here.
ulimit -Sn "$(ulimit -Hn)"
work=$(mktemp -d "${TMPDIR:-/tmp}/ddbnode-benchmark.XXXXXX")
trap end EXIT
[ -z "$slaves_in" ] || slaves=$(mktemp -d "$slaves_in/ddbnode-benchmark.XXXXXX")
trap 'exit 1' INT TERM
measurements=$work/measurements.tsv raw=$work/runs.jsonl
password=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
note_facts
failed=()
for ((index = 0; index < ${#comparisons[@]}; index += 2)); do
    chosen "${comparisons[index]}" || continue
    # In a shell of its own, outside of any condition, so that its first failure ends it and nothing else.
    set +e
    (set -e; "${comparisons[index + 1]}")
    status=$?
    set -e
    if [ $status -ne 0 ]; then
        failed+=("${comparisons[index]}")
        abandon
    fi
done
summarize
[ ${#failed[@]} -eq 0 ] || fail "these did not run to their end: ${failed[*]}"
