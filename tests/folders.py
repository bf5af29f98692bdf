"""Folders for installations of a test's own."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - the folders made there have names of their own
MEMORY_NEEDED_BYTES = 2 * 10**9
"""For the clusters of a few test processes, which hold up to 0.3 GB each."""


@contextmanager
def passable_folder() -> Iterator[Path]:
    """A folder that the account of an embedded PostgreSQL may enter, which pytest's own is not under root.

    It lies in memory where there is room: a database is made there in a third of the time.
    """
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_NEEDED_BYTES
    folder = Path(tempfile.mkdtemp(prefix="echoic-tests-", dir=MEMORY if roomy else None))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def copied(folder: Path) -> Iterator[Path]:
    """A passable copy: starting on one spares making cluster, tables and key once more."""
    with passable_folder() as copy:
        subprocess.run(["cp", "-a", f"{folder}/.", str(copy)], check=True)  # noqa: S607 - any cp
        yield copy
