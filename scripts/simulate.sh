#!/usr/bin/env bash
# Runs simulated clusters through faults, many seeds on all cores; fails when one breaks a rule.
set -euo pipefail
source "$(dirname "$0")/common.sh"

usage() {
    cat <<TEXT
usage: scripts/simulate.sh [--seed N] [--seeds K] [--steps M] [--jobs J] [--break RULE]

  --seed N      the first seed (1)
  --seeds K     how many (10000)
  --steps M     events with faults in each run (2000)
  --jobs J      processes (one for each core)
  --break RULE  breaks a rule on purpose and counts the seeds that notice

A seed that fails is printed with the check that it violates. Its story:
  swift run -c release simulate --seed N --steps M --verbose
TEXT
}

seed=1 seeds=10000 steps=2000 jobs=$(nproc) more=()
while [ $# -gt 0 ]; do
    case $1 in
        --help | -h) usage; exit 0 ;;
        --seed | --seeds | --steps | --jobs | --break) [ $# -ge 2 ] || fail "$1: a value is missing" ;;
        *) usage >&2; exit 2 ;;
    esac
    case $1 in
        --seed) seed=$2 ;;
        --seeds) seeds=$2 ;;
        --steps) steps=$2 ;;
        --jobs) jobs=$2 ;;
        --break) more=(--break "$2" --keep-going) ;;
    esac
    shift 2
done
[ "$seeds" -ge "$jobs" ] || jobs=$seeds

need_swift
cd "$root"
say "building simulate (release)"
swift build -c release --product simulate 2>&1 | tail -n 20 || fail "the build failed"
simulate=$(swift build -c release --product simulate --show-bin-path)/simulate

# Each process takes every J-th seed.
running=()
for ((job = 0; job < jobs; job++)); do
    count=$(((seeds - job + jobs - 1) / jobs))
    "$simulate" --seed $((seed + job)) --seeds "$count" --stride "$jobs" --steps "$steps" --progress ${more[@]+"${more[@]}"} &
    running+=($!)
done
status=0
for process in "${running[@]}"; do wait "$process" || status=1; done
exit $status
