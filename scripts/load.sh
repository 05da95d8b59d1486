#!/usr/bin/env bash
# One load by name, from the events to the verdict. Settings come from the environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PWD/target/release:$PATH

usage() {
    cat <<'USAGE'
usage: scripts/load.sh baseline|rampup|spike|sustained|all|stress|endurance
environment: ENV=dev                           what is loaded; production is refused
             BROKER_URL=http://127.0.0.1:8081  where to send
             EVENT_TYPE=build                  build or parser
             OUT=results/<name>-<time>         the run directory
exit codes: 0 done, 1 a threshold is missed, 2 could not do it, 3 no verdict possible
USAGE
}

name=${1:-}
case "$name" in
    baseline) load=(--rate 10/s --duration 5m) ;;
    rampup) load=(--stages 0s:10,3m:50,3m:100,3m:200,3m:100,2m:10) ;;
    spike) load=(--stages 0s:100,1m:500,2m:500,1m:100) ;;
    sustained) load=(--rate 100/s --duration 30m) ;;
    all) load=(--plan examples/plans/build-events.k6.json) ;;
    stress | endurance) load=(--plan "examples/plans/$name.toml") ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
esac
env=${ENV:-dev}
case "${env,,}" in
    prod* | prd* | live) echo "load.sh: ENV=$env is production, which is never loaded: use ENV=dev" >&2; exit 2 ;;
esac
out=${OUT:-results/$name-$(date -u +%Y%m%dT%H%M%SZ)}

ce-gen --kind "${EVENT_TYPE:-build}" --run "$(basename "$out")" |
    ce-blast --to "${BROKER_URL:-http://127.0.0.1:8081}" --run "$(basename "$out")" "${load[@]}" |
    lat-collect --out "$out"
slo-check "$out" --threshold 'success: rate>=0.99'
