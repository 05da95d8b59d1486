# How figures are taken, collected over the rounds and put into a table. Sourced first by ../bench.sh
# and by the scripts beside it that are run by themselves, from the root of the project.
. scripts/said.sh
PATH=$PWD/target/release:$PATH
rounds=${ROUNDS:-3}

# A directory for the time of the run, what is to be killed at its end, and what else to be done then.
work=$(mktemp -d)
mkdir "$work/figures"
started=()
at_end=()
tidy_up() {
    local task
    ((${#started[@]} == 0)) || kill "${started[@]}" 2>/dev/null || true
    for task in ${at_end[@]+"${at_end[@]}"}; do "$task"; done
    rm -rf "$work"
}
trap tidy_up EXIT

# stop PID: ends one of those that were started. ended PID: waits for one that ends by itself.
stop() {
    kill "$1"
    ended "$1"
}
ended() {
    local pid others=()
    wait "$1" || true
    for pid in "${started[@]}"; do [[ $pid == "$1" ]] || others+=("$pid"); done
    started=(${others[@]+"${others[@]}"})
}

# The tool on one core, what it talks to on another. Takes functions, too.
on_core() (
    taskset -cp "$1" "$BASHPID" >/dev/null
    "${@:2}"
)
on_first() { on_core 0 "$@"; }
on_last() { on_core "$(($(nproc) - 1))" "$@"; }

# note NAME VALUE: one figure of one round. median NAME: that of all rounds; nothing without figures.
note() { echo "$2" >>"$work/figures/$1"; }
median() {
    [[ ! -e $work/figures/$1 ]] || sort -g "$work/figures/$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# quotient A B [DIGITS]
quotient() { awk -v a="$1" -v b="$2" -v d="${3:-2}" 'BEGIN { printf "%.*f", d, a / b }'; }

# field FILE NAME: a number of the end record of a stream.
field() { tail -n 1 "$1" | grep -o "\"$2\":[0-9]*" | head -n 1 | cut -d : -f 2; }

# timed NAME COUNT BYTES COMMAND…: notes items and bytes per second of wall time, CPU per item.
timed() {
    local name=$1 count=$2 bytes=$3 real user sys
    shift 3
    local TIMEFORMAT='%R %U %S'
    { time "$@" >/dev/null; } 2>"$work/time"
    read -r real user sys < <(tail -n 1 "$work/time")
    note "$name.rate" "$(quotient "$count" "$real" 0)"
    note "$name.mb" "$(quotient "$bytes" "${real}e6" 0)"
    note "$name.cpu" "$(awk -v n="$count" -v c="$user" -v d="$sys" \
        'BEGIN { printf "%.3f", (c + d) * 1e6 / n }')"
}

# peak_rss COMMAND…: the largest resident memory, in KiB, of a command whose output nobody keeps.
peak_rss() {
    local pid now peak=0
    "$@" > >(exec cat >/dev/null) &
    pid=$!
    while now=$(awk '/VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [[ -n $now ]]; do
        peak=$now
        sleep 0.05
    done
    wait "$pid"
    echo "$peak"
}

# sink FLAGS…: starts one, waits until it listens, and sets $url and $sink. What it receives goes to
# $received, if that is set.
sink() {
    # That of an earlier one would say that it listens.
    : >"$work/sink.log"
    # Not by a function: then $! would be a shell, and the sink would outlive it.
    taskset -c "$(($(nproc) - 1))" ce-sink http --listen 127.0.0.1:0 "$@" \
        >"${received:-/dev/null}" 2>"$work/sink.log" &
    sink=$!
    started+=("$sink")
    url=$(said 'listening on' "$work/sink.log" "$sink" | grep -o 'http://[0-9.:]*')/ || exit 2
}

# load NAME FLAGS…: one load on the sink; notes what the end record says of it.
load() {
    local name=$1 sent cpu elapsed
    shift
    on_first ce-blast "$@" "$work/events" >"$work/sent" 2>/dev/null
    sent=$(field "$work/sent" records) cpu=$(field "$work/sent" cpu_ns)
    elapsed=$(field "$work/sent" elapsed_ns)
    note "$name.rate" "$(quotient "${sent}e9" "$elapsed" 0)"
    note "$name.cpu" "$(quotient "$cpu" "${sent}e3")"
    note "$name.core" "$(quotient "${cpu}e2" "$elapsed" 1)"
    note "$name.lag50" "$(quotient "$(field "$work/sent" lag_p50_ns)" 1e3 1)"
    note "$name.lag99" "$(quotient "$(field "$work/sent" lag_p99_ns)" 1e3 1)"
}

# evenly NAME COMMAND…: notes how evenly the requests of a command arrive, as the receiving end sees it;
# URL in an argument stands for that of a sink.
evenly() {
    local name=$1 main=$url
    shift
    sink --arrivals "$work/arrivals"
    "${@//URL/$url}" >/dev/null 2>&1 || echo "bench: failed: $*" >&2
    stop "$sink"
    note "$name.cv" "$(grep -o '"gap_cv": *[0-9.]*' "$work/arrivals" | awk -F : '{ printf "%.3f", $2 }')"
    url=$main
}

# what_others_reach SIGN NAME: a limit; nothing without a figure.
what_others_reach() { local figure; figure=$(median "$2"); echo "${figure:+$1 $figure}"; }

# row TEXT NAME [LIMIT [PEER NAME]…]: a figure of ours beside its limit, such as '≤ 5', and peers'.
row() {
    local text=$1 ours limit=${3:-} peers='' mark='' figure
    ours=$(median "$2")
    shift "$(($# < 3 ? $# : 3))"
    while (($# > 1)); do
        figure=$(median "$2")
        [[ -z $figure ]] || peers+="${peers:+, }$1 $figure"
        shift 2
    done
    if [[ -n $limit ]]; then
        mark=$(awk -v v="$ours" -v l="$limit" 'BEGIN {
            split(l, part, " "); met = part[1] == "≤" ? v <= part[2] : v >= part[2]
            print met ? "met" : "MISSED" }')
    fi
    printf '%-50s %12s  %-12s %-7s %s\n' "$text" "${ours:--}" "${limit:--}" "$mark" "${peers:--}"
}
