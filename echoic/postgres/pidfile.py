"""The content of postmaster.pid, and a check that the process it names is PostgreSQL on our cluster.

The file outlives a crash, and its process id may then belong to anybody: PostgreSQL itself refuses to start when any
process of the same account has it. Lines of the file (PostgreSQL's src/include/utils/pidfile.h): pid, data directory,
start time, port, socket directory, listen address, shared memory key, status.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from echoic.errors import DataDirUnusable

FILLING_SECONDS = 1.0

_NAME = "postmaster.pid"
_READY = "ready"
_SOCKET_LINE = 4
_STATUS_LINE = 7


@dataclass(frozen=True, kw_only=True)
class PidFile:
    """The lines of the file that we use."""

    pid: int
    socket_dir: str
    """The folder of the socket; empty until the server has made it."""
    ready: bool
    """True once the server takes connections."""


def read_pid_file(cluster: Path) -> PidFile | None:
    """Return the file of the cluster; None where there is none, or none yet.

    Raises:
        DataDirUnusable: the file may not be read by this account.
    """
    try:
        lines = (cluster / _NAME).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataDirUnusable(f"{cluster} cannot be looked at: {error.strerror}. Run this as Echoic runs.") from error
    # A negative number is that of a server in single-user mode.
    if not lines or not lines[0].lstrip("-").isdigit():
        return None
    lines += [""] * (_STATUS_LINE + 1 - len(lines))
    return PidFile(pid=abs(int(lines[0])), socket_dir=lines[_SOCKET_LINE], ready=lines[_STATUS_LINE].strip() == _READY)


def remove_nameless(cluster: Path) -> None:
    """Remove a file without a number, left by a server that was killed between making and filling it.

    PostgreSQL would refuse to start for ever. One whose server has just made it gets the time to fill it.
    """
    deadline = time.monotonic() + FILLING_SECONDS
    while (cluster / _NAME).exists() and read_pid_file(cluster) is None:
        if time.monotonic() >= deadline:
            (cluster / _NAME).unlink(missing_ok=True)
        time.sleep(FILLING_SECONDS / 20)


def running_server(cluster: Path) -> PidFile | None:
    """Return the file where its process is alive and is PostgreSQL on this cluster, else None."""
    found = read_pid_file(cluster)
    return found if found is not None and _is_server_of(found.pid, cluster) else None


def is_alive(pid: int) -> bool:
    """Return whether a process runs; a dead one that waits to be reaped, perhaps for ever, does not."""
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def survivors(cluster: Path) -> Iterator[psutil.Process]:
    """Yield the processes of PostgreSQL that work in this cluster, also those that outlived their server."""
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and _same(process.cwd(), cluster):
                yield process
        except psutil.Error:
            continue  # Gone meanwhile, dead, or not ours to look at.


def _is_server_of(pid: int, cluster: Path) -> bool:
    try:
        process = psutil.Process(pid)
        command = process.cmdline()
        # Its children rename themselves to 'postgres: what they do'; a dead process has no command line.
        if not command or Path(command[0]).name != "postgres" or not is_alive(pid):
            return False
        return any(_same(argument, cluster) for argument in command[1:]) or _same(process.cwd(), cluster)
    except psutil.Error:
        # Where we may not look, PostgreSQL's own check of the shared memory still stands.
        return False


def _same(path: str, cluster: Path) -> bool:
    try:
        return Path(path).is_absolute() and Path(path).samefile(cluster)
    except (OSError, ValueError):
        return False
