# Running the load generator and writing down what came out; sourced by benchmark.sh.
#
# Needs: work, loadgen, measurements, raw, password. A comparison runs in a subshell, so what outlives it is in files under $work.

progress() { printf '%s  %s\n' "$(date +%T)" "$*" >&2; }

# A line of the measurements; the form is in Benchmarks/LoadGeneratorCore/Measurements.swift.
note() {
    local field
    for field in "$@"; do [ -n "$field" ] || fail "nothing to note for $*"; done
    (IFS=$'\t' && printf '%s\n' "$*") >>"$measurements"
}

# The load generator with its figures as one line of JSON in $line, which is kept in the raw results, too.
load() {
    local status=0
    line=$("$loadgen" "$@" --user bench --password "$password" --json) || status=$?
    printf '{"command":"%s","figures":%s}\n' "${*//\"/\'}" "${line:-null}" >>"$raw"
    [ $status -eq 0 ] || fail "loadgen $* failed: ${line:-no figures}"
}

# begin_profile <name> <pid>, with --profile only: where that process spends its CPU time, until end_profile.
begin_profile() {
    [ -n "$profile" ] || return 0
    perf record --quiet --event cpu-clock --freq 499 --call-graph fp --pid "$2" --output "$work/$1.perf" >"$work/perf.log" 2>&1 &
    echo $! >"$work/perf.pid"
}

end_profile() {
    [ -n "$profile" ] || return 0
    kill -INT "$(pid_of perf)"
    # It ends with the signal's code.
    wait "$(pid_of perf)" || true
    rm "$work/perf.pid"
    {
        report_profile "$1" 'by library, without what it calls' --no-children --sort dso
        report_profile "$1" 'by function, without what it calls' --no-children --sort symbol
        report_profile "$1" 'by function, with what it calls' --children --sort symbol
    } >"$work/$1.profile"
}

# report_profile <name> <title> <option>...
report_profile() {
    printf '\n%s\n\n' "$2"
    perf report --stdio --input "$work/$1.perf" --call-graph none --percent-limit 0.5 "${@:3}" 2>>"$work/perf.log" |
        sed -e '/^#/d' -e '/^$/d' -e 's/ *- *- *$//' | swift demangle --simplified | cut -c 1-160
}

# begin_load <name> <argument>...: the load generator in the background; its output is $work/NAME.out.
begin_load() {
    local name=$1
    shift
    "$loadgen" "$@" --user bench --password "$password" --json >"$work/$name.out" &
    echo $! >"$work/$name.pid"
}

# Waits until it ends by itself; whether all went well.
finish_load() {
    local pid
    pid=$(pid_of "$1")
    rm "$work/$1.pid"
    wait "$pid" && return
    progress "$1 failed: $(cat "$work/$1.out")"
    return 1
}

# Ends it before its time.
end_load() {
    kill -TERM "$(pid_of "$1")"
    finish_load "$1"
}

# A figure of the last load, or of the line given.
figure() {
    local value
    value=$(sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" <<<"${2:-$line}")
    [ -n "$value" ] || fail "no figure $1 in ${2:-$line}"
    printf '%s\n' "$value"
}

calculate() { awk "BEGIN { printf \"%.6f\", $1 }"; }

# A figure in microseconds, as milliseconds for people.
milliseconds() { awk -v us="$(figure "$@")" 'BEGIN { printf "%.1f", us / 1000 }'; }

# Seconds since a moment of $EPOCHREALTIME without its point.
seconds_since() { awk -v from="$1" -v to="${EPOCHREALTIME/./}" 'BEGIN { printf "%.1f", (to - from) / 1000000 }'; }

# sysbench <script> <threads> <seconds> <where to>...: transactions a second.
sysbench_rate() {
    local script=$1 threads=$2 seconds=$3 out
    shift 3
    out=$(sysbench "$script" --mysql-user=bench --mysql-password="$password" --mysql-db=sbtest --tables=1 --table-size="$rows" \
        --rand-type=uniform --db-ps-mode=disable --threads="$threads" --time="$seconds" --events=0 "$@" run) || fail "sysbench failed: $out"
    sed -n 's/.*transactions: .*(\([0-9.]*\) per sec.*/\1/p' <<<"$out"
}

# --- what a process uses ---

# CPU time of a process so far, in microseconds.
cpu_us() { awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); printf "%d", ($12 + $13) * 1000000 / tick }' "/proc/$1/stat"; }

# From its status, in KiB: VmRSS now, VmHWM at its peak.
memory_kib() { awk -v field="$2:" '$1 == field { print $2 }' "/proc/$1/status"; }

# A node's open descriptors, but for its connections to its database, which stay for a while after their use.
descriptors() {
    local pool
    pool=$(ask_node "$1" .status | awk -F '\t' '$1 == "pool.in_use" || $1 == "pool.idle" { sum += $2 } END { print sum + 0 }')
    echo $(($(find "/proc/$(pid_of "$1")/fd" -mindepth 1 | wc -l) - pool))
}

# Peaks count from here on.
forget_peak() { echo 5 >"/proc/$1/clear_refs"; }

# cpu_before <process>=<pid>...; then, after a load, cpu_after <name> <side> <process>=<pid>...
declare -A cpu_at
cpu_before() {
    local item
    for item in "$@"; do cpu_at[${item%%=*}]=$(cpu_us "${item#*=}"); done
}

cpu_after() {
    local name=$1 side=$2 item answered
    shift 2
    answered=$(figure answered)
    for item in "$@"; do
        note cost "$name" "$side" "${item%%=*}" "$(calculate "($(cpu_us "${item#*=}") - ${cpu_at[${item%%=*}]}) / $answered")"
    done
    note cost "$name" "$side" generator "$(calculate "$(figure generator_cpu_s) * 1000000 / $answered")"
}
