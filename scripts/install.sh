#!/usr/bin/env bash
# install.sh PACKAGE PROGRAM LOG: installs Debian's PACKAGE so that PROGRAM exists, without letting
# the package start a system-wide service. Used by rabbitmq.sh and live-tools.sh.
set -euo pipefail

package=$1 program=$2 log=$3
policy=/usr/sbin/policy-rc.d
policy_made=''

say() { echo "install.sh: $*" >&2; }
die() { say "$*"; exit 2; }

if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
    die "$program is missing: install the package $package"
fi

# One installer per machine, as it may have to put policy-rc.d in place and take it away.
exec 8>/run/lock/ce-load-install.lock
flock -w 600 8 || die "another installation holds /run/lock/ce-load-install.lock"
[[ ! -x $program ]] || exit 0

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
"$policy" "$package" start >/dev/null 2>&1 || answer=$?
((answer == 101)) || die "$policy lets packages start services:" \
    "install $package yourself, then start again"

say "installing $package, which can take minutes (log: $log)"
export DEBIAN_FRONTEND=noninteractive
apt() { apt-get -y -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1 </dev/null 8>&-; }
: >"$log"
# The lists may be absent or too old: the first try fails then.
install=(apt install --no-install-recommends "$package")
if ! "${install[@]}" && ! { apt update && "${install[@]}"; }; then
    tail -n 15 "$log" >&2
    die "installing $package failed"
fi
[[ -x $program ]] || die "the package $package did not bring $program"
