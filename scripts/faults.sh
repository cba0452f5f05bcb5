#!/usr/bin/env bash
# Breaks a cluster of real nodes again and again while clients use it, and checks that it keeps its promises.
set -euo pipefail
source "$(dirname "$0")/common.sh"

usage() {
    cat <<TEXT
usage: scripts/faults.sh [--rounds N] [--seed S] [--short] [--keep DIR] [--only FAULT]... [--election-timeout-ms MS] [--loopback] [--no-failover]

  --rounds N     how many faults, one after another (default 20)
  --seed S       chooses them; without it any, which is printed
  --short        six rounds in a minute or so, one of each main kind
  --keep DIR     put data and logs here and leave them; otherwise they are in \${TMPDIR:-/tmp}, and go unless a check fails
  --only FAULT   only faults of this kind (pause) or name (kill-node/master); may be given again
  --election-timeout-ms MS
                 what the nodes take for their failover.electionTimeoutMs (default 1000)
  --loopback     all nodes on 127.0.0.1: no partitions; as where this is not run as root
  --no-failover  don't wait for a new master before the old one comes back

\$DDBNODE names a binary to test instead of building one, \$CAMPAIGN one of the campaign itself. What is done and checked: Docs/Testing.md.

exit codes: 0 clean; 1 a check failed, or it could not be run to its end; 2 wrong command line
TEXT
}

wrong() { printf '%s\n\n' "faults.sh: $*" >&2; usage >&2; exit 2; }

build_campaign() {
    need_swift
    (cd "$root" && swift build -c release --static-swift-stdlib --product campaign 2>&1 | tail -n 20 >&2) || fail "the build of campaign failed"
    campaign=$(cd "$root" && swift build -c release --static-swift-stdlib --product campaign --show-bin-path)/campaign
}

arguments=("$@")
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --short | --loopback | --no-failover) shift ;;
        --rounds | --seed | --keep | --only | --election-timeout-ms) [ -n "${2:-}" ] || wrong "$1 needs a value"; shift 2 ;;
        *) wrong "what is $1?" ;;
    esac
done
packages+=(iproute2)
install_packages >&2
if [ -n "${DDBNODE:-}" ]; then ddbnode=$DDBNODE; else build_release >&2; ddbnode=$binary; fi
if [ -n "${CAMPAIGN:-}" ]; then campaign=$CAMPAIGN; else build_campaign; fi
exec "$campaign" --ddbnode "$ddbnode" "${arguments[@]}"
