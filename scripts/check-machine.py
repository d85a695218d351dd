#!/usr/bin/env python3
"""The package aboard a whole machine: `scripts/check-machine.py FILE.deb`. Five minutes, and ten more to make the system.

Boots a Debian with its own kernel under qemu, without hardware help, on 512 MB and one processor; installs the package; plugs USB
serial adapters in and out; lets the unit go beyond its memory; and ends the machine in mid-sentence to see what the history lost.
What a namespace cannot show (check-systemd.sh) is in force here: MemoryMax, DeviceAllow, udev's names, a disk that was not
unmounted.

Root only, with qemu-system, debootstrap, mkfs.ext4 and a mirror in reach; for ARM also qemu-user-static with binfmt_misc. Where
something is missing it skips with a line. DEB_ROOT names a system that was made before, with the packages that machine.py names; a copy is used.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from machine import MACHINES, Failed, Instrument, Machine, Missing, system

COMMIT_INTERVAL = 10.0

CONFIGURATION = """
[[input]]
name = "gps"
type = "serial"
device = "/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_GPS1-if00-port0"
baud = "auto"

[[input]]
name = "wind"
type = "serial"
device = "/dev/marine/ftdi-WIND2"

[[input]]
name = "log"
type = "serial"
device = "%s"
baud = 4800
"""


def passed(what):
    print(f"ok      {what}", flush=True)


def until(what, seconds, holds):
    """Waits for a condition; its last answer is what a failure shows."""
    end, answer = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            answer = holds()
            if answer:
                passed(what)
                return answer
        except OSError as error:
            answer = error
        time.sleep(0.3)
    raise Failed(f"{what}: {answer}")


# What a device tells, and who it is.
SPEED = ("navigation/speedOverGround", "gps.GP")
WIND = ("environment/wind/angleApparent", "wind.WI")
DEPTH = ("environment/depth/belowTransducer", "log.SD")

OVERRIDES = "/run/systemd/system/taffrail.service.d"
TAFFRAIL = "STATE_DIRECTORY=/var/lib/taffrail taffrail"


def utc(form):
    return time.strftime(form, time.gmtime())


class Boat:
    """A machine with three instruments: two on USB adapters, one on the board's own port."""

    def __init__(self, machine):
        self.machine, self.slow, self.seen = machine, machine.patience, {}
        folder = machine.folder
        self.gps = Instrument(folder / "gps.socket", lambda n: (
            f"GPRMC,{utc('%H%M%S')},A,6000.0,N,02500.0,E,{n / 10},84.4,{utc('%d%m%y')},,,A"))
        self.wind = Instrument(folder / "wind.socket", lambda n: f"WIMWV,{n % 360},R,8.0,M,A")
        self.log = Instrument(folder / "log.socket", lambda n: f"SDDPT,{n / 10},0.5")

    def values(self, path):
        """What each source says."""
        found = self.machine.get(f"/signalk/v1/api/vessels/self/{path}")
        return found.get("values", {found["$source"]: found})

    def changed(self, path, source):
        """Whether the value is another one than when it was looked at here before."""
        now = self.values(path).get(source, {}).get("value")
        was, self.seen[path] = self.seen.get(path, now), now
        return now != was

    def until_read(self, what, device, seconds=60):
        until(what, seconds * self.slow, lambda: self.changed(*device))

    def journal(self):
        return self.machine.must("journalctl -u taffrail --no-pager -n 60")

    def override(self, *lines):
        text = "\\n".join(["[Service]", *lines]).replace('"', '\\"')
        self.machine.must(f"mkdir -p {OVERRIDES}; printf \"{text}\\n\" >{OVERRIDES}/check.conf; systemctl daemon-reload")

    def install(self):
        must = self.machine.must
        self.machine.boot()
        passed(must("uname -rm; systemctl --version | head -n 1").replace("\n", ", ") + ": a whole machine is up")
        must("dpkg -i /taffrail.deb", 120)
        configuration = CONFIGURATION % self.machine.board_name
        must(f"cat >/etc/taffrail/taffrail.toml <<'X'{configuration}X\nsystemctl restart taffrail", 90)
        passed("the package is installed, and the server is ready before any of its devices is there")
        limits = {"memory.max": 256 << 20, "memory.high": 192 << 20, "memory.swap.max": 0, "pids.max": 64}
        unit = "/sys/fs/cgroup/system.slice/taffrail.service"
        in_force = {name: int(must(f"cat {unit}/{name}")) for name in limits}
        if in_force != limits:
            raise Failed(f"the kernel's limits are {in_force}")
        passed(f"the kernel holds the limits of the unit: {in_force}")

    def plug_in_what_the_unit_allows(self):
        for instrument in (self.gps, self.wind, self.log):
            instrument.plug()
        for device in (SPEED, WIND, DEPTH):
            self.until_read(f"{device[1]} is read, through a device that the unit allows", device, 30)
        passed("by udev's names: " + self.machine.must("ls -x /dev/serial/by-id /dev/marine").replace("\n", " "))
        self.machine.must("udevadm info /dev/ttyUSB0 | grep -q ID_MM_PORT_IGNORE=1")
        # Everybody may open /dev/fuse; the unit may not.
        self.machine.must("modprobe fuse; su -s /bin/sh taffrail -c ': <>/dev/fuse'")
        self.override('ExecStartPost=-/bin/sh -c ": <>/dev/fuse"')
        self.machine.must("systemctl restart taffrail", 90)
        if "/dev/fuse: Operation not permitted" not in (told := self.journal()):
            raise Failed(f"another device was not refused: {told}")
        passed("another device, which its user may open outside, is refused inside")
        for device in (SPEED, DEPTH):
            self.until_read(f"{device[1]} is read again after the restart", device, 30)

    def pull_out_and_plug_in(self):
        speed = lambda: self.values(SPEED[0])[SPEED[1]]["value"]
        longest = 0.0
        for _ in range(10):
            self.gps.pull()
            time.sleep(1.5)
            before = speed()
            self.gps.plug()
            since = time.monotonic()
            while speed() == before:
                if time.monotonic() - since > 20 * self.slow:
                    raise Failed("an adapter that was plugged in again stayed silent")
                time.sleep(0.05)
            longest = max(longest, time.monotonic() - since)
        passed(f"a USB adapter pulled out in mid-sentence and plugged in again ten times was live after {longest:.1f} s at most")
        self.until_read("the others went on", DEPTH, 10)

    def share_no_port(self):
        """TIOCEXCL, by a program whose name the unit has no right to know."""
        hold = """setsid perl -e 'open(my $port, "+<", $ARGV[0]) or die; ioctl($port, 0x540c, 0); sleep 600'"""
        self.machine.must(f"systemctl stop taffrail; ({hold} {self.machine.board_name} >/dev/null 2>&1 & echo $! >/run/holder); "
                          "systemctl start taffrail", 90)
        until("a port that another program has is told", 10 * self.slow, lambda: (
            "in use by a program of another user" in self.journal()))
        named = self.machine.must(f"{TAFFRAIL} ports", 90)
        if "in use by perl (process" not in named:
            raise Failed(f"and root is not told its name: {named}")
        passed("and root is told its name")
        self.machine.must("kill $(cat /run/holder)")
        self.until_read("freed, it is read", DEPTH)

    def take_too_much_memory(self):
        """300 MB, once, by something in the unit; what is above the first mark would only be slow."""
        self.override("MemoryHigh=infinity", 'ExecStartPost=-/bin/sh -c "[ -e /var/lib/taffrail/eaten ] || '
                      '{ touch /var/lib/taffrail/eaten; head -c 300M /dev/zero | tail >/dev/null; }"')
        self.machine.run("systemctl restart taffrail", 120)
        until("what takes more than MemoryMax in the unit is ended by the kernel", 60 * self.slow, lambda: (
            "oom-kill" in self.journal()))
        self.machine.must(f"rm -r {OVERRIDES} /var/lib/taffrail/eaten; systemctl daemon-reload")
        self.until_read("and the service is there again", DEPTH)

    def lose_power(self):
        """The next start is that of a board without a clock, in a harbour whose network comes later."""
        time.sleep(3 * COMMIT_INTERVAL)
        self.machine.power_cut()
        cut, self.cut_at = time.monotonic(), utc("%Y-%m-%dT%H:%M:%S")
        for instrument in (self.gps, self.wind, self.log):
            instrument.pull()
        threading.Timer(1.0, self.machine.monitor, [("set_link", {"name": "nic", "up": False})]).start()
        self.machine.boot("-rtc", "base=2024-01-01T00:00:00")
        until("after the power was cut it is up again by itself, without network and time", 60 * self.slow, lambda: (
            self.machine.run("systemctl is-active taffrail")[0] == 0))
        passed("by its clock it is " + self.machine.must("date"))
        history = self.machine.must(f"{TAFFRAIL} history check", 120)
        passed(f"the history is whole: {history.splitlines()[-1]}")
        knots = float(self.last_recorded().split(",")[-1]) / (1852 / 3600)
        kept = next(at for number, at in reversed(self.gps.sent) if number <= round(knots * 10))
        if cut - kept > COMMIT_INTERVAL + 1:
            raise Failed(f"the last {cut - kept:.1f} s before the cut are missing; the last kept is {self.last_recorded()}")
        passed(f"and lacks the last {cut - kept:.1f} s before the cut, of {COMMIT_INTERVAL:.0f} s that it may")

    def last_recorded(self):
        return self.machine.must(f"{TAFFRAIL} export --format csv --paths navigation.speedOverGround | tail -n 1", 120)

    def find_network_and_time(self):
        packets = self.machine.folder / "packets"
        if b"_signalk-ws" in packets.read_bytes():
            raise Failed("there is no network, and it announces itself")
        self.machine.monitor(("set_link", {"name": "nic", "up": True}))
        until("the network comes, and it answers there", 60 * self.slow, lambda: self.machine.get("/signalk"))
        until("and announces itself", 60 * self.slow, lambda: b"_signalk-ws" in packets.read_bytes())
        clock = lambda: self.machine.get("/healthz")["clock"]
        if clock()["trusted"]:
            raise Failed(f"nobody has told the time, and it is trusted: {clock()}")
        self.gps.plug()
        self.until_read("it reads on", SPEED)
        until("and trusts the time of the satellites", 60 * self.slow, lambda: clock()["trusted"])
        time.sleep(2 * COMMIT_INTERVAL)
        last = self.last_recorded()
        if last < self.cut_at:
            status = self.machine.must(f"date; {TAFFRAIL} history status")
            raise Failed(f"the history does not go on with that time, after {self.cut_at}: {last}\n{status}")
        passed(f"and records by it: {last}")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: check-machine.py FILE.deb")
    deb = pathlib.Path(sys.argv[1]).resolve()
    work, machine = pathlib.Path(tempfile.mkdtemp()), None
    try:
        if os.geteuid() != 0:
            raise Missing("making a system needs root")
        architecture = subprocess.check_output(["dpkg-deb", "-f", deb, "Architecture"], text=True).strip()
        if architecture not in MACHINES:
            raise Missing(f"there is no such machine for {architecture}")
        for tool in [MACHINES[architecture][0][0], "mkfs.ext4", *([] if "DEB_ROOT" in os.environ else ["debootstrap"])]:
            if shutil.which(tool) is None:
                raise Missing(f"{tool} is not installed")
        machine = Machine(architecture, work, *system(deb, architecture, work))
        boat = Boat(machine)
        boat.install()
        boat.plug_in_what_the_unit_allows()
        boat.pull_out_and_plug_in()
        boat.share_no_port()
        boat.take_too_much_memory()
        boat.lose_power()
        boat.find_network_and_time()
    except Missing as reason:
        print(f"skipped: {reason}")
    except Failed as reason:
        print(f"FAILED  {reason}", file=sys.stderr)
        if machine is not None and machine.process is not None and machine.process.poll() is None:
            print(machine.run("journalctl -u taffrail --no-pager -n 40")[1], file=sys.stderr)
        sys.exit(1)
    finally:
        if machine is not None and machine.process is not None and machine.process.poll() is None:
            machine.process.kill()
            machine.process.wait()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
