# A broker of its own that has the last core, and publishing to it. Sourced after measure.sh; without
# RabbitMQ its rows stay empty.

amqp_url=''
amqp_broker() { CE_RABBITMQ_DIR=$work CE_RABBITMQ_PORT=${CE_RABBITMQ_PORT:-27740} scripts/rabbitmq.sh "$@"; }

start_broker() {
    if ! amqp_url=$(on_last amqp_broker start 2>/dev/null); then
        echo 'bench: no RabbitMQ, so nothing about it' >&2
        return 0
    fi
    at_end+=(stop_broker)
    # An alarm would block all publishers, and no figure would be about them.
    amqp_broker ctl set_vm_memory_high_watermark absolute 4GiB >/dev/null
}

# make_queue NAME FLAGS…: makes what a consumer with these flags would.
make_queue() {
    : >"$work/queue.log"
    ce-sink amqp --from "$amqp_url" --queue "$@" >/dev/null 2>"$work/queue.log" &
    local pid=$!
    started+=("$pid")
    said 'consuming from' "$work/queue.log" "$pid" >/dev/null || exit 2
    stop "$pid"
}

stop_broker() { amqp_broker stop >/dev/null 2>&1 || true; }

empty_queue() { amqp_broker ctl purge_queue bench >/dev/null 2>&1; }

# One connection, 1,000 publishes without a confirm, no consumer.
measure_amqp() {
    [[ -n $amqp_url ]] || return 0
    make_queue bench --bind 'cloud-events:#'
    empty_queue
    load persistent --to "$amqp_url" --rate 1000000/s --duration 100ms --max-in-flight 1000
    empty_queue
    load transient --to "$amqp_url" --rate 1000000/s --duration 100ms --max-in-flight 1000 --transient
    empty_queue
    [[ -n ${PEERS:-} ]] && have java && have mvn || return 0
    perf_test persistent -f persistent
    perf_test transient
}

# perf_test NAME FLAGS…: the same by RabbitMQ's own load generator. The same is a topic exchange and the
# mandatory flag, too: to a direct exchange and without it the broker takes half as many again.
perf_test() {
    local name=perf_$1 rate
    shift
    rate=$(on_first scripts/bench/perf-test.sh -h "$amqp_url" -x 1 -y 0 -s 280 -c 1000 -C 100000 \
        -t topic -k network.notifi.lambda.build.start -f mandatory \
        -mp contentType=application/cloudevents+json -e bench.perf -u "bench.$name" "$@" 2>/dev/null | grep -o 'sending rate avg: [0-9]*') || return 0
    note "$name.rate" "${rate##* }"
}

report_amqp() {
    [[ -n $amqp_url ]] || return 0
    for kind in persistent transient; do
        row "AMQP $kind, 1000 in flight, events/s" "$kind.rate" "$(what_others_reach ≥ "perf_$kind.rate")" \
            PerfTest "perf_$kind.rate"
    done
    row 'AMQP persistent, 1000 in flight, µs CPU/event' persistent.cpu '≤ 8'
    row 'AMQP transient, 1000 in flight, µs CPU/event' transient.cpu
}
