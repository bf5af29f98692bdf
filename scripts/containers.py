"""Containers of an image of buildah, run by runc without a container engine, as locked down as an engine can have them.

Each has a read-only root, no capability, no way to new privileges, the filter of system calls that engines apply by default,
and its own processes, mounts and semaphores. The network is the machine's: what listens there is asked at 127.0.0.1.
"""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[1]
STORE = Path("/var/cache/echoic-images")
"""Where buildah keeps what is made here, apart from the images of the machine's own."""
BUILDAH = ("buildah", "--root", f"{STORE}/store", "--runroot", "/run/echoic-images")
RUNC = ("runc",)
SYSTEM_CALLS = Path("/usr/share/containers/seccomp.json")
"""The filter that engines apply by default; it comes with buildah."""
ARCHITECTURES = {"x86_64": ("amd64", "SCMP_ARCH_X86_64"), "aarch64": ("arm64", "SCMP_ARCH_AARCH64")}
"""By the kernel's name of a machine: the names that the filter has for it."""
SHARED_MEMORY_BYTES = 64 * 1024**2
"""What engines give a container by default."""
TEMPORARY_BYTES = 256 * 1024**2
LOOK_AGAIN_SECONDS = 0.2
MASKED = ("/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/sched_debug", "/proc/timer_list")
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


class Failed(Exception):
    """Something is not as it should be: a sentence for the person."""


def said(*command: str) -> str:
    """Return what a command printed. Raises Failed with its errors where it failed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise Failed(f"{' '.join(command[:3])} … failed with {done.returncode}: {(done.stderr or done.stdout)[-3000:]}")
    return done.stdout.strip()


def until(holds: Callable[[], bool], what: str, *, seconds: float) -> None:
    """Wait for a condition. Raises Failed where it does not come in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds:g} s")
        time.sleep(LOOK_AGAIN_SECONDS)


class Image:
    """An image, its files mounted for reading for as long as the block lasts."""

    def __init__(self, name: str) -> None:
        self.name = name
        told = json.loads(said(*BUILDAH, "inspect", "--type", "image", name))
        self.config: dict[str, Any] = told["Docker"]["config"]
        self.labels: dict[str, str] = self.config["Labels"]
        self._container = said(*BUILDAH, "from", "--pull-never", name)
        self.files = Path(said(*BUILDAH, "mount", self._container))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        said(*BUILDAH, "rm", self._container)

    def size_bytes(self) -> int:
        """Return the bytes of its files, without those of the mounts."""
        return int(said("du", "--summarize", "--bytes", "--one-file-system", str(self.files)).split()[0])


class Container:
    """A container of an image with a data folder at ``/data``; it runs as the image says, with these arguments."""

    def __init__(
        self, image: Image, name: str, data: Path, *arguments: str, entrypoint: Sequence[str] = (), **environment: str
    ) -> None:
        self.image = image
        self.name = f"echoic-{name}-{os.getpid()}"
        self._bundle = tempfile.TemporaryDirectory(prefix="echoic-container-")
        self.log = Path(self._bundle.name) / "log"
        process = [*(entrypoint or image.config["Entrypoint"]), *(arguments or image.config["Cmd"])]
        spec = _specification(image, data, process, environment)
        (Path(self._bundle.name) / "config.json").write_text(json.dumps(spec))
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [*RUNC, "run", "--bundle", self._bundle.name, self.name],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Failed):
            error.add_note(f"The log of {self.name}:\n{self.log.read_text(errors='replace')[-6000:]}")
        subprocess.run([*RUNC, "delete", "--force", self.name], check=False, capture_output=True)
        self._process.wait()
        self._bundle.cleanup()

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as the container's own user."""
        return subprocess.run([*RUNC, "exec", self.name, *command], capture_output=True, text=True, check=False)

    def processes(self) -> list[int]:
        """Return the ids, outside, of the processes inside."""
        state = json.loads(said(*RUNC, "state", self.name))
        inside = Path(f"/proc/{state['pid']}/ns/pid").readlink()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                if (folder / "ns" / "pid").readlink() == inside:
                    found.append(int(folder.name))
        return found

    def until(self, holds: Callable[[], bool], what: str, *, seconds: float) -> None:
        """Wait for a condition while the container lives. Raises Failed where it ends before, or the time does."""

        def looked() -> bool:
            if self._process.poll() is not None:
                raise Failed(f"{what}: the container has ended with {self._process.returncode}")
            return holds()

        until(looked, what, seconds=seconds)

    def stop(self, *, seconds: float) -> float:
        """Send SIGTERM, as engines do, and return the seconds until the end.

        Raises Failed where it takes longer than allowed, or does not end well.
        """
        began = time.monotonic()
        said(*RUNC, "kill", self.name, str(signal.SIGTERM.value))
        code = self.wait(seconds=seconds)
        if code:
            raise Failed(f"{self.name} ended with {code} after SIGTERM")
        return time.monotonic() - began

    def wait(self, *, seconds: float) -> int:
        """Wait for its own end and return the exit code. Raises Failed where it does not come in time."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"{self.name} still runs after {seconds:g} s") from error


def _specification(image: Image, data: Path, process: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what an engine would hand to the OCI runtime for ``--read-only --cap-drop ALL`` (OCI runtime-spec 1.0)."""
    config = image.config
    user, _, group = config["User"].partition(":")
    return {
        "ociVersion": "1.0.0",
        "process": {
            "terminal": False,
            "user": {"uid": int(user), "gid": int(group)},
            "args": [*process],
            "env": [*config["Env"], *(f"{name}={value}" for name, value in environment.items())],
            "cwd": config["WorkingDir"],
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "root": {"path": str(image.files), "readonly": True},
        "hostname": "echoic",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
            _tmpfs("/dev", 65_536, "mode=755", "noexec", "strictatime"),
            _tmpfs("/dev/shm", SHARED_MEMORY_BYTES, "mode=1777", "noexec", "nodev"),  # noqa: S108 - inside
            _tmpfs("/tmp", TEMPORARY_BYTES, "mode=1777", "nodev"),  # noqa: S108 - inside
            {"destination": "/data", "type": "bind", "source": str(data), "options": ["rbind", "rw"]},
        ],
        "linux": {
            "namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")],
            "maskedPaths": [*MASKED],
            "readonlyPaths": [*READ_ONLY],
            "seccomp": _system_calls(json.loads(SYSTEM_CALLS.read_text())),
        },
    }


def _tmpfs(place: str, most_bytes: int, *options: str) -> dict[str, Any]:
    return {
        "destination": place,
        "type": "tmpfs",
        "source": "tmpfs",
        "options": ["nosuid", f"size={most_bytes}", *options],
    }


def _system_calls(profile: dict[str, Any]) -> dict[str, Any]:
    """Translate the engines' filter into the runtime's form, for a process of this machine without capabilities."""
    ours, of_runtime = ARCHITECTURES[os.uname().machine]

    def applies(rule: dict[str, Any]) -> bool:
        wanted, unwanted = rule["includes"], rule["excludes"]
        return (
            not wanted.get("caps") and ours in wanted.get("arches", [ours]) and ours not in unwanted.get("arches", [])
        )

    rules = [
        {key: rule[key] for key in ("names", "action", "args", "errnoRet") if rule.get(key)}
        for rule in profile["syscalls"]
        if applies(rule)
    ]
    subordinate = [one["subArchitectures"] for one in profile["archMap"] if one["architecture"] == of_runtime]
    return {
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile["defaultErrnoRet"],
        "architectures": [of_runtime, *(name for names in subordinate for name in names)],
        "syscalls": rules,
    }
