#!/usr/bin/env bash
# What lat-collect costs: records per second of processor time through parse, join and histogram, and
# its largest memory. The records come from make-records through pipes and are never on disk. At last
# come those of 8 hours at 2,000 events per second, once; BENCH_SHORT=1 leaves them out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source scripts/bench/measure.sh
lost=137 duplicated=61

# figure FILE NAME: a number of a JSON file, of several the last.
figure() { grep -o "\"$2\": *[0-9]*" "$1" | tail -n 1 | grep -o '[0-9]*$'; }

# collect NAME EVENTS: what is measured has a core of its own; those who make its input have another.
collect() {
    local name=$1 events=$2 kind expected field count
    local run=$work/run
    rm -rf "$run" "$work/samples" "$work/receipts"
    started=()
    for kind in samples receipts; do
        mkfifo "$work/$kind"
        taskset -c "$(($(nproc) - 1))" make-records "$kind" "$events" "$lost" "$duplicated" >"$work/$kind" &
        started+=("$!")
    done
    on_first lat-collect "$work/samples" "$work/receipts" --out "$run" 2>"$work/said" ||
        { cat "$work/said" >&2; exit 2; }
    started=()
    for expected in "lost $lost" "duplicates $duplicated" "delivered $((events - lost))"; do
        read -r field count <<<"$expected"
        [[ $(figure "$run/ledger.json" "$field") == "$count" ]] ||
            { echo "bench: the ledger should say $expected" >&2; cat "$run/ledger.json" >&2; exit 1; }
    done
    note "$name.rate" "$(quotient "$((2 * events - lost + duplicated))e9" "$(figure "$run/run.json" cpu_ns)" 0)"
    note "$name.memory" "$(quotient "$(figure "$run/run.json" peak_rss_bytes)" 1048576 0)"
}

for ((round = 1; round <= rounds; round++)); do
    echo "bench: lat-collect, round $round of $rounds" >&2
    collect short 2000000
done
row 'lat-collect, 2 M samples and receipts, records/CPU s' short.rate '≥ 1500000'
row 'lat-collect, 2 M samples and receipts, MiB' short.memory '≤ 256'
if [[ -z ${BENCH_SHORT:-} ]]; then
    echo "bench: lat-collect, 8 hours at 2,000 events/s" >&2
    collect long 57600000
    row 'lat-collect, 57.6 M of each, records/CPU s' long.rate '≥ 1500000'
    row 'lat-collect, 57.6 M of each, MiB' long.memory '≤ 256'
fi
