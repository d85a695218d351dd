#!/bin/sh
# The service under a real systemd: `scripts/check-systemd.sh FILE.deb`. Boots a small Debian in namespaces of its own, with
# systemd as its first process, installs the package in there, and watches it live: ready, heartbeat, killed, hung, upgraded,
# rolled back, stopped. About two minutes.
#
# Root only, with debootstrap and a mirror in reach, curl, and a kernel that lets a namespace mount control groups; where
# something is missing it skips with a line. DEB_ROOT names a system that debootstrap made before (with systemd-sysv, udev
# and dbus); a copy of it is used. Where the kernel hands no memory and device controllers to the namespace, the limits that
# need them (MemoryMax, DeviceAllow) are not enforced in there; everything else of the unit is. check-machine.py has those.
set -eu

[ $# -eq 1 ] || {
    echo "usage: check-systemd.sh FILE.deb" >&2
    exit 64
}
deb=$(realpath "$1")
skip() {
    echo "skipped: $*"
    exit 0
}
[ "$(id -u)" = 0 ] || skip "booting a system needs root"
for tool in unshare nsenter curl; do
    command -v $tool >/dev/null || skip "$tool is not installed"
done
[ "$(dpkg-deb -f "$deb" Architecture)" = "$(dpkg --print-architecture)" ] || skip "the package is for another machine"

work=$(mktemp -d)
chmod 755 "$work"
root=$work/root
booted=
trap '[ -z "$booted" ] || kill -9 "$booted" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
if [ -n "${DEB_ROOT-}" ]; then
    cp -a "$DEB_ROOT" "$root"
else
    command -v debootstrap >/dev/null || skip "debootstrap is not installed"
    debootstrap --variant=minbase --include=systemd,systemd-sysv,udev,dbus,ca-certificates "${DEB_SUITE:-bookworm}" "$root" \
        ${DEB_MIRROR:+"$DEB_MIRROR"} >"$work/log" 2>&1 || skip "debootstrap could not make a system: $(tail -n 1 "$work/log")"
fi
cp "$deb" "$root/taffrail.deb"
# A later version whose program does not start, and one that is as good as this one.
for next in bad good; do
    dpkg-deb -R "$deb" "$work/$next"
    [ $next = bad ] && version=98.0-1 || version=99.0-1
    sed -i "s/^Version: .*/Version: $version/" "$work/$next/DEBIAN/control"
    [ $next = good ] || printf '#!/bin/sh\nexit 1\n' >"$work/$next/usr/bin/taffrail"
    [ $next = bad ] || printf '\n' >>"$work/$next/usr/bin/taffrail"
    dpkg-deb -b "$work/$next" "$root/$next.deb" >/dev/null
done

cat >"$work/boot" <<'X'
set -e
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
for name in null zero full random urandom tty; do
    mknod -m 666 "$root/dev/$name" c $(stat -c '0x%t 0x%T' "/dev/$name")
done
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
# The one hierarchy of today, where the host has left it the controllers; else systemd's own beside it, as before.
if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
    mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
    mkdir "$root/sys/fs/cgroup/unified" "$root/sys/fs/cgroup/systemd"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified"
    mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
fi
ip link set lo up 2>/dev/null || true
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=other chroot "$root" /lib/systemd/systemd
X
unshare --pid --fork --mount --cgroup --uts --ipc --net --kill-child sh "$work/boot" "$root" >"$work/console" 2>&1 &
booted=$!

# until WHAT SECONDS COMMAND...: the command succeeds within that time.
until_so() {
    what=$1 left=$(($2 * 5))
    shift 2
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || failed "$what"
        sleep 0.2
    done
    echo "ok      $what"
}
failed() {
    echo "FAILED  $*" >&2
    if [ -n "${systemd-}" ]; then
        inside systemctl --no-pager --full status taffrail >&2 || true
        inside journalctl --no-pager -n 60 -u taffrail >&2 || true
    fi
    tail -n 20 "$work/console" >&2
    exit 1
}
inside() { nsenter -t "$systemd" -p -m -C -n -u -i -r -w env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
show() { inside systemctl show taffrail -P "$1"; }
answers() { nsenter -t "$systemd" -n curl -fsS --max-time 2 http://127.0.0.1:3000/signalk; }
is() { [ "$(show "$1")" = "$2" ]; }
is_not() { [ "$(show "$1")" != "$2" ]; }

systemd=
tries=100
until systemd=$(cat "/proc/$booted/task/$booted/children" 2>/dev/null) && systemd=${systemd%% *} && [ -n "$systemd" ] &&
    case $(inside systemctl is-system-running 2>/dev/null) in running | degraded) true ;; *) false ;; esac; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ] || ! kill -0 "$booted" 2>/dev/null; then
        systemd=
        skip "no systemd came up in here: $(tail -n 1 "$work/console")"
    fi
    sleep 0.2
done
echo "ok      $(inside systemctl --version | head -n 1) runs as the first process"

# install FILE: what dpkg says is shown when it fails.
install() { inside dpkg -i --force-confold "$1" >"$work/log" 2>&1 || failed "install $1: $(cat "$work/log")"; }

install /taffrail.deb
until_so "the package starts it, and READY=1 is heard" 30 is ActiveState active
until_so "with its status: $(show StatusText)" 5 is_not StatusText ""
until_so "it answers" 10 answers
beat=$(show WatchdogTimestampMonotonic)
until_so "the heartbeat is heard" 40 is_not WatchdogTimestampMonotonic "$beat"

pid=$(show MainPID)
has() { inside grep -qE "$1" "/proc/$pid/status"; }
for mark in 'NoNewPrivs:.1' 'Seccomp:.2' 'CapEff:.0000000000000000' 'CapBnd:.0000000000000000'; do
    has "$mark" || failed "$mark: $(inside cat "/proc/$pid/status")"
done
[ "$(inside stat -c %U "/proc/$pid")" = taffrail ] || failed "the user is $(inside stat -c %U "/proc/$pid")"
echo "ok      it runs as taffrail, without capabilities, new privileges and most system calls"
inside journalctl -u taffrail --no-pager >"$work/journal"
grep -q "ok  *configuration" "$work/journal" || failed "the journal has not even the self-check"
! grep -iE "permission denied|operation not permitted|read-only file system" "$work/journal" || failed "something was forbidden"
echo "ok      nothing that it wanted was forbidden"
until_so "the history is on the disk" 30 inside test -s /var/lib/taffrail/history/history.sqlite

inside sh -c "kill -9 $pid"
until_so "killed, it is there again" 20 is_not MainPID "$pid"
until_so "and ready" 20 is ActiveState active
until_so "and answers" 10 answers

# What the server asks about the kernel's clock on a board without one of its own (docs/clock.md), from where it asks it.
inside sh -c 'mkdir -p /run/systemd/system/taffrail.service.d &&
    printf "[Service]\nExecStartPost=-/bin/sh -c \"timedatectl show --property=NTPSynchronized --value >/var/lib/taffrail/asked\"\n" \
        >/run/systemd/system/taffrail.service.d/asked.conf'
inside systemctl daemon-reload
inside systemctl restart taffrail
until_so "out of its sandbox the service is told whether the kernel's clock is synchronised" 20 \
    inside grep -qxE "yes|no" /var/lib/taffrail/asked
inside rm /run/systemd/system/taffrail.service.d/asked.conf /var/lib/taffrail/asked
inside systemctl daemon-reload

# A heartbeat every 30 seconds is too slow to wait for here.
inside sh -c 'mkdir -p /run/systemd/system/taffrail.service.d &&
    printf "[Service]\nWatchdogSec=4\nTimeoutAbortSec=2\n" >/run/systemd/system/taffrail.service.d/watchdog.conf'
inside systemctl daemon-reload
inside systemctl restart taffrail
pid=$(show MainPID)
inside sh -c "kill -STOP $pid"
until_so "hung, it is missed and started anew" 40 is_not MainPID "$pid"
until_so "and answers" 20 answers
inside journalctl -u taffrail --no-pager | grep -q "Watchdog timeout" || failed "that was not the watchdog"
inside rm /run/systemd/system/taffrail.service.d/watchdog.conf
inside systemctl daemon-reload

inside cp /usr/bin/taffrail /was
install /bad.deb
until_so "an update that does not start goes back by itself" 60 inside cmp /was /usr/bin/taffrail
until_so "and the server is there again" 30 answers
until_so "the date of that is kept" 5 inside test -s /usr/lib/taffrail/went-back
install /good.deb
until_so "an update that starts stays" 30 inside test ! -e /usr/lib/taffrail/trial
inside cmp -s /was /usr/bin/taffrail && failed "it went back"
until_so "and answers" 10 answers

inside systemctl stop taffrail
is Result success || failed "it was stopped with $(show Result)"
echo "ok      it stops in order"
