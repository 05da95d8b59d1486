#!/usr/bin/env bash
# Makes the ingress of a cluster's broker reachable on this machine, until Ctrl-C.
set -euo pipefail
# By no program of its own: the path may hold nothing.
. "${BASH_SOURCE[0]%/*}/named-run.sh"

port=${BROKER_PORT:-8081}
namespace=${BROKER_NAMESPACE:-knative-eventing}
service=${BROKER_SERVICE:-broker-ingress}
refuse_production
command -v kubectl > /dev/null || {
    echo "pf-broker.sh: kubectl is missing, which forwards the port: install it, or set BROKER_URL to a broker in reach" >&2
    exit 2
}
exec kubectl port-forward --address 127.0.0.1 --namespace "$namespace" "service/$service" "$port:80"
