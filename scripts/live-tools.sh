#!/usr/bin/env bash
# Makes sure that the programs are there which lat-collect is tested with: a browser and Prometheus
# for its live view, and a Python with HdrHistogram for its log. Debian's packages are installed when
# they are missing and this may be done; the Python's go to target/python.
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

# Another implementation of HdrHistogram, of a version that is known to read the log.
python=target/python
if ! "$python/bin/python" -c 'import hdrh.log' 2>/dev/null; then
    mkdir -p target
    { python3 -m venv "$python" && "$python/bin/pip" install --quiet 'hdrhistogram==0.10.8'; } \
        >target/install-python.log 2>&1 ||
        say "hdrhistogram for Python is missing (target/install-python.log): its tests are skipped"
fi
