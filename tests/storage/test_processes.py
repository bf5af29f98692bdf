"""What a process that writes a large blob costs in memory, and what it leaves when it is killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from echoic.storage import unfinished

if TYPE_CHECKING:
    from tests.storage.conftest import Store

MAX_GROWTH_KIB = {"LocalBlobs": 16 * 1024, "RemoteBlobs": 64 * 1024}
BLOB_MB = 200

# Writes argv[1] MB, then either finishes and reads everything back, or waits to be killed.
WRITER = """
import asyncio, resource, sys
from echoic.settings import Settings
from echoic.storage.open import open_blobs

async def main(size_mb, finish):
    blobs = open_blobs(Settings(_env_file=None))
    async with blobs.stage() as staged:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(size_mb * 16):
            await staged.write(bytes(65536))
        print("written", flush=True)
        if not finish:
            await asyncio.sleep(3600)
        stored = await staged.finish()
    seen = 0
    async for piece in blobs.stream(stored.key):
        seen += len(piece)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(seen, grown, flush=True)

asyncio.run(main(int(sys.argv[1]), sys.argv[2] == "finish"))
"""


@contextmanager
def writer(store: "Store", size_mb: int, *, then: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(size_mb), then],
        env={**os.environ, **store.environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def test_memory_does_not_grow_with_the_blob(store: "Store") -> None:
    with writer(store, BLOB_MB, then="finish") as process:
        assert said(process) == "written"
        seen, grown_kib = map(int, said(process).split())
    assert seen == BLOB_MB * 1024 * 1024
    assert grown_kib <= MAX_GROWTH_KIB[type(store.blobs).__name__]


async def test_a_process_killed_while_it_writes_leaves_nothing_visible_and_the_sweep_takes_the_rest(
    store: "Store", monkeypatch: pytest.MonkeyPatch
) -> None:
    with writer(store, 40, then="hang") as process:
        assert said(process) == "written"
        assert await store.blobs.sweep_staging(older_than_seconds=0) == 0, "swept what a living process writes"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert await store.keys() == []
    left = store.half_written()
    assert left == 1
    assert await store.blobs.sweep_staging(older_than_seconds=3600) == 0
    monkeypatch.setattr(unfinished, "MIN_AGE_SECONDS", 0)
    assert await store.blobs.sweep_staging(older_than_seconds=0) == left
    assert store.half_written() == 0
