"""Exactly one process owns a data folder: the one that holds the lock on a file in it, freed by the kernel at death."""

import contextlib
import fcntl
import os
import time
import weakref
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from echoic.errors import AlreadyRunning, DataDirUnusable

ASKING_GRACE_SECONDS = 0.5
"""Time that an owner waits for the lock: a process that only asks for the owner holds it for microseconds."""

_RETRY_SECONDS = 0.02

_held: "weakref.WeakSet[OwnerLock]" = weakref.WeakSet()


class OwnerLock:
    """The right to run a server on a data folder; held until released or until the process is gone."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        _held.add(self)

    @classmethod
    def acquire(cls, path: Path) -> Self:
        """Take the lock and write our process id beside it.

        Raises:
            AlreadyRunning: another process, or this one, holds it; the message names its process id.
            DataDirUnusable: the file cannot be made or locked.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise DataDirUnusable(f"{path} cannot be opened: {error.strerror}.") from error
        with ExitStack() as undo:
            undo.callback(os.close, descriptor)
            try:
                locked = _lock(descriptor, fcntl.LOCK_EX, wait_seconds=ASKING_GRACE_SECONDS)
                if locked:
                    os.ftruncate(descriptor, 0)
                    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            except OSError as error:
                raise DataDirUnusable(f"{path} cannot be locked: {error.strerror}.") from error
            if not locked:
                raise AlreadyRunning(_already_running(path, _read_pid(descriptor)))
            undo.pop_all()
        return cls(descriptor)

    def release(self) -> None:
        """Release the folder to other processes; a second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_owned(path: Path) -> bool:
    """Return whether a process holds the lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise DataDirUnusable(f"{path} cannot be opened: {error.strerror}. Run this as Echoic runs.") from error
    try:
        return not _lock(descriptor, fcntl.LOCK_SH, wait_seconds=0)
    except OSError as error:
        raise DataDirUnusable(f"{path} cannot be locked: {error.strerror}.") from error
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int, *, wait_seconds: float) -> bool:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_RETRY_SECONDS)
        else:
            return True


def _read_pid(descriptor: int) -> str:
    return os.pread(descriptor, 20, 0).decode("ascii", errors="replace").strip()


def _already_running(path: Path, pid: str) -> str:
    who = f"process {pid}" if pid.isdigit() else "a process that has just begun"
    return f"Another Echoic, {who}, is running on the data folder {path.parent}."


def _close_in_forked_child() -> None:
    # A lock lives as long as any process has the file open: a forked child must not keep it after our death.
    for lock in list(_held):
        with contextlib.suppress(OSError):
            lock.release()


os.register_at_fork(after_in_child=_close_in_forked_child)
