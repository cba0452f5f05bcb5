#!/usr/bin/env bash
# Installs what is missing, lints, builds and runs the tests: all tiers, or those named.
set -euo pipefail
source "$(dirname "$0")/common.sh"

usage() {
    cat <<TEXT
usage: scripts/test.sh [tier ...]

  lint      format and style of the sources
  pure      the machines, parsers and tables: no process, no clock
  database  event loop, connector, journal, relay endpoint and private server, on real sockets and mariadbd processes
  cluster   whole clusters of real processes: replication, kills, the protocol
  faults    scripts/faults.sh, short: a cluster under faults, and a check of all that clients were told
  benchmark some of scripts/benchmark.sh, too short for figures: that it runs to its end and no answer is missing or wrong

Without a tier: all of them. --help: this text.
TEXT
}

pure='ArchitectureTests|ClusterModelTests|StatementGateTests|BinlogFormatTests|MySQLProtocolTests|LineProtocolTests|ReplicationTests|FailoverTests|VerificationTests|NodeConfigTests|ConsoleTests|LoadGeneratorTests|CampaignTests|SuiteTests'
database='DigestsTests|EventLoopTests|MariaDBServerTests|MariaDBConnectorTests|NodeRuntimeTests'
cluster='ClusterTests'

lint() {
    say "== lint"
    swift format lint --strict --recursive --parallel Sources Benchmarks Campaign Simulator Suite Tests Package.swift
    local script
    for script in scripts/*.sh scripts/benchmark/*.sh .ci/run; do bash -n "$script"; done
}

build() {
    say "== build"
    DDBNODE_STRICT=1 swift build --build-tests 2>&1 | grep -vE '^\[[0-9]+/[0-9]+\]' || true
    # Again for its exit code: the filter above has hidden it, and there is nothing left to build.
    DDBNODE_STRICT=1 swift build --build-tests >/dev/null
}

# Servers of several suites at once would starve each other on few cores, so suites run one after another.
run() {
    say "== $1"
    local log=.build/test-$1.log status=0
    DDBNODE_STRICT=1 swift test --skip-build --no-parallel --filter "^($2)\\." 2>&1 | tee "$log" |
        grep --line-buffered -E '^(✔ Suite|✔ Test run|✘)|error:' || status=${PIPESTATUS[0]}
    [ $status -eq 0 ] || fail "tier $1 failed; all it printed is in $log"
}

# The program as the other tiers test it; what it measures does not matter here.
benchmark() {
    say "== benchmark"
    DDBNODE=$root/.build/debug/ddbnode scripts/benchmark.sh --quick --only point-select-16 --only insert --only start --output .build/benchmark-quick \
        >.build/test-benchmark.log || fail "the benchmark failed; its table is in .build/test-benchmark.log"
}

faults() {
    say "== faults"
    DDBNODE=$root/.build/debug/ddbnode CAMPAIGN=$root/.build/debug/campaign scripts/faults.sh --short >.build/test-faults.log ||
        fail "the fault campaign failed; what it printed is in .build/test-faults.log"
    tail -n 12 .build/test-faults.log
}

cd "$root"
tiers=("$@")
[ ${#tiers[@]} -gt 0 ] || tiers=(lint pure database cluster faults benchmark)
case " ${tiers[*]} " in *" --help "* | *" -h "*) usage; exit 0 ;; esac
install_packages
need_swift
built=
for tier in "${tiers[@]}"; do
    case $tier in
        lint) lint; continue ;;
        pure | database | cluster | faults | benchmark) ;;
        *) usage >&2; exit 2 ;;
    esac
    [ -n "$built" ] || build
    built=yes
    case $tier in
        faults | benchmark) "$tier" ;;
        *) run "$tier" "${!tier}" ;;
    esac
done
say "== passed: ${tiers[*]}"
