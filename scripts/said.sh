# Sourced by the scripts that start a tool beside them.

# said TEXT LOG PID: waits until the tool that writes to LOG has said TEXT, and prints that line. One
# that ends before, or says nothing for ten seconds, is an error that its log explains.
said() {
    for _ in {1..100}; do
        ! grep -sm 1 "$1" "$2" || return 0
        kill -0 "$3" 2>/dev/null || break
        sleep 0.1
    done
    cat "$2" >&2
    echo "${0##*/}: the tool did not start: it never said \"$1\"" >&2
    return 2
}
