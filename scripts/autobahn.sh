#!/bin/sh
# Runs the Autobahn WebSocket test suite against the server's own transport: `scripts/autobahn.sh [CASES]`, by default all cases
# but those of compression, which the server does not offer. Fails unless every case is OK, non-strict or informational.
# The suite runs on Python 2.7 alone; PYTHON27 names one, else pyenv and PATH are asked. It is installed once, into
# ~/.cache/taffrail/autobahn; where that is not possible the run is skipped, in words. `WEBSOCKET_ECHO` names a built
# example, which is else built. Reports are left in target/autobahn.
set -eu
cd "$(dirname "$0")/.."

skip() {
    echo "skipped: $*"
    exit 0
}

home=${XDG_CACHE_HOME:-$HOME/.cache}/taffrail/autobahn
if [ ! -x "$home/suite/bin/wstest" ]; then
    python=${PYTHON27:-python2.7}
    # A name on the PATH may be a shim of pyenv that starts nothing.
    if ! "$python" -c '' 2>/dev/null && command -v pyenv >/dev/null; then
        version=$(pyenv versions --bare 2>/dev/null | grep '^2\.7' | tail -n 1 || true)
        [ -z "$version" ] || python=$(PYENV_VERSION=$version pyenv which python 2>/dev/null || true)
    fi
    "$python" -c '' 2>/dev/null || skip "the suite needs Python 2.7, and there is none"
    rm -rf "$home"
    mkdir -p "$home"
    if ! { "$python" -m pip install -q --target "$home/bootstrap" virtualenv==20.15.1 &&
        PYTHONPATH=$home/bootstrap "$python" -m virtualenv -q "$home/suite" &&
        "$home/suite/bin/pip" install -q autobahntestsuite==25.10.1; } >"$home/install.log" 2>&1; then
        rm -rf "$home/suite"
        skip "the suite could not be installed; $home/install.log says why"
    fi
fi

echo_server=${WEBSOCKET_ECHO:-}
if [ -z "$echo_server" ]; then
    cargo build --quiet --example websocket_echo
    echo_server=${CARGO_TARGET_DIR:-target}/debug/examples/websocket_echo
fi
folder=$(mktemp -d)
"$echo_server" 127.0.0.1:0 >"$folder/address" &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
tries=100
until address=$(cat "$folder/address") && [ -n "$address" ]; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ] || ! kill -0 "$server" 2>/dev/null; then
        echo "FAILED  the echo server did not start" >&2
        exit 1
    fi
    sleep 0.1
done

reports=$PWD/target/autobahn
rm -rf "$reports"
mkdir -p "$reports"
cat >"$folder/suite.json" <<END
{"outdir": "$reports", "servers": [{"agent": "taffrail", "url": "ws://$address"}],
 "cases": ["${1:-*}"], "exclude-cases": ["12.*", "13.*"], "exclude-agent-cases": {}}
END
"$home/suite/bin/wstest" -m fuzzingclient -s "$folder/suite.json" >"$reports/log" 2>&1 || {
    tail -n 20 "$reports/log" >&2
    exit 1
}
"$home/suite/bin/python" - "$reports" <<'END'
import collections, json, os, sys

reports = sys.argv[1]
cases = json.load(open(os.path.join(reports, "index.json")))["taffrail"]
GOOD = ("OK", "NON-STRICT", "INFORMATIONAL")
count = collections.Counter()
closes = collections.Counter()
clean = 0
bad = []
for name, case in sorted(cases.items()):
    count[case["behavior"]] += 1
    closes[case["behaviorClose"]] += 1
    clean += bool(json.load(open(os.path.join(reports, case["reportfile"])))["wasClean"])
    if case["behavior"] not in GOOD or case["behaviorClose"] not in GOOD:
        bad.append("%s: %s, close %s" % (name, case["behavior"], case["behaviorClose"]))
def words(counter):
    return ", ".join("%d %s" % (counter[kind], kind) for kind in sorted(counter))
print("%d cases: %s" % (len(cases), words(count)))
print("closes: %s; %d ended by a clean handshake" % (words(closes), clean))
for line in bad:
    print("FAILED  " + line)
sys.exit(1 if bad or not cases else 0)
END
