"""A file that is written in a staging folder and moved to its place when it is durable; plain blocking calls.

Every step holds one lock, so a step that was started for a caller who has since given up ends before the clean-up
begins. The steps run in worker threads; what is asynchronous is in local.py.
"""

import fcntl
import hashlib
import os
import threading
from pathlib import Path

from echoic.folders import sync_folder

FILE_MODE = 0o600
FOLDER_MODE = 0o700


class StagedFile:
    """One staged file. Every method may raise OSError."""

    def __init__(self, staged: Path, final: Path) -> None:
        self._staged = staged
        self._final = final
        self._digest = hashlib.sha256()
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._sealed = False

    def open(self) -> None:
        """Make the file and lock it.

        The lock tells a sweeper that a living process writes the file, and ends when that process ends.
        """
        with self._lock:
            make_folder(self._staged.parent)
            self._descriptor = os.open(self._staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, FILE_MODE)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def append(self, data: bytes) -> None:
        """Write and hash."""
        with self._lock:
            if self._descriptor is None:
                return  # given up meanwhile
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            self._digest.update(data)

    def flush(self) -> None:
        """Move to the disk what is written so far, without keeping ``append`` from going on.

        On its own descriptor, because the file may be closed meanwhile. An error shows here or in ``seal``, not in
        both: the kernel reports it once.
        """
        with self._lock:
            if self._descriptor is None:
                return
            descriptor = os.dup(self._descriptor)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def seal(self) -> str:
        """Make the bytes durable under the final name; returns their SHA-256 in hexadecimal."""
        with self._lock:
            if self._descriptor is None:
                raise OSError("the staged file is closed")
            os.fsync(self._descriptor)
            folder = self._final.parent
            make_folder(folder.parent)
            make_folder(folder)
            self._staged.rename(self._final)
            self._sealed = True
            # All three levels: another process may have made a folder and ended before it synced the parent.
            for changed in (folder, folder.parent, folder.parent.parent):
                sync_folder(changed)
            os.close(self._descriptor)
            self._descriptor = None
            return self._digest.hexdigest()

    def discard(self) -> None:
        """Remove the file, at any step of its way."""
        with self._lock:
            try:
                (self._final if self._sealed else self._staged).unlink(missing_ok=True)
            finally:
                if self._descriptor is not None:
                    os.close(self._descriptor)
                    self._descriptor = None


def make_folder(path: Path) -> None:
    """Make one folder for its owner alone, where it is missing; its parent must be there."""
    try:
        path.mkdir(FOLDER_MODE)
    except FileExistsError:
        return


def remove_abandoned(path: Path, *, untouched_since: float) -> bool:
    """Remove a staged file last written before that time, unless a living process still has it open for writing."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False  # finished or given up meanwhile
    try:
        if os.fstat(descriptor).st_mtime > untouched_since:
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except (BlockingIOError, FileNotFoundError):
        return False
    finally:
        os.close(descriptor)
    return True
