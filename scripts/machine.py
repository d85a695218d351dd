"""A whole machine under qemu, with a Debian on its disk, and instruments on cables that can be pulled out."""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
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
    "armhf": (
        ["qemu-system-arm", "-M", "virt", "-cpu", "cortex-a15"], "ttyAMA0",
        ["-device", "pci-serial,chardev=log"], "/dev/ttyS0",
    ),
}
KERNELS = {"amd64": "amd64", "arm64": "arm64", "armhf": "armmp-lpae"}
# How many times as long as on amd64 things may take.
PATIENCE = {"amd64": 1, "arm64": 2, "armhf": 3}


class Missing(Exception):
    """Something that this check needs and this machine has not."""


class Failed(Exception):
    """The service did not do what it should."""


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
            "-drive", f"file={disk},format=raw,if=virtio", "-qmp", f"unix:{folder / 'monitor'}.socket,server=on,wait=off",
            "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{self.http}-:3000", "-device", "virtio-net-pci,netdev=net,id=nic",
            "-object", f"filter-dump,id=dump,netdev=net,file={folder / 'packets'}",
            *chardev("log", folder), *board_port, "-device", "qemu-xhci",
            *chardev("gps", folder), "-device", "usb-serial,chardev=gps,serial=GPS1",
            *chardev("wind", folder), "-device", "usb-serial,chardev=wind,serial=WIND2",
            *chardev("agent", folder), "-device", "virtio-serial", "-device",
            "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
        ]
        self.process = self.agent = None

    def boot(self, *options):
        for left in self.folder.glob("*.socket"):
            left.unlink()
        self.process = subprocess.Popen(
            [*self.command, *options], stdout=subprocess.DEVNULL, stderr=open(self.folder / "qemu", "w"))
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

    def monitor(self, *commands):
        """Tells qemu itself."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(10)
            line.connect(str(self.folder / "monitor.socket"))
            answers = line.makefile("r")
            answers.readline()
            for command, arguments in [("qmp_capabilities", {}), *commands]:
                line.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
                while "return" not in (answer := json.loads(answers.readline())):
                    if "error" in answer:
                        raise Failed(f"{command}: {answer}")

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
            ["debootstrap", f"--arch={architecture}", "--variant=minbase", f"--include={PACKAGES}{KERNELS[architecture]}",
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
