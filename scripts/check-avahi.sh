#!/bin/sh
# Lets the server announce itself beside a running avahi, in a network namespace of its own, and looks whether both are found,
# and only the other one after the server has stopped: `scripts/check-avahi.sh [PROGRAM]`, by default target/release/taffrail.
# Skips with a line where there is no avahi-daemon (AVAHI_DAEMON names one) or no right to make a namespace.
set -eu
cd "$(dirname "$0")/.."

if [ "${1:-}" != inside ]; then
    program=$(realpath "${1:-target/release/taffrail}")
    avahi=${AVAHI_DAEMON:-$(command -v avahi-daemon || true)}
    [ -n "$avahi" ] || { echo "skipped: there is no avahi-daemon"; exit 0; }
    [ -x "$program" ] || { echo "there is no $program; build it first" >&2; exit 1; }
    unshare --net --mount true 2>/dev/null || { echo "skipped: no right to make a network namespace"; exit 0; }
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    unshare --net --mount "$0" inside "$program" "$avahi" "$work"
    exit
fi

program=$2 avahi=$3 work=$4
ip link set lo up
# Two ends of a cable; what is sent to the group on one is heard by all who listen there.
ip link add cable0 type veth peer name cable1
ip addr add 10.9.0.1/24 dev cable0
ip link set cable0 up
ip link set cable1 up

mkdir -p /etc/avahi "$work/etc/services"
printf '[server]\nenable-dbus=no\nhost-name=boat\nallow-interfaces=cable0\n' >"$work/etc/avahi-daemon.conf"
cat >"$work/etc/services/other.service" <<'XML'
<?xml version="1.0" standalone='no'?>
<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group>
  <name>other</name>
  <service><type>_signalk-ws._tcp</type><port>9999</port><txt-record>txtvers=1</txt-record></service>
</service-group>
XML
mount --bind "$work/etc" /etc/avahi
mount -t tmpfs none /run
mkdir -p /run/avahi-daemon

"$avahi" --no-drop-root --no-chroot --no-rlimits -f /etc/avahi/avahi-daemon.conf >"$work/avahi.log" 2>&1 &
other=$!
"$program" --http 0.0.0.0:3000 --tcp 0.0.0.0:8375 --state-dir "$work/state" >"$work/server.log" 2>&1 &
server=$!
trap 'kill $other $server 2>/dev/null || true' EXIT

# What is found on the network within a minute; fails when that is not what is expected.
found() {
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        "$program" discover >"$work/found"
        if grep -q "^other .*9999" "$work/found" && "$@"; then
            cat "$work/found"
            return
        fi
    done
    cat "$work/found" "$work/avahi.log" "$work/server.log" >&2
    exit 1
}
ours() { grep -q "^taffrail .*http 3000, tcp 8375, ws 3000" "$work/found"; }
gone() { ! grep -q "^taffrail" "$work/found"; }

found ours
kill -TERM $server
wait $server
found gone
echo "found beside avahi, and withdrawn at the end"
