"""Hosts on one switch, each a network namespace with a disk of its own in memory; links can be cut and made slow.

All of it lies in namespaces of the process that calls ``enter``, so that nothing is left of it when that process ends,
however it ends. Delay and loss are not simulated: that takes ``netem``, which many kernels lack.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

INSIDE = "ECHOIC_BENCH_INSIDE"
"""The variable that says that the process is in namespaces of its own."""
UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private")
PROGRAMS = ("unshare", "nsenter", "ip", "tc", "mount")
NETWORK = "10.77.0"
OWN_ADDRESS = f"{NETWORK}.1"
SWITCH = "switch"
NAMES = Path("/run/netns")
SLOW_KBIT = 400
"""A slow link carries so many thousand bits a second each way."""
FILLER = "filler"


def enter() -> Path:
    """Run this program again in namespaces of its own, and end with it; where it is there already, return its folder.

    Ends the program with one line where namespaces cannot be made.
    """
    if inside := os.environ.get(INSIDE):
        return Path(inside)
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        raise SystemExit(f"The cluster needs the programs {', '.join(missing)}, which are not installed.")
    tried = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise SystemExit(f"The cluster needs namespaces, which only root may make: {tried.stderr.strip()}")
    # The shell is the first process there: it takes care of processes whose parents were killed.
    command = [*UNSHARE, "sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-u", *_own_command()]
    with tempfile.TemporaryDirectory(prefix="echoic-cluster-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        done = subprocess.run(command, env={**os.environ, INSIDE: folder}, check=False)
    raise SystemExit(done.returncode)


def _own_command() -> list[str]:
    spec = sys.modules["__main__"].__spec__
    assert spec is not None, "run with python -m"
    return ["-m", spec.name, *sys.argv[1:]]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


class Network:
    """The switch that all hosts hang on; this process is on it at OWN_ADDRESS."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next = 11
        NAMES.mkdir(exist_ok=True)
        _run("mount", "-t", "tmpfs", "names", str(NAMES))
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "link", "add", SWITCH, "type", "bridge")
        _run("ip", "address", "add", f"{OWN_ADDRESS}/24", "dev", SWITCH)
        _run("ip", "link", "set", SWITCH, "up")

    def add(self, name: str, *, disk_mb: int) -> "Host":
        """Add a host with an empty disk of that size."""
        address = f"{NETWORK}.{self._next}"
        self._next += 1
        disk = self._folder / name
        disk.mkdir()
        _run("mount", "-t", "tmpfs", "-o", f"size={disk_mb}m,mode=755", name, str(disk))
        _run("ip", "netns", "add", name)
        _run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        _run("ip", "link", "set", name, "master", SWITCH, "up")
        _run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _run("ip", "-n", name, "link", "set", device, "up")
        return Host(name, address, disk)


class Host:
    """One host: its name, its address, its disk, and the link between it and the switch."""

    def __init__(self, name: str, address: str, disk: Path) -> None:
        self.name = name
        self.address = address
        self.disk = disk
        self.prefix = (
            *("nice", "-n", "5", "nsenter", f"--net={NAMES / name}", "unshare", "--uts"),
            *("sh", "-c", 'hostname "$0" && exec "$@"', name),
        )
        """The beginning of each command that runs there."""

    def cut(self) -> None:
        """Pull the cable."""
        _run("ip", "link", "set", self.name, "down")

    def mend(self) -> None:
        """Put the cable in again."""
        _run("ip", "link", "set", self.name, "up")

    def slow_down(self) -> None:
        """Let little through, each way."""
        limit = ("root", "tbf", "rate", f"{SLOW_KBIT}kbit", "burst", "16kb", "latency", "400ms")
        _run("tc", "qdisc", "add", "dev", self.name, *limit)
        _run("tc", "-n", self.name, "qdisc", "add", "dev", "eth0", *limit)

    def speed_up(self) -> None:
        """Let everything through again."""
        _run("tc", "qdisc", "del", "dev", self.name, "root")
        _run("tc", "-n", self.name, "qdisc", "del", "dev", "eth0", "root")

    def fill(self) -> None:
        """Fill the disk to the last byte."""
        with (self.disk / FILLER).open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(65536))
            except OSError:
                return

    def empty(self) -> None:
        """Make room on the disk again."""
        (self.disk / FILLER).unlink(missing_ok=True)
