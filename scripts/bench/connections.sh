# What a connection takes that is only held: memory here, and the time to open it. Sourced by ../bench.sh
# after amqp.sh, whose broker it needs; without RabbitMQ its rows stay empty.

# Resident memory when these many are open: what the process needs anyway is in both.
few=100 many=2000

measure_connections() {
    [[ -n $amqp_url ]] || return 0
    local pid least='' most=''
    printf '[scenarios.held]\nexecutor = "connections"\nconnections = %d\nrate = 200\nhold = "1h"\n' \
        "$many" >"$work/held.toml"
    rm -f "$work/enough"
    : >"$work/opened"
    # Not by a function: then $! would be a shell.
    taskset -c 0 ce-blast --plan "$work/held.toml" --to "$amqp_url" --timeout 30s \
        --stop-file "$work/enough" >"$work/opened" 2>"$work/held.log" &
    pid=$!
    started+=("$pid")
    least=$(held_memory "$few" "$pid") && most=$(held_memory "$many" "$pid")
    touch "$work/enough"
    ended "$pid"
    if [[ -z $most ]]; then
        echo "bench: not all of $many connections opened:" >&2
        cat "$work/held.log" >&2
        return 0
    fi
    note connections.each "$(quotient "$((most - least))" "$((many - few))" 1)"
    note connections.open50 "$(opened_within 50)"
    note connections.open99 "$(opened_within 99)"
}

# held_memory COUNT PID: resident memory in KiB when so many are open; nothing if that takes a minute.
held_memory() {
    for _ in {1..600}; do
        if (($(grep -c '"outcome":"ok"' "$work/opened") >= $1)); then
            awk '/VmRSS/ { print $2 }' "/proc/$2/status"
            return
        fi
        sleep 0.1
    done
    return 1
}

# opened_within HUNDREDTHS: that many of the connections took no longer to open, in milliseconds.
opened_within() {
    grep -o '"service_ns":[0-9]*' "$work/opened" | cut -d : -f 2 | sort -n |
        awk -v p="$1" '{ v[NR] = $1 } END { printf "%.1f", v[int((NR * p + 99) / 100)] / 1e6 }'
}

report_connections() {
    [[ -n $amqp_url ]] || return 0
    row "AMQP, memory of each of $many connections, KiB" connections.each '≤ 100'
    row 'AMQP, time to open a connection at 200/s, p50, ms' connections.open50
    row 'AMQP, time to open a connection at 200/s, p99, ms' connections.open99
}
