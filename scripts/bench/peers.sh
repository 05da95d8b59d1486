# Other senders, measured beside ours where they are there: on the path, or in target/bench-peers, where
# `PEERS=1 make bench` puts them. Sourced by ../bench.sh.

peers_dir=$PWD/target/bench-peers
PATH=$peers_dir/bin:$PATH

have() { command -v "$1" >/dev/null; }

# Builds peers from their registries, which takes some minutes the first time. wrk comes with the system.
install_peers() {
    have oha || cargo install --quiet --locked --root "$peers_dir" oha
    have go || return 0
    have vegeta || GOBIN=$peers_dir/bin go install github.com/tsenart/vegeta/v12@v12.13.0
    have hey || GOBIN=$peers_dir/bin go install github.com/rakyll/hey@v0.1.5
}

# The pacer in C is no tool but a bound: what the same even pacing costs with nothing else done.
build_pacer() {
    ! have cc || cc -O2 -o "$work/pacer" scripts/bench/pacer.c
}

# pacer RATE SECONDS SPIN_US
pacer() {
    [[ -x $work/pacer ]] || return 0
    local port=${url##*:} cpu lag50 lag99
    # On a busy machine it may run out of connections, which is no reason to end.
    read -r cpu lag50 lag99 < <(on_first "$work/pacer" "${port%/}" "$1" "$2" "$3" <"$work/event") ||
        return 0
    note "pacer$1.cpu" "$cpu"
    note "pacer$1.core" "$(awk -v c="$cpu" -v r="$1" 'BEGIN { printf "%.1f", c * r / 1e4 }')"
    note "pacer$1.lag50" "$lag50"
    note "pacer$1.lag99" "$lag99"
}

# The commands of each peer: POSTs of one event, with 64 connections.
kind='content-type: application/cloudevents+json'
oha_at() { oha --no-tui -m POST -H "$kind" -D "$work/event" "$@"; }
vegeta_at() {
    local rate=$1 seconds=$2 to=$3
    echo "POST $to" | vegeta attack -rate="$rate" -duration="${seconds}s" -max-workers=64 \
        -header="$kind" -body="$work/event"
}
wrk_at() {
    printf 'wrk.method = "POST"\nwrk.body = io.open("%s"):read("*a")\nwrk.headers["content-type"] = "%s"\n' \
        "$work/event" "${kind#*: }" >"$work/post.lua"
    wrk -t1 -c64 -s "$work/post.lua" "$@"
}

# One round of all peers that are there.
measure_peers() {
    if have wrk; then
        local requests TIMEFORMAT='%U %S'
        { time on_first wrk_at -d5s "$url" >"$work/wrk"; } 2>"$work/time"
        requests=$(grep -o '[0-9]* requests in' "$work/wrk" | cut -d ' ' -f 1)
        note wrk.cpu "$(tail -n 1 "$work/time" |
            awk -v n="$requests" '{ printf "%.2f", ($1 + $2) * 1e6 / n }')"
    fi
    if have oha; then
        timed oha 200000 0 on_first oha_at -n 200000 -c 64 "$url"
        timed oha10000 50000 0 on_first oha_at -n 50000 -q 10000 -c 64 "$url"
        evenly oha1000 on_first oha_at -n 5000 -q 1000 -c 64 URL
        evenly oha5000 on_first oha_at -n 25000 -q 5000 -c 64 URL
    fi
    if have vegeta; then
        timed vegeta10000 50000 0 on_first vegeta_at 10000 5 "$url"
        evenly vegeta1000 on_first vegeta_at 1000 5 URL
        evenly vegeta5000 on_first vegeta_at 5000 5 URL
    fi
    if have hey; then
        timed hey 200000 0 on_first hey -n 200000 -c 64 -m POST -H "$kind" -D "$work/event" "$url"
    fi
    evenly pacer1000 pacer 1000 5 60
    evenly pacer5000 pacer 5000 5 40
    pacer 10000 5 5
    pacer 20000 5 0
}
