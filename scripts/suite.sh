#!/usr/bin/env bash
# Runs MariaDB's own test files on the master of a cluster and on a plain server, and compares what they answer.
set -euo pipefail
source "$(dirname "$0")/common.sh"

usage() {
    cat <<TEXT
usage: scripts/suite.sh [--only TEXT]... [--files N] [--short] [--keep DIR]

  --only TEXT  only files whose path holds TEXT, such as main/alter_table; may be given again
  --files N    at most so many files, spread over all of them (some 2,600, which take an hour or more)
  --short      16 files, in half a minute or so
  --keep DIR   put data, logs and findings.txt here and leave them; otherwise they are in \${TMPDIR:-/tmp}, and go unless something is found

Differences that are meant are listed, each with its reason, in scripts/suite/known-differences.txt. \$DDBNODE names a binary to test instead of building
one, \$SUITE one of the program itself. What is run and compared: Docs/Testing.md.

exit codes: 0 no difference without a reason; 1 there is one, or a slave stopped or differs; 2 wrong command line
TEXT
}

wrong() { printf '%s\n\n' "suite.sh: $*" >&2; usage >&2; exit 2; }

build_suite() {
    need_swift
    (cd "$root" && swift build -c release --static-swift-stdlib --product suite 2>&1 | tail -n 20 >&2) || fail "the build of suite failed"
    suite=$(cd "$root" && swift build -c release --static-swift-stdlib --product suite --show-bin-path)/suite
}

arguments=()
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --short) arguments+=(--files 16); shift ;;
        --only | --files | --keep) [ -n "${2:-}" ] || wrong "$1 needs a value"; arguments+=("$1" "$2"); shift 2 ;;
        *) wrong "what is $1?" ;;
    esac
done
packages+=(mariadb-test-data)
install_packages >&2
if [ -n "${DDBNODE:-}" ]; then ddbnode=$DDBNODE; else build_release >&2; ddbnode=$binary; fi
if [ -n "${SUITE:-}" ]; then suite=$SUITE; else build_suite; fi
exec "$suite" --ddbnode "$ddbnode" --known "$root/scripts/suite/known-differences.txt" ${arguments[@]+"${arguments[@]}"}
