#!/usr/bin/env bash
# What lat-collect costs: records per second of processor time through parse, join and histogram, and
# its largest memory. The records come from make-records through pipes and are never on disk. With
# BENCH_LONG=1 the run is the one of 8 hours at 2,000 events per second.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
PATH=$PWD/target/release:$PATH
rounds=${ROUNDS:-3}
events=${EVENTS:-2000000}
if [[ -n ${BENCH_LONG:-} ]]; then
    rounds=1 events=57600000
fi
lost=137 duplicated=61

work=$(mktemp -d)
figures=$(mktemp -d)
started=()
tidy_up() {
    ((${#started[@]} == 0)) || kill "${started[@]}" 2>/dev/null || true
    rm -rf "$work" "$figures"
}
trap tidy_up EXIT

# field FILE NAME: a number of a JSON file, of several the last.
field() { grep -o "\"$2\": *[0-9]*" "$1" | tail -n 1 | grep -o '[0-9]*$'; }

# median FILE: of its lines.
median() { sort -g "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# What is measured has a core of its own; those who make its input have another.
last=$(($(nproc) - 1))
for ((round = 1; round <= rounds; round++)); do
    echo "bench: lat-collect, round $round of $rounds" >&2
    rm -rf "$work"/*
    started=()
    for kind in samples receipts; do
        mkfifo "$work/$kind"
        taskset -c "$last" make-records "$kind" "$events" "$lost" "$duplicated" >"$work/$kind" &
        started+=("$!")
    done
    taskset -c 0 lat-collect "$work/samples" "$work/receipts" --out "$work/run" 2>"$figures/said" ||
        { cat "$figures/said" >&2; exit 2; }
    started=()
    for expected in "lost $lost" "duplicates $duplicated" "delivered $((events - lost))"; do
        read -r name count <<<"$expected"
        [[ $(field "$work/run/ledger.json" "$name") == "$count" ]] ||
            { echo "bench: the ledger should say $expected" >&2; cat "$work/run/ledger.json" >&2; exit 1; }
    done
    awk -v n=$((2 * events - lost + duplicated)) -v c="$(field "$work/run/run.json" cpu_ns)" \
        'BEGIN { printf "%d\n", n / c * 1e9 }' >>"$figures/rate"
    awk -v b="$(field "$work/run/run.json" peak_rss_bytes)" \
        'BEGIN { printf "%d\n", b / 1048576 }' >>"$figures/memory"
done
printf '%-58s %14s %s\n' \
    "lat-collect, $events samples and as many receipts" "$(median "$figures/rate")" 'records/CPU s' \
    '  the most memory that it took' "$(median "$figures/memory")" MiB
