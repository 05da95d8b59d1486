#!/usr/bin/env bash
# What an event costs each tool on this machine: medians of interleaved rounds. Figures of a shared
# machine are noisy; compare CPU per event rather than rates, and ratios rather than seconds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/said.sh
PATH=$PWD/target/release:$PATH
rounds=${ROUNDS:-3}

work=$(mktemp -d)
started=()
tidy_up() {
    ((${#started[@]} == 0)) || kill "${started[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap tidy_up EXIT

# The tool on one core, what it talks to on another.
on_first() { taskset -c 0 "$@"; }
on_last() { taskset -c "$(($(nproc) - 1))" "$@"; }

# note NAME VALUE: one figure of one round. report NAME UNIT TEXT: the median of all rounds.
note() { echo "$2" >>"$work/$1"; }
report() {
    local median
    median=$(sort -g "$work/$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
    printf '%-58s %14s %s\n' "$3" "$median" "$2"
}

# field FILE NAME: a number of the end record of a stream.
field() { tail -n 1 "$1" | grep -o "\"$2\":[0-9]*" | head -n 1 | cut -d : -f 2; }

# timed NAME COUNT BYTES COMMAND…: notes items and bytes per second of wall time, CPU per item.
timed() {
    local name=$1 count=$2 bytes=$3
    shift 3
    TIMEFORMAT='%R %U %S'
    { time "$@" >/dev/null; } 2>"$work/time"
    read -r real user sys < <(tail -n 1 "$work/time")
    note "$name.rate" "$(awk -v n="$count" -v s="$real" 'BEGIN { printf "%d", n / s }')"
    note "$name.mb" "$(awk -v n="$bytes" -v s="$real" 'BEGIN { printf "%d", n / s / 1e6 }')"
    note "$name.cpu" "$(awk -v n="$count" -v c="$user" -v d="$sys" \
        'BEGIN { printf "%.3f", (c + d) * 1e6 / n }')"
}

events=10000000
line=$(ce-gen --count 1 | wc -c)
generate() { on_first ce-gen --count "$events" --seed 1 | on_last cat; }
copy() { on_first head -c $((events * line)) /dev/zero | on_last cat; }

# load NAME FLAGS…: one load on the sink; notes the rate and the CPU of ce-blast per event.
load() {
    local name=$1
    shift
    on_first ce-blast "$@" "$work/events" >"$work/sent" 2>/dev/null
    local sent cpu elapsed
    sent=$(field "$work/sent" records) cpu=$(field "$work/sent" cpu_ns)
    elapsed=$(field "$work/sent" elapsed_ns)
    note "$name.rate" "$(awk -v n="$sent" -v t="$elapsed" 'BEGIN { printf "%d", n / t * 1e9 }')"
    note "$name.cpu" "$(awk -v n="$sent" -v c="$cpu" 'BEGIN { printf "%.2f", c / n / 1000 }')"
    note "$name.core" "$(awk -v t="$elapsed" -v c="$cpu" 'BEGIN { printf "%.1f", c / t * 100 }')"
    note "$name.lag50" "$(($(field "$work/sent" lag_p50_ns) / 1000))"
    note "$name.lag99" "$(($(field "$work/sent" lag_p99_ns) / 1000))"
}

# sink FLAGS…: starts one, waits until it listens, and sets $url and $sink.
sink() {
    # Not by a function: then $! would be a shell, and the sink would outlive it.
    taskset -c "$(($(nproc) - 1))" ce-sink http --listen 127.0.0.1:0 "$@" >/dev/null 2>"$work/sink.log" &
    sink=$!
    started+=("$sink")
    url=$(said 'listening on' "$work/sink.log" "$sink" | grep -o 'http://[0-9.:]*')/ || exit 2
}

# evenness RATE: how evenly events arrive, as the receiving end sees it.
evenness() {
    local main=$url
    sink --arrivals "$work/arrivals" --count $(($1 * 5)) --idle-exit 5s
    on_first ce-blast --to "$url" --rate "$1/s" --duration 5s "$work/events" >/dev/null 2>&1
    wait "$sink"
    note "gap_cv$1" "$(grep -o '"gap_cv": *[0-9.]*' "$work/arrivals" | grep -o '[0-9.]*$')"
    url=$main
}

ce-gen --count 400000 --seed 1 >"$work/events"
sink

for ((round = 1; round <= rounds; round++)); do
    echo "bench: round $round of $rounds" >&2
    timed gen "$events" $((events * line)) generate
    timed copy "$events" $((events * line)) copy
    load null --to null: --rate 1000000/s
    load saturated --to "$url" --rate 1000000/s --max-in-flight 64
    load paced --to "$url" --rate 10000/s --duration 10s
    for rate in 1000 5000 20000; do
        load "paced$rate" --to "$url" --rate "$rate/s" --duration 5s
    done
    evenness 1000
    evenness 5000
done

echo "$(nproc) cores, $(awk -F ': ' '/model name/ { print $2; exit }' /proc/cpuinfo), $rounds rounds"
report gen.rate events/s 'ce-gen, build events into a pipe'
report gen.mb MB/s 'ce-gen, the same in bytes'
report copy.mb MB/s '  a plain copy through a pipe, for comparison'
report null.rate events/s 'ce-blast, null target'
report null.cpu 'µs CPU/event' 'ce-blast, null target'
report saturated.rate events/s 'ce-blast, HTTP keep-alive, 64 in flight, saturated'
report saturated.cpu 'µs CPU/event' 'ce-blast, HTTP keep-alive, 64 in flight, saturated'
report paced.cpu 'µs CPU/event' 'ce-blast, HTTP keep-alive, 10,000/s'
for rate in 1000 5000 20000; do
    report "paced$rate.lag50" µs "ce-blast, lag p50 at $rate/s"
    report "paced$rate.lag99" µs "ce-blast, lag p99 at $rate/s"
    report "paced$rate.core" '% of a core' "ce-blast, all threads at $rate/s"
done
for rate in 1000 5000; do
    report "gap_cv$rate" '' "coefficient of variation of the gaps at $rate/s"
done
