#!/usr/bin/env bash
# Makes the ingress of a cluster's broker reachable on this machine, until Ctrl-C.
set -euo pipefail

port=${BROKER_PORT:-8081}
namespace=${BROKER_NAMESPACE:-knative-eventing}
service=${BROKER_SERVICE:-broker-ingress}
env=${ENV:-dev}
case "${env,,}" in
    prod* | prd* | live) echo "pf-broker.sh: ENV=$env is production, which is never loaded: use ENV=dev" >&2; exit 2 ;;
esac
command -v kubectl > /dev/null || {
    echo "pf-broker.sh: kubectl is missing, which forwards the port: install it, or set BROKER_URL to a broker in reach" >&2
    exit 2
}
exec kubectl port-forward --address 127.0.0.1 --namespace "$namespace" "service/$service" "$port:80"
