"""Objects are copied between stores under their keys, which never get other bytes; what is there is not copied again."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from enum import Enum
from typing import TypeAlias, TypeVar

from echoic.backup.place import CopiedObject
from echoic.errors import BlobNotFound
from echoic.storage.blobs import Blobs

AT_ONCE = 4
"""Copies under way: a bucket answers each only after a while. Each holds at most 32 MiB of memory."""

OnProgress: TypeAlias = Callable[[int, int], None]
"""Is told how many of how many objects are done."""

EachT = TypeVar("EachT")
DoneT = TypeVar("DoneT")


class Lost(Enum):
    """Why an object was not copied."""

    GONE = "gone"
    """It is not there."""
    DAMAGED = "damaged"
    """Its bytes are not those that were stored."""


async def copy(source: Blobs, target: Blobs, key: str, *, size_bytes: int, sha256: str | None) -> CopiedObject | Lost:
    """Copy an object; only one of that size, and of the checksum where it is known, becomes visible in the target.

    Raises StorageUnavailable.
    """
    async with target.stage(key) as staged:
        digest = hashlib.sha256()
        try:
            async for chunk in source.stream(key):
                digest.update(chunk)
                await staged.write(chunk)
        except BlobNotFound:
            return Lost.GONE
        if staged.size_bytes != size_bytes or digest.hexdigest() != (sha256 or digest.hexdigest()):
            return Lost.DAMAGED
        await staged.finish()
    return CopiedObject(key=key, size_bytes=size_bytes, sha256=digest.hexdigest())


async def checksum(blobs: Blobs, key: str) -> str | None:
    """Return the SHA-256 of an object's bytes, read whole; None where it is not there. Raises StorageUnavailable."""
    digest = hashlib.sha256()
    try:
        async for chunk in blobs.stream(key):
            digest.update(chunk)
    except BlobNotFound:
        return None
    return digest.hexdigest()


async def has_size(blobs: Blobs, key: str, size_bytes: int) -> bool:
    """Return whether an object is there with that size. Raises StorageUnavailable."""
    try:
        return await blobs.stat(key) == size_bytes
    except BlobNotFound:
        return False


async def for_each(
    things: Iterable[EachT], do: Callable[[EachT], Awaitable[DoneT]], *, on_progress: OnProgress | None = None
) -> list[DoneT]:
    """Do something for each, a few at a time; returns the results in order. The first error ends all."""
    waiting = list(enumerate(things))
    total = len(waiting)
    waiting.reverse()
    done: dict[int, DoneT] = {}

    async def work() -> None:
        while waiting:
            number, thing = waiting.pop()
            done[number] = await do(thing)
            if on_progress is not None:
                on_progress(len(done), total)

    workers = [asyncio.create_task(work()) for _ in range(AT_ONCE)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return [done[number] for number in range(total)]
