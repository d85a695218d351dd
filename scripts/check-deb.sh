#!/bin/sh
# Looks at a package and puts it through its life: `scripts/check-deb.sh FILE.deb`.
#
# lintian where it is installed; then install, upgrade, remove and purge in a small Debian of its own, which debootstrap makes
# (root only, and a mirror in reach). No systemd runs in there: what starts and restarts the service is seen by check-systemd.sh.
set -eu

[ $# -eq 1 ] || {
    echo "usage: check-deb.sh FILE.deb" >&2
    exit 64
}
deb=$(realpath "$1")
cd "$(dirname "$0")/.."

if command -v lintian >/dev/null; then
    lintian --fail-on error,warning --suppress-tags-from-file packaging/lintian-suppressed "$deb"
    echo "ok      lintian"
else
    echo "skipped: lintian is not installed"
fi

[ "$(id -u)" = 0 ] || {
    echo "skipped: the life of the package needs root"
    exit 0
}
command -v debootstrap >/dev/null || {
    echo "skipped: debootstrap is not installed"
    exit 0
}
[ "$(dpkg-deb -f "$deb" Architecture)" = "$(dpkg --print-architecture)" ] || {
    echo "skipped: the package is for another machine"
    exit 0
}
root=$(mktemp -d)
# Other users than root live in there too.
chmod 755 "$root"
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase --include=systemd,udev,ca-certificates "${DEB_SUITE:-bookworm}" "$root" ${DEB_MIRROR:+"$DEB_MIRROR"} \
    >"$root.log" 2>&1 || {
    tail -n 5 "$root.log"
    echo "skipped: debootstrap could not make a system"
    exit 0
}
rm -f "$root.log"
cp "$deb" "$root/taffrail.deb"
# The same package with a higher version, and with another program, stands for an upgrade.
dpkg-deb -R "$deb" "$root/next"
sed -i 's/^Version: .*/Version: 99.0-1/' "$root/next/DEBIAN/control"
printf '\n' >>"$root/next/usr/bin/taffrail"
dpkg-deb -b "$root/next" "$root/next.deb" >/dev/null

# A clean environment: the program takes every TAFFRAIL_ variable for a key of its configuration.
in_root() { env -i PATH="$PATH" DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"; }
failed() {
    echo "FAILED  $*" >&2
    exit 1
}
# expect WHAT COMMAND...: the command succeeds in there.
expect() {
    what=$1
    shift
    in_root sh -c "$*" || failed "$what"
    echo "ok      $what"
}

in_root dpkg -i /taffrail.deb >"$root/log" 2>&1 || failed "install: $(cat "$root/log")"
expect "installs, and the program runs" "taffrail --version"
expect "the service is enabled" "test -L /etc/systemd/system/multi-user.target.wants/taffrail.service"
expect "the user is there, with serial ports" "id -nG taffrail | grep -qw dialout"
expect "the configuration is readable by the service alone" \
    "test \"\$(stat -c '%U:%G %a' /etc/taffrail/taffrail.toml)\" = 'root:taffrail 640'"
expect "the unit is what systemd can read" "systemd-analyze verify --man=no taffrail.service"
expect "and its exposure is 2.0 at the most" \
    "systemd-analyze security --offline=true --threshold=20 taffrail.service >/dev/null"
expect "udev can read its rules (where it is new enough to say so)" \
    "! udevadm verify --help >/dev/null 2>&1 || udevadm verify --no-style /usr/lib/udev/rules.d/60-taffrail-serial.rules"
expect "the self-check passes as the service's user" \
    "install -d -o taffrail -g taffrail /var/lib/taffrail && setpriv --reuid=taffrail --regid=taffrail --init-groups \\
    env STATE_DIRECTORY=/var/lib/taffrail taffrail self-check --strict --http 127.0.0.1:0 --tcp off \\
    --config /etc/taffrail/taffrail.toml"

# What a boat has after a season.
in_root sh -c "echo '# ours' >>/etc/taffrail/taffrail.toml; chmod 600 /etc/taffrail/taffrail.toml
    chown taffrail /etc/taffrail/taffrail.toml
    mkdir -p /var/lib/taffrail/history; echo voyage >/var/lib/taffrail/history/history.sqlite"
in_root cp /usr/bin/taffrail /was
in_root dpkg -i --force-confold /next.deb >"$root/log" 2>&1 || failed "upgrade: $(cat "$root/log")"
expect "an upgrade keeps the configuration and its mode" "grep -q '^# ours' /etc/taffrail/taffrail.toml &&
    test \"\$(stat -c '%U %a' /etc/taffrail/taffrail.toml)\" = 'taffrail 600'"
expect "and the history" "grep -q voyage /var/lib/taffrail/history/history.sqlite"
expect "and the previous program, with the new one on trial" \
    "cmp /was /usr/lib/taffrail/previous && ! cmp -s /was /usr/bin/taffrail && test -e /usr/lib/taffrail/trial"
expect "three starts without success go back to it" \
    "for n in 1 2 3 4; do /usr/lib/taffrail/on-trial begin 2>/dev/null; done; cmp /was /usr/bin/taffrail"

in_root dpkg -r taffrail >"$root/log" 2>&1 || failed "remove: $(cat "$root/log")"
expect "removing leaves the configuration and the history" \
    "test -e /etc/taffrail/taffrail.toml && test -e /var/lib/taffrail/history/history.sqlite"
expect "and nothing of the program" "! test -e /usr/bin/taffrail && ! test -e /usr/lib/taffrail"
in_root dpkg -P taffrail >"$root/log" 2>&1 || failed "purge: $(cat "$root/log")"
expect "purging takes the rest" "! test -e /etc/taffrail && ! test -e /var/lib/taffrail &&
    ! test -L /etc/systemd/system/multi-user.target.wants/taffrail.service"
