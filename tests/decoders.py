"""The processes that open media for this one, and what happens to them."""

import psutil
import pytest

from echoic.storage.blobs import Blobs


def decoders() -> list[psutil.Process]:
    """Those that run now. Other tests leave other children here: the session's database server, and what a library
    starts to look after its locks."""
    return [child for child in psutil.Process().children() if "echoic.engines.decoder" in child.cmdline()]


def kill_whoever_reads(patch: pytest.MonkeyPatch, store: Blobs) -> None:
    """Kill every decoder of what lies in the store before it has a byte, as the kernel does where memory runs out."""
    read_range = store.read_range

    async def read(key: str, start: int, length: int) -> bytes:
        for child in decoders():
            child.kill()
        return await read_range(key, start, length)

    patch.setattr(store, "read_range", read)
