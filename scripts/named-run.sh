# Sourced by the scripts that run one load: what they have in common.

# find_tools: those of $BIN are the first on the path.
find_tools() {
    PATH=${BIN:-$PWD/target/release}:$PATH
}

# refuse_production: production is never loaded, by whatever name.
refuse_production() {
    local env=${ENV:-dev}
    case "${env,,}" in
        prod* | prd* | live)
            echo "${0##*/}: ENV=$env is production, which is never loaded: use ENV=dev" >&2
            exit 2 ;;
    esac
}

# run_load DIR FLAGS…: from the events to the run directory. A tool that fails does not end the
# script: what was recorded is judged, and slo-check knows a run that is not whole.
run_load() {
    local out=$1
    shift
    if [[ -e $out ]]; then
        echo "${0##*/}: $out exists already: choose another OUT, or move it away" >&2
        exit 2
    fi
    ce-gen --kind "${EVENT_TYPE:-build}" --run "$(basename "$out")" |
        ce-blast --to "${BROKER_URL:-http://127.0.0.1:8081}" --run "$(basename "$out")" "$@" |
        lat-collect --out "$out" || true
    if [[ ! -f $out/summary.json ]]; then
        echo "${0##*/}: $out holds no run: see the messages above" >&2
        exit 2
    fi
}
