"""A watched prefix in a bucket, through obstore. An object is whole as soon as it is listed; its ETag says which one it is."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

from echoic.db.sources.watched import WatchedSource
from echoic.errors import SourceNotWritable, SourceUnreachable
from echoic.intake.file_names import fault_of_name
from echoic.sources.watched.names import SIDECAR, in_done_folder, is_candidate, is_looked_into
from echoic.sources.watched.place import BATCH, FileChanged, FileGone, Found
from echoic.storage.remote_staged import Store

if TYPE_CHECKING:
    from obstore import ObjectMeta

READ_BYTES = 1024 * 1024
SILENCE_SECONDS = 60.0
_UNREACHABLE = "The bucket does not answer, is not there, or does not let the server in."
_CLOSED = "The bucket does not let the server in, or not to this."


class BucketPlace:
    """See place.Place."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def files(self, source: WatchedSource) -> AsyncGenerator[list[Found], None]:
        with _translated():
            async for batch in obstore.list(self._store, chunk_size=BATCH):
                yield [_found(each) for each in batch if _is_wanted(each, source)]

    async def read(self, path: str, fingerprint: str) -> AsyncGenerator[bytes, None]:
        with _translated(of_file=True):
            async with asyncio.timeout(SILENCE_SECONDS):
                answer = await obstore.get_async(self._store, path)
            if _fingerprint(answer.meta) != fingerprint:
                raise FileChanged
            async for chunk in answer.stream(min_chunk_size=READ_BYTES):
                yield bytes(chunk)

    async def read_small(self, path: str, *, max_bytes: int) -> bytes:
        with _translated(of_file=True):
            answer = await obstore.get_async(self._store, path)
            read = b""
            async for chunk in answer.stream():
                read += bytes(chunk)
                if len(read) >= max_bytes:
                    break
            return read[:max_bytes]

    async def fingerprint(self, path: str) -> str | None:
        meta = await self._head(path)
        return None if meta is None else _fingerprint(meta)

    async def put(self, path: str, content: bytes) -> None:
        with _translated(writes=True):
            await obstore.put_async(self._store, path, content, use_multipart=False)

    async def remove(self, path: str) -> None:
        if await self._head(path) is None:
            return
        with _translated(writes=True):
            await obstore.delete_async(self._store, path)

    async def move(self, path: str, fingerprint: str, *, file_id: int) -> None:
        meta = await self._head(path)
        if meta is None:
            return
        if _fingerprint(meta) != fingerprint:
            raise FileChanged
        target = in_done_folder(path)
        there = await self._head(target)
        if there is not None and not _is_same_content(there, meta):
            target, there = in_done_folder(path, file_id), None
        await self._move(f"{path}{SIDECAR}", f"{target}{SIDECAR}", is_copied=False)
        # A copy that a killed process left is not made again.
        await self._move(path, target, is_copied=there is not None, fingerprint=fingerprint)

    async def require_readable(self) -> None:
        with _translated():
            async with asyncio.timeout(SILENCE_SECONDS):
                async for _ in obstore.list(self._store, chunk_size=1):
                    break

    async def require_writable(self) -> None:
        # Whether it may write shows with the first file; a probe would make others' triggers run.
        return

    async def _move(self, path: str, target: str, *, is_copied: bool, fingerprint: str | None = None) -> None:
        with _translated(writes=True):
            try:
                if not is_copied:
                    await obstore.copy_async(self._store, path, target)
            except FileNotFoundError:
                return
            if fingerprint is not None and await self.fingerprint(path) != fingerprint:
                raise FileChanged
            await obstore.delete_async(self._store, path)

    async def _head(self, path: str) -> "ObjectMeta | None":
        with _translated():
            try:
                async with asyncio.timeout(SILENCE_SECONDS):
                    return await obstore.head_async(self._store, path)
            except FileNotFoundError:
                return None


def _is_wanted(meta: "ObjectMeta", source: WatchedSource) -> bool:
    *folders, name = meta["path"].split("/")
    if not is_candidate(name, source.patterns) or (folders and not source.recursive):
        return False
    # Consoles make empty objects that stand for folders.
    is_folder = not meta["size"] and "." not in name
    return not is_folder and all(is_looked_into(each, is_top=not number) for number, each in enumerate(folders))


def _found(meta: "ObjectMeta") -> Found:
    fault = fault_of_name(meta["path"])
    return Found(
        path=meta["path"].replace("\0", "\ufffd"),
        fingerprint=_fingerprint(meta),
        size_bytes=meta["size"],
        modified_at=meta["last_modified"],
        fault=None if fault is None else f"The object's name {fault}; give it another one.",
    )


def _fingerprint(meta: "ObjectMeta") -> str:
    return f"{meta['size']}:{meta['e_tag'] or meta['last_modified'].isoformat()}"


def _is_same_content(one: "ObjectMeta", other: "ObjectMeta") -> bool:
    """Return whether two objects hold the same bytes for certain; ETags of objects that went up in parts say nothing."""
    tags: tuple[Any, Any] = (one["e_tag"], other["e_tag"])
    return one["size"] == other["size"] and tags[0] is not None and tags[0] == tags[1]


@contextmanager
def _translated(*, of_file: bool = False, writes: bool = False) -> Iterator[None]:
    """Make errors of obstore ours. Their own texts hold addresses and names of keys, which are told nobody."""
    try:
        yield
    except FileNotFoundError as error:
        if of_file:
            raise FileGone from error
        raise SourceUnreachable(_UNREACHABLE) from error
    except PreconditionError as error:
        raise FileChanged from error
    except (PermissionDeniedError, UnauthenticatedError, PermissionError) as error:
        raise (SourceNotWritable(_CLOSED) if writes else SourceUnreachable(_CLOSED)) from error
    except (AlreadyExistsError, BaseError, OSError) as error:
        raise SourceUnreachable(_UNREACHABLE) from error
