"""Small files under names of their own, beside blobs: each is whole or not there, in a folder or in a bucket."""

import os
import re
import tempfile
from pathlib import Path
from typing import Protocol

import obstore

from echoic.errors import BlobNotFound
from echoic.folders import sync_folder
from echoic.storage.file_calls import FileCalls
from echoic.storage.remote_staged import Store, translated
from echoic.storage.staged_file import FOLDER_MODE

_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")


class Documents(Protocol):
    """Files that are read and written whole. Every method raises StorageUnavailable when the store fails."""

    async def names(self) -> list[str]:
        """Return the names of all, in order."""
        ...

    async def read(self, name: str) -> bytes:
        """Return the content of one. Raises BlobNotFound."""
        ...

    async def write(self, name: str, content: bytes) -> None:
        """Make a document durable and visible, in place of one of that name; until then nothing of it is seen."""
        ...

    async def delete(self, name: str) -> None:
        """Remove a document; one that is not there is fine."""
        ...


class LocalDocuments:
    """Documents in a folder, readable by their owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = FileCalls()

    @classmethod
    def create(cls, folder: Path) -> "LocalDocuments":
        """Make the folder where it is missing, for its owner alone. May raise OSError."""
        folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        return cls(folder)

    async def names(self) -> list[str]:
        found = await self._files.run(lambda: _names_in(self._folder))
        return sorted(name for name in found if _NAME.fullmatch(name))

    async def read(self, name: str) -> bytes:
        path = self._path(name)
        return await self._files.run(path.read_bytes, missing=BlobNotFound)

    async def write(self, name: str, content: bytes) -> None:
        path = self._path(name)
        await self._files.run(lambda: _replace(path, content))

    async def delete(self, name: str) -> None:
        path = self._path(name)
        await self._files.run(lambda: path.unlink(missing_ok=True))

    def _path(self, name: str) -> Path:
        return self._folder / _required(name)


class RemoteDocuments:
    """Documents below a prefix of a bucket."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def names(self) -> list[str]:
        with translated():
            found = await obstore.list_with_delimiter_async(self._store)
        names = [each["path"] for each in found["objects"]]
        return sorted(name for name in names if _NAME.fullmatch(name))

    async def read(self, name: str) -> bytes:
        with translated(missing=BlobNotFound):
            answer = await obstore.get_async(self._store, _required(name))
            return bytes(await answer.bytes_async())

    async def write(self, name: str, content: bytes) -> None:
        with translated():
            await obstore.put_async(self._store, _required(name), content, use_multipart=False)

    async def delete(self, name: str) -> None:
        with translated():
            await obstore.delete_async(self._store, _required(name))


def _required(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise BlobNotFound
    return name


def _names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def _replace(path: Path, content: bytes) -> None:
    """Write beside the place and move there what is durable; the file made is its owner's alone."""
    descriptor, temporary = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).rename(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
