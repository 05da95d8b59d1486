#!/usr/bin/env bash
# Makes sure that the programs are there which the live view is tested with: a browser and
# Prometheus. Debian's packages are installed when they are missing and this may be done.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "live-tools.sh: $*" >&2; }

# install PACKAGE PROGRAM
install() {
    [[ ! -x $2 ]] || return 0
    mkdir -p target
    scripts/install.sh "$1" "$2" "target/install-$1.log" || say "$1 is missing: its tests are skipped"
}

install chromium /usr/bin/chromium
install prometheus /usr/bin/prometheus
