#!/usr/bin/env bash
# The closed loop that scripts usually run: N senders, each waiting for its answer and resting before
# the next event. Settings come from the environment; exit 1 when fewer than 95 % succeed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/named-run.sh
find_tools

usage() {
    cat <<'USAGE'
usage: scripts/closed-loop.sh [--help]
environment: BROKER_URL=http://127.0.0.1:8081  where to send
             ENV=dev                           what is loaded; production is refused
             EVENT_TYPE=build                  build or parser
             CONCURRENT=100                    senders
             DURATION=300                      seconds, the ramp-up included
             RAMP_UP=60                        seconds within which the senders start, evenly
             PAUSE_MS=100                      rest of a sender after each answer
             OUT=results/closed-<time>         the run directory
             BIN=target/release                where the tools are
exit codes: 0 done, 1 success rate below 95 %, 2 could not do it, 3 no verdict possible
USAGE
}

case "${1:-}" in
    '') ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
esac

refuse_production
duration=${DURATION:-300}
# A short run is not all ramp-up.
ramp_up=${RAMP_UP:-$((duration < 120 ? duration / 2 : 60))}
out=${OUT:-results/closed-$(date -u +%Y%m%dT%H%M%SZ)}

run_load "$out" --vus "${CONCURRENT:-100}" --ramp-up "${ramp_up}s" --pause "${PAUSE_MS:-100}ms" \
    --duration "${duration}s" --timeout 30s
slo-check "$out" --threshold 'success: rate>=0.95'
