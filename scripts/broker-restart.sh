#!/usr/bin/env bash
# Restarts a broker in the middle of a load and checks that every event is accounted for.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/said.sh
PATH=${BIN:-$PWD/target/release}:$PATH

usage() {
    cat <<'USAGE'
usage: scripts/broker-restart.sh [FLAG...]
  The flags go to ce-blast, e.g., --republish in-doubt.
environment: RATE=1000                    events per second
             DURATION=60                  seconds; the restart is in the middle
             OUT=results/restart-<time>   the run directory
             CE_RABBITMQ_PORT=27720       the first of four ports for a broker of its own
             BIN=target/release           where the tools are
exit codes: 0 the ledger balances, 1 it does not, 2 could not do it
USAGE
}

case "${1:-}" in -h | --help) usage; exit 0 ;; esac
rate=${RATE:-1000} duration=${DURATION:-60}
out=${OUT:-results/restart-$(date -u +%Y%m%dT%H%M%SZ)}

say() { echo "broker-restart: $*" >&2; }

[[ ! -e $out ]] || { say "$out exists already: choose another OUT, or move it away"; exit 2; }

# In a folder of its own: no other broker is touched.
work=$(mktemp -d)
broker() { CE_RABBITMQ_DIR=$work CE_RABBITMQ_PORT=${CE_RABBITMQ_PORT:-27720} scripts/rabbitmq.sh "$@"; }

started=()
tidy_up() {
    ((${#started[@]} == 0)) || kill "${started[@]}" 2>/dev/null || true
    broker stop >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap tidy_up EXIT

url=$(broker start) || exit 2
# Ends by itself when all is quiet, and at any rate some time after the load.
timeout --signal=INT $((duration + 400)) ce-sink amqp --from "$url" --queue restart \
    --bind 'cloud-events:#' --reconnect-for 5m --idle-exit 10s \
    >"$work/received" 2>"$work/sink.log" &
sink=$!
started+=("$sink")
said 'consuming from' "$work/sink.log" "$sink" >/dev/null
ce-gen --seed 1 |
    ce-blast --to "$url" --rate "$rate/s" --duration "${duration}s" "$@" >"$work/sent" 2>"$work/blast.log" &
load=$!
started+=("$load")
sleep $((duration / 2))
say 'restarting the broker'
broker restart >/dev/null || exit 2
wait "$load" || { cat "$work/blast.log" >&2; exit 2; }
wait "$sink" || { cat "$work/sink.log" >&2; exit 2; }
started=()
grep planned "$work/blast.log" >&2 || true
lat-collect "$work/sent" "$work/received" --out "$out" || say 'the run is not whole'
[[ -f $out/ledger.json ]] || exit 2
left=$(broker ctl list_queues name messages | awk '$1 == "restart" { print $2 }')

# of NAME: a figure of the ledger.
of() { grep -o "\"$1\": *[0-9]*" "$out/ledger.json" | head -n 1 | grep -o '[0-9]*$'; }

failed=0
# equal TEXT A B: one line of the balance.
equal() {
    local verdict=ok
    (($2 == $3)) || verdict=WRONG failed=1
    printf '%-62s %9d %9d %s\n' "$1" "$2" "$3" "$verdict"
}

sum=0
for outcome in ok rejected returned timeout connect_error protocol_error in_doubt dropped unsent unfinished; do
    count=$(of "$outcome")
    sum=$((sum + count))
    ((count == 0)) || printf '%-62s %9d\n' "  $outcome" "$count"
done
equal 'planned, and what the schedule calls for' "$(of planned)" $((rate * duration))
equal 'planned, and the sum of all outcomes' "$(of planned)" "$sum"
equal 'acknowledged, and delivered' "$(of acked)" "$(of delivered)"
equal 'lost, and none' "$(of lost)" 0
equal 'in doubt, and arrived or missing' "$(of in_doubt)" $(($(of in_doubt_arrived) + $(of in_doubt_missing)))
equal 'received, and delivered, in doubt or without an ack' "$(of received)" \
    $(($(of delivered) + $(of in_doubt_arrived) + $(of unacked_arrived)))
equal 'receipts, and received, once more or redelivered' "$(grep -c '"kind":"receipt"' "$work/received")" \
    $(($(of received) + $(of duplicates) + $(of redelivered) + $(of unexpected)))
equal 'left in the queue, and none' "$left" 0
((failed == 0)) || mv "$work/sent" "$work/received" "$out"
say "the run is in $out"
exit "$failed"
