#!/usr/bin/env python3
"""The package aboard a whole machine: `scripts/check-machine.py FILE.deb`. Five minutes, and ten more to make the system.

Boots a Debian with its own kernel under qemu, without hardware help, on 512 MB and one processor; installs the package; plugs USB
serial adapters in and out; lets the unit go beyond its memory; and ends the machine in mid-sentence to see what the history lost.
What a namespace cannot show (check-systemd.sh) is in force here: MemoryMax, DeviceAllow, udev's names, a disk that was not
unmounted.

Root only, with qemu-system, debootstrap, mkfs.ext4 and a mirror in reach; for arm64 also qemu-user-static with binfmt_misc. Where
something is missing it skips with a line. DEB_ROOT names a system that was made before with the packages below; a copy is used.
"""

import base64
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

PACKAGES = "systemd,systemd-sysv,udev,dbus,ca-certificates,iproute2,qemu-guest-agent,linux-image-"
MACHINES = {
    # The program, its arguments, the console, and the board's own serial port: what qemu calls it and what Linux does.
    "amd64": (["qemu-system-x86_64", "-cpu", "max"], "ttyS0", ["-serial", "chardev:log"], "/dev/ttyS1"),
    "arm64": (
        ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a53"], "ttyAMA0",
        ["-device", "pci-serial,chardev=log"], "/dev/ttyS0",
    ),
}
# A machine that is emulated is some twenty times slower than a board.
PATIENCE = {"amd64": 1, "arm64": 2}
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


class Missing(Exception):
    """Something that this check needs and this machine has not."""


class Failed(Exception):
    """The service did not do what it should."""


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


def sentence(body):
    total = 0
    for byte in body.encode():
        total ^= byte
    return f"${body}*{total:02X}\r\n".encode()


class Instrument:
    """A cable with something on it that sends five sentences a second, numbered, until it is pulled out."""

    def __init__(self, path, body):
        self.path, self.body, self.sent = path, body, []
        self.number, self.plug_in_hand = 0, None
        self.line = socket.socket(socket.AF_UNIX)

    def plug(self):
        self.line = socket.socket(socket.AF_UNIX)
        self.line.connect(str(self.path))
        self.plug_in_hand = threading.Event()
        threading.Thread(target=self.talk, args=(self.line, self.plug_in_hand), daemon=True).start()
        threading.Thread(target=self.hear, args=(self.line,), daemon=True).start()

    def talk(self, line, pulled):
        try:
            while not pulled.wait(0.2):
                self.number += 1
                line.sendall(sentence(self.body(self.number)))
                self.sent.append((self.number, time.monotonic()))
        except OSError:
            pass

    def hear(self, line):
        """What a port echoes before it is set up; qemu stands still when nobody takes it."""
        try:
            while line.recv(65536):
                pass
        except OSError:
            pass

    def pull(self):
        """In the middle of a sentence."""
        self.plug_in_hand.set()
        try:
            self.line.sendall(b"$GPRMC,1234")
            self.line.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.line.close()


class Machine:
    def __init__(self, architecture, folder, root, disk):
        command, console, board_port, self.board_name = MACHINES[architecture]
        self.folder, self.patience = folder, PATIENCE[architecture]
        self.http = free_port()
        kernel = max((root / "boot").glob("vmlinuz-*"))
        self.command = [
            *command, "-accel", "tcg", "-smp", "1", "-m", "512", "-display", "none", "-no-reboot",
            "-kernel", kernel, "-initrd", str(kernel).replace("vmlinuz", "initrd.img"),
            "-append", f"root=/dev/vda rw console={console}", "-serial", f"file:{folder / 'console'}",
            "-drive", f"file={disk},format=raw,if=virtio", "-nic", f"user,hostfwd=tcp:127.0.0.1:{self.http}-:3000",
            *chardev("log", folder), *board_port, "-device", "qemu-xhci",
            *chardev("gps", folder), "-device", "usb-serial,chardev=gps,serial=GPS1",
            *chardev("wind", folder), "-device", "usb-serial,chardev=wind,serial=WIND2",
            *chardev("agent", folder), "-device", "virtio-serial", "-device",
            "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
        ]
        self.process = self.agent = None

    def boot(self):
        for left in self.folder.glob("*.socket"):
            left.unlink()
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=open(self.folder / "qemu", "w"))
        end = time.monotonic() + 180 * self.patience
        while True:
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failed(f"the machine did not come up: {self.last_words()}")
            try:
                self.agent = socket.socket(socket.AF_UNIX)
                self.agent.settimeout(5)
                self.agent.connect(str(self.folder / "agent.socket"))
                self.ask("guest-ping")
                return
            except OSError:
                self.agent.close()
                time.sleep(2)

    def last_words(self):
        console = self.folder / "console"
        return (console.read_text(errors="replace")[-1500:] if console.exists() else "") + (self.folder / "qemu").read_text()

    def ask(self, command, **arguments):
        self.agent.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            part = self.agent.recv(65536)
            if not part:
                raise OSError("the machine's agent is gone")
            answer += part
        answer = json.loads(answer)
        if "return" not in answer:
            raise Failed(f"{command}: {answer}")
        return answer["return"]

    def run(self, script, seconds=60):
        """The exit status and the output of a shell script in there."""
        self.agent.settimeout(20 * self.patience)
        pid = self.ask("guest-exec", path="/bin/sh", arg=["-c", f"({script}) 2>&1"], **{"capture-output": True})["pid"]
        end = time.monotonic() + seconds * self.patience
        while time.monotonic() < end:
            state = self.ask("guest-exec-status", pid=pid)
            if state["exited"]:
                return state.get("exitcode", -1), base64.b64decode(state.get("out-data", "")).decode(errors="replace").strip()
            time.sleep(0.2)
        raise Failed(f"it took longer than {seconds} s: {script}")

    def must(self, script, seconds=60):
        status, output = self.run(script, seconds)
        if status != 0:
            raise Failed(f"{script}: exit status {status}\n{output}")
        return output

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=5) as answer:
            return json.load(answer)

    def power_cut(self):
        """What the kernel in there had not handed to its disk is gone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def chardev(name, folder):
    return ["-chardev", f"socket,id={name},path={folder / name}.socket,server=on,wait=off"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def system(deb, architecture, work):
    """A folder with a Debian that takes its address from qemu and mounts its disk, and the disk made of it."""
    root, disk = work / "root", work / "disk"
    if made := os.environ.get("DEB_ROOT"):
        subprocess.run(["cp", "-a", made, root], check=True)
    else:
        made = subprocess.run(
            ["debootstrap", f"--arch={architecture}", "--variant=minbase", f"--include={PACKAGES}{architecture}",
             os.environ.get("DEB_SUITE", "bookworm"), root, *filter(None, [os.environ.get("DEB_MIRROR")])],
            capture_output=True, text=True, check=False,
        )
        if made.returncode != 0:
            raise Missing(f"debootstrap could not make a system: {made.stdout.splitlines()[-1:]}")
    (root / "etc/systemd/network").mkdir(parents=True, exist_ok=True)
    (root / "etc/systemd/network/wired.network").write_text("[Match]\nName=en*\n[Network]\nDHCP=yes\n")
    wants = root / "etc/systemd/system/multi-user.target.wants/systemd-networkd.service"
    wants.unlink(missing_ok=True)
    wants.symlink_to("/lib/systemd/system/systemd-networkd.service")
    (root / "etc/fstab").write_text("/dev/vda / ext4 errors=remount-ro 0 1\n")
    shutil.copy(deb, root / "taffrail.deb")
    with open(disk, "wb") as image:
        image.truncate(3 << 30)
    subprocess.run(["mkfs.ext4", "-q", "-d", root, disk], check=True)
    return root, disk


def check(machine):
    gps = Instrument(machine.folder / "gps.socket", lambda n: f"GPRMC,{time.strftime('%H%M%S', time.gmtime())},A,"
                     f"6000.0,N,02500.0,E,{n / 10},84.4,{time.strftime('%d%m%y', time.gmtime())},,,A")
    wind = Instrument(machine.folder / "wind.socket", lambda n: f"WIMWV,{n % 360},R,8.0,M,A")
    log = Instrument(machine.folder / "log.socket", lambda n: f"SDDPT,{n / 10},0.5")
    slow = machine.patience

    def values(path):
        found = machine.get(f"/signalk/v1/api/vessels/self/{path}")
        return found.get("values", {found["$source"]: found})

    def fresh(path, source):
        """The value has changed since it was last looked at here."""
        now = values(path).get(source, {}).get("value")
        was, seen[path] = seen.get(path, now), now
        return now != was

    seen = {}
    unit = "/sys/fs/cgroup/system.slice/taffrail.service"
    machine.boot()
    passed(machine.must("uname -rm; systemctl --version | head -n 1").replace("\n", ", ") + ": a whole machine is up")
    machine.must("dpkg -i /taffrail.deb", 120)
    machine.must(f"cat >/etc/taffrail/taffrail.toml <<'X'{CONFIGURATION % machine.board_name}X\nsystemctl restart taffrail", 90)
    passed("the package is installed, and the server is ready before any of its devices is there")

    limits = {"memory.max": 256 << 20, "memory.high": 192 << 20, "memory.swap.max": 0, "pids.max": 64}
    in_force = {name: int(machine.must(f"cat {unit}/{name}")) for name in limits}
    if in_force != limits:
        raise Failed(f"the kernel's limits are {in_force}")
    passed(f"the kernel holds the limits of the unit: {in_force}")

    for instrument in (gps, wind, log):
        instrument.plug()
    for path, source in [("navigation/speedOverGround", "gps.GP"), ("environment/wind/angleApparent", "wind.WI"),
                         ("environment/depth/belowTransducer", "log.SD")]:
        until(f"{source} is read, through a device that the unit allows", 30 * slow, lambda: fresh(path, source))
    passed("by udev's names: " + machine.must("ls -x /dev/serial/by-id /dev/marine").replace("\n", " "))

    # Everybody may open /dev/fuse; the unit may not.
    machine.must("mkdir -p /run/systemd/system/taffrail.service.d; printf '[Service]\\nExecStartPost=-/bin/sh -c \": <>/dev/fuse; "
                 "echo opened=$?\"\\n' >/run/systemd/system/taffrail.service.d/probe.conf; systemctl daemon-reload")
    machine.must("modprobe fuse; su -s /bin/sh taffrail -c ': <>/dev/fuse'")
    machine.must("systemctl restart taffrail", 90)
    told = machine.must("journalctl -u taffrail --no-pager -n 60")
    if "/dev/fuse: Operation not permitted" not in told:
        raise Failed(f"another device was not refused: {told}")
    passed("another device, which its user may open outside, is refused inside")

    for path, source in [("navigation/speedOverGround", "gps.GP"), ("environment/depth/belowTransducer", "log.SD")]:
        until(f"{source} is read again after the restart", 30 * slow, lambda: fresh(path, source))
    longest = 0.0
    for _ in range(10):
        gps.pull()
        time.sleep(1.5)
        before = values("navigation/speedOverGround")["gps.GP"]["value"]
        gps.plug()
        since = time.monotonic()
        while values("navigation/speedOverGround")["gps.GP"]["value"] == before:
            if time.monotonic() - since > 20 * slow:
                raise Failed("an adapter that was plugged in again stayed silent")
            time.sleep(0.05)
        longest = max(longest, time.monotonic() - since)
    passed(f"a USB adapter pulled out in mid-sentence and plugged in again ten times was live after {longest:.1f} s at most")
    until("the others went on", 10 * slow, lambda: fresh("environment/depth/belowTransducer", "log.SD"))

    # TIOCEXCL, by a program whose name the unit has no right to know.
    machine.must("systemctl stop taffrail; (setsid perl -e 'open(my $port, \"+<\", $ARGV[0]) or die; ioctl($port, 0x540c, 0); sleep 600' "
                 f"{machine.board_name} >/dev/null 2>&1 & echo $! >/run/holder); systemctl start taffrail", 90)
    until("a port that another program has is told", 10 * slow, lambda: "in use by a program of another user" in machine.must(
        "journalctl -u taffrail --no-pager -n 30"))
    named = machine.must("STATE_DIRECTORY=/var/lib/taffrail taffrail ports", 90)
    if "in use by perl (process" not in named:
        raise Failed(f"and root is not told its name: {named}")
    passed("and root is told its name")
    machine.must("kill $(cat /run/holder)")
    until("freed, it is read", 60 * slow, lambda: fresh("environment/depth/belowTransducer", "log.SD"))

    # Something in the unit that takes 300 MB: the kernel ends it, the unit is started anew.
    machine.must("printf '[Service]\\nExecStartPost=-/bin/sh -c \"[ -e /var/lib/taffrail/eaten ] || { touch /var/lib/taffrail/eaten; "
                 "head -c 300M /dev/zero | tail >/dev/null; }\"\\nMemoryHigh=infinity\\n' >/run/systemd/system/taffrail.service.d/probe.conf; "
                 "systemctl daemon-reload")
    machine.run("systemctl restart taffrail", 120)
    until("what takes more than MemoryMax in the unit is ended by the kernel", 60 * slow, lambda: "oom-kill" in machine.must(
        "journalctl -u taffrail --no-pager -n 60"))
    machine.must("rm -r /run/systemd/system/taffrail.service.d /var/lib/taffrail/eaten; systemctl daemon-reload")
    until("and the service is there again", 60 * slow, lambda: fresh("environment/depth/belowTransducer", "log.SD"))

    time.sleep(3 * COMMIT_INTERVAL)
    machine.power_cut()
    cut = time.monotonic()
    for instrument in (gps, wind, log):
        instrument.pull()
    machine.boot()
    until("after the power was cut it is up again by itself", 60 * slow, lambda: machine.get("/signalk"))
    history = machine.must("STATE_DIRECTORY=/var/lib/taffrail taffrail history check", 120)
    passed(f"the history is whole: {history.splitlines()[-1]}")
    last = machine.must("STATE_DIRECTORY=/var/lib/taffrail taffrail export --format csv --paths navigation.speedOverGround "
                        "| tail -n 1", 120)
    knots = float(last.split(",")[-1]) / (1852 / 3600)
    kept = next(at for number, at in reversed(gps.sent) if number <= round(knots * 10))
    if cut - kept > COMMIT_INTERVAL + 1:
        raise Failed(f"the last {cut - kept:.1f} s before the cut are missing; the last kept is {last}")
    passed(f"and lacks the last {cut - kept:.1f} s before the cut, of {COMMIT_INTERVAL:.0f} s that it may")
    gps.plug()
    until("it reads and records on", 60 * slow, lambda: fresh("navigation/speedOverGround", "gps.GP"))


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
        check(machine)
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
