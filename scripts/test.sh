#!/usr/bin/env bash
# Runs every test, with a real RabbitMQ. A broker that was running already is used and left alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "test: $*" >&2; }

started=''
stop_broker() { [[ -z $started ]] || scripts/rabbitmq.sh stop; }
trap stop_broker EXIT

broker=yes
if ! scripts/rabbitmq.sh status >/dev/null; then
    started=yes
    CE_RABBITMQ_TLS=1 scripts/rabbitmq.sh start >/dev/null || broker=''
fi
if [[ -n $broker ]]; then
    CE_TEST_AMQP_URL=$(scripts/rabbitmq.sh url)
    CE_TEST_MANAGEMENT_URL=$(scripts/rabbitmq.sh url --management)
    export CE_TEST_AMQP_URL CE_TEST_MANAGEMENT_URL
    if CE_TEST_AMQPS_URL=$(scripts/rabbitmq.sh url --tls); then
        CE_TEST_MANAGEMENT_TLS_URL=$(scripts/rabbitmq.sh url --management --tls)
        CE_TEST_TLS_DIR=$(cd "${CE_RABBITMQ_DIR:-target}" && pwd)/rabbitmq/tls
        export CE_TEST_AMQPS_URL CE_TEST_MANAGEMENT_TLS_URL CE_TEST_TLS_DIR
    fi
elif [[ -n ${CI:-} ]]; then
    say "no broker, and CI must not skip its tests"
    exit 1
else
    say "NO BROKER: the tests that need one are SKIPPED"
fi

scripts/live-tools.sh

log=target/test.log
mkdir -p target
status=0
cargo test --workspace --locked --no-fail-fast "$@" 2>&1 | tee "$log" || status=$?

[[ -n $broker ]] || say "NO BROKER: the tests that need one were SKIPPED"
# One line with the sum over all test binaries.
awk '/^test result:/ { passed += $4; failed += $6 }
     END { printf "%d passed, %d failed\n", passed, failed }' "$log"
exit "$status"
