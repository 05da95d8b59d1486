#!/usr/bin/env bash
# One minute of load through the whole pipe, to a verdict and a report.
# demo.sh [--rabbitmq]: on an embedded HTTP target, or through a private RabbitMQ.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/said.sh
PATH=$PWD/target/release:$PATH

say() { echo "demo: $*" >&2; }

door=http
[[ ${1:-} != --rabbitmq ]] || door=amqp
out=results/demo-$door-$(date -u +%Y%m%dT%H%M%SZ)
work=$(mktemp -d)
started=()
broker_is_ours=''

tidy_up() {
    ((${#started[@]} == 0)) || kill "${started[@]}" 2>/dev/null || true
    [[ -z $broker_is_ours ]] || scripts/rabbitmq.sh stop
    rm -rf "$work"
}
trap tidy_up EXIT

# The sink is out of reach of a Ctrl-C, so that what is on its way still arrives. It ends by itself
# when all is quiet.
start_sink() {
    setsid ce-sink "$@" --idle-exit 5s >"$work/receipts" 2>"$work/sink.log" &
    sink=$!
    started+=("$sink")
}

mkfifo "$work/samples" "$work/receipts"
lat-collect "$work/samples" "$work/receipts" --out "$out" &
collector=$!
started+=("$collector")
if [[ $door == amqp ]]; then
    if ! scripts/rabbitmq.sh status >/dev/null; then
        broker_is_ours=yes
        scripts/rabbitmq.sh start >/dev/null
    fi
    url=$(scripts/rabbitmq.sh url)
    start_sink amqp --from "$url" --queue ce-load.demo --bind 'cloud-events:#'
    said 'consuming from' "$work/sink.log" "$sink" >/dev/null
else
    start_sink http --listen 127.0.0.1:0
    url=$(said 'listening on' "$work/sink.log" "$sink" | grep -o 'http://[0-9.:]*')/ || exit 2
fi

say "one minute on $url: 100/s, up to 300/s, a burst of 600/s, back to 100/s"
ce-gen --kind build=3 --kind parser=1 --seed 1 |
    ce-blast --to "$url" --run "$(basename "$out")" \
        --stages 0s:100,10s:100,15s:300,15s:300,0s:600,10s:600,0s:100,10s:100 >"$work/samples"
collected=0
wait "$collector" || collected=$?
wait "$sink" || true
started=()
((collected == 0)) || say "the run is not whole (code $collected): see the lines above"

judged=0
slo-check "$out" --slo examples/slo.toml || judged=$?
slo-check "$out" --slo examples/slo.toml --format json >"$out/verdict.json" || true
report-plot "$out" --out "$out/report.html"
say "the report is $out/report.html"
exit "$judged"
