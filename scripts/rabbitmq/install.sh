#!/usr/bin/env bash
# install.sh SERVER LOG: installs Debian's rabbitmq-server so that SERVER exists, without
# letting the package start its system-wide broker. Used by ../rabbitmq.sh.
set -euo pipefail

server=$1 log=$2
policy=/usr/sbin/policy-rc.d
policy_made=''

die() { echo "rabbitmq.sh: $*" >&2; exit 2; }

if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
    die "RabbitMQ is missing: install the package rabbitmq-server (which brings Erlang)"
fi

# One installer per machine, as it may have to put policy-rc.d in place and take it away.
exec 8>/run/lock/ce-load-install.lock
flock -w 600 8 || die "another installation holds /run/lock/ce-load-install.lock"
[[ ! -x $server ]] || exit 0

trap '[[ -z $policy_made ]] || rm -f "$policy"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# policy-rc.d keeps packages from starting services by answering 101. Somebody else's is
# obeyed and never changed; one left by a killed run of this script is recognised.
if [[ ! -e $policy ]] || grep -qs '^# ce-load, temporary' "$policy"; then
    policy_made=1
    printf '#!/bin/sh\n# ce-load, temporary\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
answer=0
"$policy" rabbitmq-server start >/dev/null 2>&1 || answer=$?
((answer == 101)) || die "$policy lets packages start services:" \
    "install rabbitmq-server yourself, then start again"

echo "rabbitmq.sh: installing rabbitmq-server, which can take minutes (log: $log)" >&2
export DEBIAN_FRONTEND=noninteractive
apt() { apt-get -y -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1 </dev/null 8>&-; }
: >"$log"
# The lists may be absent or too old: the first try fails then.
install=(apt install --no-install-recommends rabbitmq-server)
if ! "${install[@]}" && ! { apt update && "${install[@]}"; }; then
    tail -n 15 "$log" >&2
    die "installing rabbitmq-server failed"
fi
[[ -x $server ]] || die "the package rabbitmq-server did not bring $server"
