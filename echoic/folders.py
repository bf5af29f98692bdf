"""Folders of a file system, and the call that makes a change in one durable."""

import os
from pathlib import Path


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable, a rename among them (fsync(2)). Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
