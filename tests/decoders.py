"""The processes that open media for this one, and what happens to them."""

from pathlib import Path

import psutil
import pytest

from echoic.storage.blobs import Blobs


def decoders() -> list[psutil.Process]:
    """Those that run now. Other tests leave other children here: the session's database server, and what a library
    starts to look after its locks."""
    return [child for child in psutil.Process().children() if _decodes(child)]


def _decodes(child: psutil.Process) -> bool:
    try:
        return "echoic.engines.media.child" in child.cmdline()
    except psutil.NoSuchProcess:  # it has ended meanwhile; a zombie is told so, too
        return False


def other_library(folder: Path, code: str) -> Path:
    """A folder to be put before all others on the way to modules, with this code for the library that decodes."""
    folder.mkdir(exist_ok=True)
    (folder / "av.py").write_text(code, encoding="utf-8")
    return folder


NO_LIBRARY = "raise ImportError('libavformat.so.62: cannot open shared object file')"


def kill_whoever_reads(patch: pytest.MonkeyPatch, store: Blobs) -> None:
    """Kill every decoder of what lies in the store before it has a byte, as the kernel does where memory runs out."""
    read_range = store.read_range

    async def read(key: str, start: int, length: int) -> bytes:
        for child in decoders():
            child.kill()
        return await read_range(key, start, length)

    patch.setattr(store, "read_range", read)
