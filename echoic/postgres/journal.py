"""The server's own log: kept for a week, and read for the reason when a start fails."""

import os
import time
from pathlib import Path
from typing import IO

KEPT_SECONDS = 5 * 24 * 3600
MAX_READ_BYTES = 64 * 1024

SETTINGS = {
    "logging_collector": "on",
    # One file for each day of the week, emptied when its day comes round.
    "log_filename": "server-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
}


def settings(folder: Path) -> dict[str, str]:
    """Return the settings that make the server log into the folder."""
    return {"log_directory": str(folder), **SETTINGS}


def remove_old(folder: Path) -> None:
    """Remove old log files.

    The server itself empties a file only at midnight, so a laptop's log would grow for ever.
    """
    for file in _files(folder):
        if time.time() - file.lstat().st_mtime > KEPT_SECONDS:
            file.unlink(missing_ok=True)


class Reader:
    """The messages of one start of the server, on its error output and in its log, from the moment this is made."""

    def __init__(self, folder: Path, output: IO[bytes]) -> None:
        self._folder = folder
        self._output = output
        self._sizes = {file: file.lstat().st_size for file in _files(folder)}

    def text(self) -> str:
        """Return all messages, or the end of long ones."""
        said = [self._read(self._output.fileno(), 0)]
        for file in _files(self._folder):
            # The account could have put a link here that only root can follow.
            descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                said.append(self._read(descriptor, self._sizes.get(file, 0)))
            finally:
                os.close(descriptor)
        return "".join(said)

    @staticmethod
    def _read(descriptor: int, start: int) -> str:
        size = os.fstat(descriptor).st_size
        start = max(start if start <= size else 0, size - MAX_READ_BYTES)
        return os.pread(descriptor, MAX_READ_BYTES, start).decode("utf-8", errors="replace")


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("server-*.log"), key=lambda file: file.lstat().st_mtime)
