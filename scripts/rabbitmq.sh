#!/usr/bin/env bash
# A private RabbitMQ node for tests and demos: own ports, own data, loopback only.
# Everything is in one folder, target/rabbitmq/ unless told otherwise.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: scripts/rabbitmq.sh start | stop | restart | status | url [--management] [--tls] | ctl ARGS...
  start     start the node, wait until it answers, print its AMQP URL
  stop      stop it and everything it started
  restart   stop and start on the same ports, keeping queues and messages
  status    one line; exit 0 when running, 1 when not
  url       print the AMQP URL (--management: the HTTP one; --tls: the one with TLS);
            exit 1 when not running
  ctl       run rabbitmqctl on the node, e.g., ctl set_vm_memory_high_watermark 0.4
environment: CE_RABBITMQ_PORT=26720  AMQP; +1 management, +2 Erlang, +3 epmd
             CE_RABBITMQ_DIR=target  where the node has its folder rabbitmq; one for each node
             CE_RABBITMQ_KEEP=1      start with the data of last time, not afresh
             CE_RABBITMQ_TLS=1       also listen with TLS: +4 AMQP, where a client certificate is
                                     required, +5 management. The certificates are made at the
                                     start, in target/rabbitmq/tls: ca.pem, and .pem and .key of
                                     server (names: 127.0.0.1, broker.test), client, stranger
exit codes: 0 done, 1 not running (status, url), 2 wrong usage or failure
USAGE
}

say() { echo "rabbitmq.sh: $*" >&2; }
die() { say "$*"; exit 2; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
parent=${CE_RABBITMQ_DIR:-$root/target}
mkdir -p "$parent" || die "$parent cannot be made: set CE_RABBITMQ_DIR to a folder that can"
dir=$(cd "$parent" && pwd -P)/rabbitmq
tls=$dir/tls          # present when the node listens with TLS
pid_file=$dir/pid     # written only once the node answers: present + alive = running
port_file=$dir/port   # base port of the last start, so url and stop need no environment
server=/usr/lib/rabbitmq/bin/rabbitmq-server   # the one in /usr/sbin changes user
# Carried in the environment of every process of the node: it tells ours from any other
# RabbitMQ or epmd, even when the pid file is stale or was deleted.
mark="CE_LOAD_BROKER=$dir"
starting=''   # set while a failure must take down what was started

ours() {   # ours [comm-prefix]: pids of our live processes
    local f p comm
    for f in $(grep -lzxsF -e "$mark" /proc/[0-9]*/environ || true); do
        p=${f#/proc/} p=${p%/environ}
        # Seen from outside, a container may hold the same path: that one is not ours.
        [[ /proc/$p/ns/pid -ef /proc/self/ns/pid ]] || continue
        comm=$(cat "/proc/$p/comm" 2>/dev/null) || continue
        [[ $comm == "${1-}"* ]] && echo "$p"
    done
    return 0
}

is_ours() { grep -qzxsF -e "$mark" "/proc/$1/environ"; }

running_pid() {   # the pid when running; fails otherwise
    local pid
    pid=$(cat "$pid_file" 2>/dev/null) && [[ $pid =~ ^[0-9]+$ ]] && is_ours "$pid" && echo "$pid"
}

set_port() {
    port=$1
    # Decimal without leading zeros, else bash would take 0nnn for octal.
    if ! [[ $port =~ ^[1-9][0-9]{0,4}$ ]] || ((port > 65530)); then
        die "CE_RABBITMQ_PORT must be a port from 1 to 65530, not '$port'"
    fi
    amqp_url="amqp://127.0.0.1:$port/%2f"
    amqps_url="amqps://127.0.0.1:$((port + 4))/%2f"
    management_url="http://127.0.0.1:$((port + 1))"
    management_tls_url="https://127.0.0.1:$((port + 5))"
}

saved_port() { cat "$port_file" 2>/dev/null || echo 26720; }

lock() {
    mkdir -p "$dir"
    exec 9>"$dir/lock"
    flock -n 9 && return
    say "waiting for another rabbitmq.sh of this checkout"
    flock -w 600 9 || die "another rabbitmq.sh holds $dir/lock"
}

gone_within() {   # gone_within SECONDS [comm-prefix]
    local end=$((SECONDS + $1))
    while [[ -n $(ours "${2-}") ]]; do
        ((SECONDS < end)) || return 1
        sleep 0.1
    done
}

signal() {   # signal NAME PID...; a process that is gone already is fine
    (($# < 2)) || kill -s "$@" 2>/dev/null || true
}

# The emulator shuts the broker down cleanly on SIGTERM. epmd and the emulator's
# helpers come after it, so that nothing of the shutdown is cut short.
# shellcheck disable=SC2046  # pids are to be split
stop_all() {
    rm -f "$pid_file"
    signal TERM $(ours beam)
    gone_within 30 beam || { say "no clean stop within 30 s, killing it"; signal KILL $(ours beam); }
    # Helpers leave by themselves when the emulator closes their pipe; epmd does not.
    signal TERM $(ours epmd)
    gone_within 3 || signal KILL $(ours)
    gone_within 5 || die "could not end processes" $(ours)
}

# detached LOG COMMAND...: a process of the node, independent of this shell, its
# terminal and whatever pipes were inherited; sets $! to its pid (everything execs).
detached() {
    (
        exec </dev/null >>"$1" 2>&1
        shift
        for fd in "/proc/$BASHPID/fd"/*; do
            fd=${fd##*/}
            ((fd <= 2)) || exec {fd}>&-
        done
        cd "$dir"
        # Enough descriptors, yet bounded: Erlang sizes its tables by this limit.
        ulimit -Sn 65536 2>/dev/null || ulimit -Sn hard
        # A clean environment: no setting meant for another broker gets in. Paths that
        # default to /etc/rabbitmq or /var/lib/rabbitmq are all set. ERL_AFLAGS reaches
        # the short-lived helper emulators too, which would listen on every address.
        exec setsid env -i "$mark" PATH="$PATH:/usr/sbin:/usr/bin" LANG=C.UTF-8 HOME="$dir" \
            ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=$((port + 3)) \
            ERL_AFLAGS='-kernel inet_dist_use_interface {127,0,0,1}' \
            ERL_CRASH_DUMP="$dir/log/erl_crash.dump" \
            RABBITMQ_CONF_ENV_FILE="$dir/env.conf" \
            RABBITMQ_CONFIG_FILE="$dir/rabbitmq.conf" RABBITMQ_CONFIG_FILES="$dir/conf.d" \
            RABBITMQ_ADVANCED_CONFIG_FILE="$dir/advanced.config" \
            RABBITMQ_ENABLED_PLUGINS_FILE="$dir/enabled_plugins" \
            RABBITMQ_NODENAME=ce-load@localhost RABBITMQ_DIST_PORT=$((port + 2)) \
            RABBITMQ_MNESIA_BASE="$dir/data" RABBITMQ_LOG_BASE="$dir/log" RABBITMQ_LOGS=- \
            RABBITMQ_SCHEDULER_BUSY_WAIT_THRESHOLD=none RABBITMQ_SCHEDULER_BIND_TYPE=u \
            detached=1 "$@"
    ) &
}

# A throw-away authority and what it signs; the stranger is signed by nobody but itself.
make_certificates() {
    command -v openssl >/dev/null ||
        "$root/scripts/install.sh" openssl /usr/bin/openssl "$dir/install.log" 9>&-
    rm -rf "$tls"
    mkdir -p "$tls"
    cat >"$tls/openssl.cnf" <<'CNF'
[req]
distinguished_name = name
prompt = no
[name]
O = ce-load tests
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[server]
basicConstraints = critical, CA:FALSE
subjectAltName = IP:127.0.0.1, DNS:broker.test
[client]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:client.test
CNF
    certificate ca authority
    certificate stranger authority
    certificate server server -CA "$tls/ca.pem" -CAkey "$tls/ca.key"
    certificate client client -CA "$tls/ca.pem" -CAkey "$tls/ca.key"
}

certificate() {   # certificate NAME EXTENSIONS [SIGNER...]
    local name=$1 extensions=$2
    shift 2
    openssl req -x509 -config "$tls/openssl.cnf" -extensions "$extensions" -days 30 -nodes \
        -subj "/O=ce-load tests/CN=$name" -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
        -keyout "$tls/$name.key" -out "$tls/$name.pem" "$@" 2>"$tls/openssl.log" ||
        die "openssl cannot make the certificate $name: $(tail -n 1 "$tls/openssl.log")"
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

answers() (   # both protocols, spoken by hand so that no client program is needed
    exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$port" 4<>"/dev/tcp/127.0.0.1/$((port + 1))" || exit 1
    printf 'AMQP\0\0\11\1' >&3
    IFS= read -r -d '' -n 1 -t 3 byte <&3 && [[ $byte == $'\1' ]] || exit 1   # a method frame
    printf 'GET /api/overview HTTP/1.0\r\nAuthorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n\r\n' >&4
    read -r -t 3 _ code _ <&4 && [[ $code == 200 ]]
)

start() {   # start KEEP(0|1)
    local began p pid last=3
    [[ -x $server ]] || "$root/scripts/install.sh" rabbitmq-server "$server" "$dir/install.log" 9>&-
    began=$SECONDS
    starting=1
    stop_all   # leftovers of a node that was killed
    if [[ $1 == 1 && -d $tls ]]; then   # as last time
        last=5
    elif [[ ${CE_RABBITMQ_TLS:-0} == 1 ]]; then
        last=5
        make_certificates
    else
        rm -rf "$tls"
    fi
    for ((p = port; p <= port + last; p++)); do
        ! listening "$p" || die "port $p is taken by something else:" \
            "set CE_RABBITMQ_PORT to a base port with $((last + 1)) free ones"
    done

    [[ $1 == 1 ]] || rm -rf "$dir/data" "$dir/log"
    mkdir -p "$dir/data" "$dir/log" "$dir/conf.d"
    : >"$dir/env.conf"
    echo '[].' >"$dir/advanced.config"
    echo '[rabbitmq_management].' >"$dir/enabled_plugins"
    cat >"$dir/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$port
management.tcp.ip = 127.0.0.1
management.tcp.port = $((port + 1))
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 50MB
CONF
    [[ ! -d $tls ]] || cat >>"$dir/rabbitmq.conf" <<CONF
listeners.ssl.1 = 127.0.0.1:$((port + 4))
ssl_options.cacertfile = $tls/ca.pem
ssl_options.certfile = $tls/server.pem
ssl_options.keyfile = $tls/server.key
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
management.ssl.ip = 127.0.0.1
management.ssl.port = $((port + 5))
management.ssl.cacertfile = $tls/ca.pem
management.ssl.certfile = $tls/server.pem
management.ssl.keyfile = $tls/server.key
CONF
    echo "$port" >"$port_file"

    say "starting a private node on 127.0.0.1, ports $port to $((port + last))"
    # Before the node, which would else start one itself, with a log and life of its own.
    detached "$dir/log/epmd.log" epmd -address 127.0.0.1 -port $((port + 3))
    detached "$dir/log/rabbitmq.log" "$server"
    pid=$!
    until answers; do
        if ! kill -0 "$pid" 2>/dev/null || ((SECONDS - began > 90)); then
            tail -n 15 "$dir/log/rabbitmq.log" | cut -c 1-300 >&2
            # Outgoing connections use such ports too (ip_local_port_range); no one listens.
            if tail -n 15 "$dir/log/rabbitmq.log" | grep -q eaddrinuse; then
                die "a port of $port to $((port + last)) is held by a connection: set CE_RABBITMQ_PORT"
            fi
            die "the node did not come up (log: $dir/log/rabbitmq.log)"
        fi
        sleep 0.2
    done
    is_ours "$pid" || die "port $port answers, but not our node"
    echo "$pid" >"$pid_file"
    starting=''
    say "up after $((SECONDS - began)) s, pid $pid, management $management_url (guest/guest)"
    echo "$amqp_url"
}

# The tool asks the node over Erlang's own protocol, so it needs the cookie and the epmd of the node.
ctl() {
    running_pid >/dev/null || { say "not running"; exit 1; }
    set_port "$(saved_port)"
    exec env -i PATH="$PATH:/usr/sbin:/usr/bin" LANG=C.UTF-8 HOME="$dir" ERL_EPMD_PORT=$((port + 3)) \
        ERL_AFLAGS='-kernel inet_dist_use_interface {127,0,0,1}' RABBITMQ_CONF_ENV_FILE="$dir/env.conf" \
        RABBITMQ_NODENAME=ce-load@localhost /usr/lib/rabbitmq/bin/rabbitmqctl -q "$@"
}

case "$*" in
    -h | --help) usage; exit 0 ;;
    'ctl '*) ctl "${@:2}" ;;
    start | stop | restart | status | url | 'url --management' | 'url --tls') ;;
    'url --management --tls') ;;
    *) usage >&2; exit 2 ;;
esac

trap '[[ -z $starting ]] || { starting=""; stop_all; }' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
case $1 in
    start)
        set_port "${CE_RABBITMQ_PORT:-26720}"
        lock
        if pid=$(running_pid); then
            set_port "$(saved_port)"
            say "already running, pid $pid"
            echo "$amqp_url"
        else
            start "${CE_RABBITMQ_KEEP:-0}"
        fi ;;
    restart)
        set_port "${CE_RABBITMQ_PORT:-$(saved_port)}"
        lock
        start 1 ;;
    stop)
        lock
        if [[ -n $(ours) ]]; then was=stopped; else was="not running"; fi
        stop_all
        say "$was" ;;
    status)
        pid=$(running_pid) || { echo "not running"; exit 1; }
        set_port "$(saved_port)"
        echo "running, pid $pid, $amqp_url, management $management_url" ;;
    url)
        running_pid >/dev/null || { say "not running"; exit 1; }
        set_port "$(saved_port)"
        [[ $* != *--tls || -d $tls ]] || { say "no TLS: start with CE_RABBITMQ_TLS=1"; exit 1; }
        case "$*" in
            'url --management') echo "$management_url" ;;
            'url --tls') echo "$amqps_url" ;;
            'url --management --tls') echo "$management_tls_url" ;;
            *) echo "$amqp_url" ;;
        esac ;;
esac
