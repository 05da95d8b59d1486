#!/usr/bin/env bash
# What a receipt costs ce-sink: over HTTP, and from queues of a real RabbitMQ. The sink has a core to
# itself; load generator and broker have what is left. On few cores these are the limit, so what is
# judged is what the sink's processor time says: the receipts per second of a core that it has alone.
#
# With wrk (Debian's package) the load over HTTP is much lighter than the sink; without it, ce-blast
# does it. The broker is one that scripts/rabbitmq.sh has started; without, that part is left out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/said.sh
PATH=$PWD/target/release:$PATH
rounds=${ROUNDS:-3}
events=${SINK_EVENTS:-300000}

work=$(mktemp -d)
mkdir "$work/figures"
started=()
tidy_up() {
    ((${#started[@]} == 0)) || kill "${started[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap tidy_up EXIT
source scripts/bench/measure.sh

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
    : >"$work/http.log"
    taskset -c "$(($(nproc) - 1))" ce-sink http --listen 127.0.0.1:0 >"$work/http" 2>"$work/http.log" &
    local sink=$! url
    started=("$sink")
    url=$(said 'listening on' "$work/http.log" "$sink" | grep -o 'http://[0-9.:]*')/ || exit 2
    if command -v wrk >/dev/null; then
        echo "$post" >"$work/post.lua"
        on_first wrk -t 1 -c 64 -d 5s -s "$work/post.lua" "$url" >/dev/null
    else
        ce-gen --count "$events" --seed 1 >"$work/events"
        on_first ce-blast --to "$url" --rate 1000000/s --max-in-flight 64 "$work/events" \
            >/dev/null 2>&1
    fi
    kill -TERM "$sink"
    wait "$sink"
    started=()
    figures http "$work/http"
}

# Messages wait in two queues already, so that no publisher is in the way.
over_amqp() {
    local url=$1 queues=ce-load.bench.a,ce-load.bench.b queue sink
    for queue in ${queues//,/ }; do
        : >"$work/amqp.log"
        ce-sink amqp --from "$url" --queue "$queue" >/dev/null 2>"$work/amqp.log" &
        sink=$!
        started=("$sink")
        said 'consuming from' "$work/amqp.log" "$sink" >/dev/null || exit 2
        kill -TERM "$sink"
        wait "$sink" || true
        started=()
        ce-gen --count $((events / 2)) --run "$queue" --id seq |
            ce-blast --to "$url" --exchange '' --routing-key "$queue" --rate 1000000/s \
                --max-in-flight 2000 >/dev/null 2>&1
    done
    on_last ce-sink amqp --from "$url" --queue "$queues" --prefetch 2000 --idle-exit 2s \
        >"$work/amqp" 2>/dev/null
    figures amqp "$work/amqp"
}

broker=$(scripts/rabbitmq.sh url 2>/dev/null) || broker=''
for ((round = 1; round <= rounds; round++)); do
    echo "bench: ce-sink, round $round of $rounds" >&2
    over_http
    [[ -z $broker ]] || over_amqp "$broker"
done

row 'ce-sink http, 64 connections, receipts/s' http.rate
row 'ce-sink http, µs CPU/receipt' http.cpu
row 'ce-sink http, receipts/CPU s' http.core '≥ 60000'
if [[ -n $broker ]]; then
    row 'ce-sink amqp, two queues, receipts/s' amqp.rate
    row 'ce-sink amqp, µs CPU/receipt' amqp.cpu
    row 'ce-sink amqp, receipts/CPU s' amqp.core '≥ 50000'
fi
