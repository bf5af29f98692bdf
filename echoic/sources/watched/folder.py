"""A watched folder of this machine, or of a share that is mounted here: calls in threads, errors of the system as ours."""

import asyncio
import errno
import os
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from echoic.db.sources.watched import WatchedSource
from echoic.errors import SourceNotWritable, SourceUnreachable, WatchedFileUnreadable
from echoic.sources.watched.place import FileGone, Found
from echoic.sources.watched.tree import Tree, require_same
from echoic.storage.file_calls import FileCalls

READ_BYTES = 1024 * 1024
SILENCE_SECONDS = 60.0
"""A share that answers nothing for so long counts as unreachable."""
_NO_WRITING = (
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG, errno.ENOTSUP),
    # A folder, file or link in the place of what is to be written, or the folder of what is done on another disk.
    *(errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST, errno.ELOOP, errno.EXDEV, errno.EBUSY, errno.EMLINK),
    *(errno.EINVAL, errno.EILSEQ),
)
_OF_THE_FILE = (errno.EACCES, errno.EPERM, errno.ELOOP, errno.EINVAL, errno.EISDIR, errno.ENXIO, errno.ENODEV)

T = TypeVar("T")


class FolderPlace:
    """See place.Place."""

    def __init__(self, root: Path, below: str, calls: FileCalls) -> None:
        self._tree = Tree(root, below)
        self._calls = calls

    async def files(self, source: WatchedSource) -> AsyncGenerator[list[Found], None]:
        scanned = self._tree.scan(recursive=source.recursive, patterns=source.patterns)
        try:
            while (batch := await self._of_place(lambda: next(scanned, None))) is not None:
                yield batch
        finally:
            self._calls.submit(scanned.close)

    async def read(self, path: str, fingerprint: str) -> AsyncGenerator[bytes, None]:
        descriptor = await self._of_file(lambda: self._tree.open_file(path, fingerprint))
        try:
            while chunk := await self._of_file(partial(os.read, descriptor, READ_BYTES)):
                yield chunk
            await self._of_file(lambda: require_same(descriptor, fingerprint))
        finally:
            self._calls.submit(partial(os.close, descriptor))

    async def read_small(self, path: str, *, max_bytes: int) -> bytes:
        return await self._of_file(lambda: self._tree.read_small(path, max_bytes))

    async def fingerprint(self, path: str) -> str | None:
        return await self._of_place(lambda: self._tree.fingerprint(path))

    async def put(self, path: str, content: bytes) -> None:
        await self._writing(lambda: self._tree.put(path, content))

    async def remove(self, path: str) -> None:
        await self._writing(lambda: self._tree.remove(path))

    async def move(self, path: str, fingerprint: str, *, file_id: int) -> None:
        await self._writing(lambda: self._tree.move(path, fingerprint, file_id))

    async def require_readable(self) -> None:
        await self._of_place(self._tree.require_readable)

    async def require_writable(self) -> None:
        await self._writing(self._tree.require_writable)

    async def _of_place(self, call: Callable[[], T]) -> T:
        with _translated():
            return await self._call(call)

    async def _of_file(self, call: Callable[[], T]) -> T:
        with _translated():
            try:
                return await self._call(call)
            except FileNotFoundError as error:
                raise FileGone from error
            except OSError as error:
                if error.errno in _OF_THE_FILE:
                    raise WatchedFileUnreadable(_why_unreadable(error)) from error
                raise

    async def _writing(self, call: Callable[[], T]) -> T:
        with _translated():
            try:
                return await self._call(call)
            except OSError as error:
                if error.errno in _NO_WRITING:
                    raise SourceNotWritable(f"The server cannot write into the folder: {_reason(error)}.") from error
                raise

    async def _call(self, call: Callable[[], T]) -> T:
        async with asyncio.timeout(SILENCE_SECONDS):
            return await self._calls.start(call)


@contextmanager
def _translated() -> Iterator[None]:
    """Make errors of the system ours. Their own texts hold paths, which are told nobody."""
    try:
        yield
    except TimeoutError as error:
        raise SourceUnreachable(f"The folder did not answer for {SILENCE_SECONDS:g} seconds.") from error
    except FileNotFoundError as error:
        raise SourceUnreachable("The folder is not there.") from error
    except (NotADirectoryError, PermissionError) as error:
        raise SourceUnreachable(_why_no_folder(error)) from error
    except OSError as error:
        raise SourceUnreachable(_why_no_folder(error)) from error


def _why_no_folder(error: OSError) -> str:
    if error.errno in (errno.ENOTDIR, errno.ELOOP):
        return "There is no folder of that name; symbolic links are not followed."
    return f"The folder cannot be read: {_reason(error)}."


def _why_unreadable(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "The file is a symbolic link, which is not followed; put the file itself there."
    return f"The file cannot be read: {_reason(error)}."


def _reason(error: OSError) -> str:
    return error.strerror or "it cannot be opened"
