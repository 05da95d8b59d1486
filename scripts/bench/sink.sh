#!/usr/bin/env bash
# What a receipt costs ce-sink: over HTTP, and from queues of a real RabbitMQ. The sink has a core to
# itself; load generator and broker have what is left. On few cores these are the limit, so what is
# judged is what the sink's processor time says: the receipts per second of a core that it has alone.
#
# With wrk (Debian's package) the load over HTTP is much lighter than the sink; without it, ce-blast
# does it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source scripts/bench/measure.sh
source scripts/bench/amqp.sh
events=${SINK_EVENTS:-300000}

# figures NAME STREAM: what a sink's stream says: rate from the first receipt to the last, and CPU.
figures() {
    local count span cpu
    read -r count span < <(awk -F '"recv_ns":' '/"kind":"receipt"/ {
        split($2, at, ","); if (!n) first = at[1]; last = at[1]; n++
    } END { print n + 0, last - first }' "$2")
    ((count > 1)) || { echo "bench: ce-sink $1 received $count events" >&2; exit 1; }
    cpu=$(field "$2" cpu_ns)
    note "$1.rate" "$(quotient "${count}e9" "$span" 0)"
    note "$1.cpu" "$(quotient "$cpu" "${count}e3")"
    note "$1.core" "$(quotient "${count}e9" "$cpu" 0)"
}

post='wrk.method = "POST"
wrk.body = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/bench\",\"type\":\"t\",\"data\":{\"a\":1}}"
wrk.headers["content-type"] = "application/cloudevents+json"'

over_http() {
    local received=$work/http
    sink
    if command -v wrk >/dev/null; then
        echo "$post" >"$work/post.lua"
        on_first wrk -t 1 -c 64 -d 5s -s "$work/post.lua" "$url" >/dev/null
    else
        ce-gen --count "$events" --seed 1 >"$work/events"
        on_first ce-blast --to "$url" --rate 1000000/s --max-in-flight 64 "$work/events" \
            >/dev/null 2>&1
    fi
    stop "$sink"
    figures http "$work/http"
}

# Messages wait in two queues already, so that no publisher is in the way.
over_amqp() {
    local queues=bench.a,bench.b queue
    for queue in ${queues//,/ }; do
        make_queue "$queue"
        ce-gen --count $((events / 2)) --run "$queue" --id seq |
            ce-blast --to "$amqp_url" --exchange '' --routing-key "$queue" --rate 1000000/s \
                --max-in-flight 2000 >/dev/null 2>&1
    done
    on_first ce-sink amqp --from "$amqp_url" --queue "$queues" --prefetch 2000 --idle-exit 2s \
        >"$work/amqp" 2>/dev/null
    figures amqp "$work/amqp"
}

start_broker
for ((round = 1; round <= rounds; round++)); do
    echo "bench: ce-sink, round $round of $rounds" >&2
    over_http
    [[ -z $amqp_url ]] || over_amqp
done

row 'ce-sink http, 64 connections, receipts/s' http.rate
row 'ce-sink http, µs CPU/receipt' http.cpu
row 'ce-sink http, receipts/CPU s' http.core '≥ 60000'
if [[ -n $amqp_url ]]; then
    row 'ce-sink amqp, two queues, receipts/s' amqp.rate
    row 'ce-sink amqp, µs CPU/receipt' amqp.cpu
    row 'ce-sink amqp, receipts/CPU s' amqp.core '≥ 50000'
fi
