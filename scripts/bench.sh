#!/usr/bin/env bash
# What an event costs each tool on this machine, beside the limit that we set ourselves and beside the
# same figure of others, where those are installed; PEERS=1 installs some. Medians of interleaved rounds.
# Figures of a shared machine are noisy; compare CPU per event rather than rates, and ratios rather than
# seconds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/bench/measure.sh
source scripts/bench/peers.sh
source scripts/bench/amqp.sh
source scripts/bench/connections.sh

events=10000000
line=$(ce-gen --count 1 | wc -c)
generate() { on_first ce-gen --count "$events" --seed 1 | on_last cat; }
copy() { on_first head -c $((events * line)) /dev/zero | on_last cat; }

# hold DURATION: keeps some 1,000 requests in flight.
hold() {
    exec ce-blast --to "$slow_url" --rate 10000/s --duration "$1" --max-in-flight 1000 "$work/events" 2>/dev/null
}

measure_ours() {
    timed gen "$events" $((events * line)) generate
    timed copy "$events" $((events * line)) copy
    load null --to null: --rate 1000000/s
    load saturated --to "$url" --rate 1000000/s --max-in-flight 64
    for rate in 1000 5000 10000 20000; do
        load "paced$rate" --to "$url" --rate "$rate/s" --duration 5s
    done
    load slack --to "$url" --rate 10000/s --duration 5s --timer-slack 1ms
    for rate in 1000 5000; do
        evenly "paced$rate" on_first ce-blast --to URL --rate "$rate/s" --duration 5s "$work/events"
    done
}

[[ -z ${PEERS:-} ]] || install_peers
build_pacer
ce-gen --count 400000 --seed 1 >"$work/events"
# Memory that grows shows between a million events and a hundred times as many.
note gen.rss6 "$(peak_rss ce-gen --count 1000000 --seed 1)"
note gen.rss8 "$(peak_rss ce-gen --count 100000000 --seed 1)"
head -n 1 "$work/events" | tr -d '\n' >"$work/event"
sink --delay 100ms
slow_url=$url
note held.rss10 "$(peak_rss hold 10s)"
note held.rss40 "$(peak_rss hold 40s)"
sink
start_broker

for ((round = 1; round <= rounds; round++)); do
    echo "bench: round $round of $rounds" >&2
    measure_ours
    measure_amqp
    measure_connections
    measure_peers
done

echo "$(nproc) cores, $(awk -F ': ' '/model name/ { print $2; exit }' /proc/cpuinfo), $rounds rounds"
echo "pacer: an even sender in C that does nothing else, the least that this machine asks for"
echo
printf '%-50s %12s  %-12s %-7s %s\n' '' ours limit '' others
row 'ce-gen into a pipe, events/s' gen.rate '≥ 3000000'
row 'ce-gen into a pipe, MB/s' gen.mb '≥ 800' 'plain copy' copy.mb
row 'ce-gen, peak memory over 1,000,000 events, KiB' gen.rss6
row 'ce-gen, peak memory over 100,000,000 events, KiB' gen.rss8
row 'ce-blast to null:, events/s' null.rate
row 'ce-blast to null:, µs CPU/event' null.cpu
row 'HTTP, 64 in flight, events/s' saturated.rate
row 'HTTP, 64 in flight, µs CPU/event' saturated.cpu '≤ 15' wrk wrk.cpu oha oha.cpu hey hey.cpu
row 'HTTP, 10000/s, each event in time, µs CPU/event' paced10000.cpu '' pacer pacer10000.cpu
row 'HTTP, 10000/s, up to 1 ms late, µs CPU/event' slack.cpu "$(what_others_reach ≤ oha10000.cpu)" oha oha10000.cpu \
    vegeta vegeta10000.cpu
row 'lag p99 with that, µs' slack.lag99
row 'HTTP, 1000 in flight for 10 s, peak memory, KiB' held.rss10 '≤ 65536'
row 'HTTP, 1000 in flight for 40 s, peak memory, KiB' held.rss40 '≤ 65536'
for rate in 1000 5000; do
    row "lag p50 at $rate/s, µs" "paced$rate.lag50" '≤ 5' pacer "pacer$rate.lag50"
    row "lag p99 at $rate/s, µs" "paced$rate.lag99" '≤ 60' pacer "pacer$rate.lag99"
done
row 'lag p50 at 20000/s, µs' paced20000.lag50 '' pacer pacer20000.lag50
row 'lag p99 at 20000/s, µs' paced20000.lag99 '≤ 150' pacer pacer20000.lag99
row 'all threads at 1000/s, % of a core' paced1000.core '≤ 15' pacer pacer1000.core
row 'variation of the gaps at 1000/s' paced1000.cv '≤ 0.2' pacer pacer1000.cv oha oha1000.cv vegeta vegeta1000.cv
row 'variation of the gaps at 5000/s' paced5000.cv '≤ 0.4' pacer pacer5000.cv oha oha5000.cv vegeta vegeta5000.cv
report_amqp
report_connections
