"""How fast a large blob is stored: staged, hashed and synced, against a bare write and fsync of the same bytes.

    python bench/storage.py [--megabytes 400] [--rounds 5] [--folder DIR]

The rounds alternate between the two, so that what else the machine does hits both alike.
"""

import argparse
import asyncio
import hashlib
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from echoic.storage.local import LocalBlobs
from echoic.units import MB

CHUNK_BYTES = 64 * 1024
"""What the HTTP server hands over at once."""


def write_raw(folder: Path, chunk: bytes, count: int) -> None:
    path = folder / "raw"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    for _ in range(count):
        os.write(descriptor, chunk)
    os.fsync(descriptor)
    os.close(descriptor)
    path.unlink()


async def store(blobs: LocalBlobs, chunk: bytes, count: int) -> None:
    async with blobs.stage() as staged:
        for _ in range(count):
            await staged.write(chunk)
        stored = await staged.finish()
    await blobs.delete(stored.key)


def hash_only(chunk: bytes, count: int) -> None:
    digest = hashlib.sha256()
    for _ in range(count):
        digest.update(chunk)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure; default: the temporary one")
    given = parser.parse_args()
    chunk = os.urandom(CHUNK_BYTES)
    count = given.megabytes * MB // CHUNK_BYTES
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        blobs = LocalBlobs.create(folder / "blobs")
        asyncio.run(store(blobs, chunk, 16))
        before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        acts: dict[str, Callable[[], None]] = {
            "raw write + fsync": lambda: write_raw(folder, chunk, count),
            "staged blob": lambda: asyncio.run(store(blobs, chunk, count)),
            "SHA-256 alone": lambda: hash_only(chunk, count),
        }
        speeds: dict[str, list[float]] = {what: [] for what in acts}
        for _ in range(given.rounds):
            for what, act in acts.items():
                start = time.perf_counter()
                act()
                speeds[what].append(given.megabytes / (time.perf_counter() - start))
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib) / 1024
    print(f"{given.megabytes} MB, {given.rounds} rounds, MB/s")
    print(f"{'':20}{'median':>8}{'least':>8}{'most':>8}")
    for what, found in speeds.items():
        print(f"{what:20}{statistics.median(found):8.0f}{min(found):8.0f}{max(found):8.0f}")
    raw, staged = (statistics.median(speeds[what]) for what in ("raw write + fsync", "staged blob"))
    print(
        f"staged_over_raw={staged / raw:.2f} staged_mb_s={staged:.0f} raw_mb_s={raw:.0f} rss_growth_mb={grown_mb:.0f}"
    )


if __name__ == "__main__":
    main()
