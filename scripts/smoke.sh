#!/bin/sh
# Starts a server with the demo boat and asks it: `scripts/smoke.sh [RUNNER] BINARY`. The runner is an emulator, for a binary of
# another machine. Needs curl; the address is this machine's own.
set -eu

[ $# -ge 1 ] || {
    echo "usage: smoke.sh [RUNNER] BINARY" >&2
    exit 64
}
command -v curl >/dev/null || {
    echo "skipped: curl is not installed"
    exit 0
}
folder=$(mktemp -d)
env -i PATH="$PATH" HOME="$folder" "$@" run --input demo --demo-rate 10 --http 127.0.0.1:0 --tcp 127.0.0.1:0 --no-mdns --state-dir "$folder/state" \
    >"$folder/out" 2>"$folder/err" &
server=$!
trap 'kill -9 "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT

fail() {
    echo "FAILED  $*" >&2
    cat "$folder/out" "$folder/err" >&2
    exit 1
}

# Up to a minute: emulation on a busy machine takes its time.
tries=300
until address=$(sed -n 's#.*is up: http://\([0-9.a-z]*:[0-9]*\)/signalk.*#\1#p' "$folder/out") && [ -n "$address" ]; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] && kill -0 "$server" 2>/dev/null || fail "no server came up"
    sleep 0.2
done
curl -fsS --max-time 20 "http://$address/signalk" >"$folder/discovery" || fail "no answer to GET /signalk"
grep -q '"signalk-http"' "$folder/discovery" || fail "GET /signalk: $(cat "$folder/discovery")"
echo "ok      GET /signalk"

# One delta by the raw stream: a hello, then what the boat says.
raw=$(sed -n 's#^  raw *\([0-9.]*:[0-9]*\) .*#\1#p' "$folder/out")
printf '{"context":"vessels.self","subscribe":[{"path":"navigation.*"}]}\n' |
    curl -sS --max-time 10 --no-buffer "telnet://$raw" >"$folder/stream" 2>/dev/null || true
sed -n '1p' "$folder/stream" | grep -q '"self"' || fail "no hello: $(head -c 300 "$folder/stream")"
grep -q '"updates":.*"navigation\.' "$folder/stream" || fail "no delta: $(head -c 300 "$folder/stream")"
echo "ok      a delta: $(grep -m 1 '"updates"' "$folder/stream" | head -c 150)..."

kill -TERM "$server"
wait "$server" || fail "status $? after SIGTERM"
echo "ok      stopped by SIGTERM"
