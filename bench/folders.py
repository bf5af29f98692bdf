"""The folders of benchmarks that keep what they have made for the next time."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def kept_or_removed(chosen: Path | None, name: str) -> Iterator[Path]:
    """Yield the chosen folder, which stays; or, where none was chosen, one of that name which is removed afterwards.

    The account of an embedded PostgreSQL may enter it.
    """
    folder = chosen or Path(tempfile.mkdtemp(prefix=f"echoic-bench-{name}-"))
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        if chosen is None:
            shutil.rmtree(folder)
