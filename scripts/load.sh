#!/usr/bin/env bash
# One load by name, from the events to the verdict. Settings come from the environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/named-run.sh
find_tools

usage() {
    cat <<'USAGE'
usage: scripts/load.sh baseline|rampup|spike|sustained|all|stress|saturation|endurance
environment: ENV=dev                           what is loaded; production is refused
             BROKER_URL=http://127.0.0.1:8081  where to send; saturation: amqp://127.0.0.1:5672/%2f
             EVENT_TYPE=build                  build or parser
             OUT=results/<name>-<time>         the run directory
             BIN=target/release                where the tools are
             DURATION=                         seconds, of baseline and sustained only
             TIME_SCALE=1                      how many times faster, to try a load
exit codes: 0 done, 1 a threshold is missed, 2 could not do it, 3 no verdict possible
USAGE
}

name=${1:-}
slow=5000
objectives=()
case "$name" in
    baseline) load=(--rate 10/s --duration "${DURATION:-300}s"); slow=2000 ;;
    rampup) load=(--stages 0s:10,3m:50,3m:100,3m:200,3m:100,2m:10) ;;
    spike) load=(--stages 0s:100,1m:500,2m:500,1m:100) ;;
    sustained) load=(--rate 100/s --duration "${DURATION:-1800}s") ;;
    all) load=(--plan examples/plans/build-events.k6.json); objectives=(--plan "${load[1]}") ;;
    stress | endurance) load=(--plan "examples/plans/$name.toml") ;;
    saturation)
        load=(--plan examples/plans/network-saturation.toml)
        export BROKER_URL=${BROKER_URL:-amqp://127.0.0.1:5672/%2f} ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
esac
refuse_production
if [[ -n ${DURATION:-} && $name != baseline && $name != sustained ]]; then
    echo "load.sh: the stages of $name have durations of their own: leave out DURATION, or set TIME_SCALE" >&2
    exit 2
fi
out=${OUT:-results/$name-$(date -u +%Y%m%dT%H%M%SZ)}

run_load "$out" "${load[@]}" --time-scale "${TIME_SCALE:-1}"
# A plan with thresholds of its own is judged by them.
((${#objectives[@]})) || objectives=(--threshold 'success: rate>0.99' --threshold "latency: p(95)<$slow")
slo-check "$out" "${objectives[@]}"
