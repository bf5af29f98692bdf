"""A file on its way to the server by resumable upload (https://tus.io/protocols/resumable-upload, version 1.0.0).

Where an upload was broken off is remembered in a file of the user's, so that the same command goes on from there.
"""

import base64
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import httpx

from echoic.cli.connection import TRY_AGAIN, CommandFailed, Connection, ExitCode, judge
from echoic.cli.names import shown

TUS_VERSION = "1.0.0"
ITEM_HEADER = "Item-Id"
PIECE_BYTES = 256 * 1024
"""Bytes read and sent at once."""
RETRIES = 8
"""Breaks in a row, without a byte of progress between them, after which an upload is given up for now."""
RETRY_SECONDS = 0.5
"""Wait after the first break; doubles with each further one."""
GONE = (404, 410)
OFFSET_CONFLICT, LOCKED = 409, 423


def state_file() -> Path:
    """``uploads.json`` in the user's XDG state folder: the addresses of unfinished uploads."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "echoic" / "uploads.json"


class Unfinished:
    """The addresses of uploads that were begun, by what identifies the file and where it goes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, name: str) -> str | None:
        """The address of an upload, where one was begun."""
        return self._read().get(name)

    def keep(self, name: str, address: str | None) -> None:
        """Remember an upload, or forget it."""
        known = self._read()
        if address is None:
            known.pop(name, None)
        else:
            known[name] = address
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(known, indent=1), encoding="utf-8")
        partial.replace(self._path)

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}  # a lost memory costs a new beginning, nothing else
        return dict(known) if isinstance(known, dict) else {}


class ResumableUpload:
    """One file for one dataset; ``on_progress`` is told how many of its bytes the server has."""

    def __init__(
        self,
        connection: Connection,
        path: Path,
        *,
        dataset_id: int,
        metadata: Mapping[str, str | int],
        on_progress: Callable[[int], None],
    ) -> None:
        self._connection = connection
        self._path = path
        self._dataset_id = dataset_id
        self._metadata = {"filename": shown(path.name), **metadata}
        self._on_progress = on_progress
        self._unfinished = Unfinished(state_file())

    def send(self) -> int:
        """Send what the server does not have yet; returns the item's id.

        Raises CommandFailed: the server refuses it, or stays away.
        """
        try:
            with self._path.open("rb") as file:
                found = os.fstat(file.fileno())
                name = f"{self._connection.access.server} {self._dataset_id} {self._path.resolve()} {found.st_size} {found.st_mtime_ns}"
                return self._send(file, found.st_size, name)
        except OSError as error:
            raise CommandFailed(ExitCode.REFUSED, f"Cannot read {shown(self._path)}: {error.strerror}.") from error

    def _send(self, file: BinaryIO, size: int, name: str) -> int:
        address = self._unfinished.find(name)
        offset: int | None = None
        failures = 0
        while True:
            reached = offset
            try:
                if address is None:
                    address = self._begin(size)
                    self._unfinished.keep(name, address)
                answer = self._look(address)
                if answer.status_code in GONE:
                    address, offset = None, None
                    continue
                judge(answer)
                offset = int(answer.headers["Upload-Offset"])
                if ITEM_HEADER not in answer.headers:
                    answer = self._patch(address, file, offset)
            except httpx.TransportError as error:
                failures = 1 if offset is not None and offset != reached else failures + 1
                if failures > RETRIES:
                    raise self._connection.unreachable(error) from error
                time.sleep(RETRY_SECONDS * 2 ** (failures - 1))
                continue
            if answer.status_code in (OFFSET_CONFLICT, LOCKED) and failures < RETRIES:
                # The server has not yet noticed that the connection before this one is gone.
                failures += 1
                time.sleep(RETRY_SECONDS * 2 ** (failures - 1))
                continue
            if not answer.is_success:
                self._forget_unless_worth_keeping(name, answer)
                judge(answer)
            if ITEM_HEADER in answer.headers:
                self._unfinished.keep(name, None)
                return int(answer.headers[ITEM_HEADER])

    def _begin(self, size: int) -> str:
        metadata = ",".join(
            f"{key} {base64.b64encode(str(value).encode()).decode()}" for key, value in self._metadata.items()
        )
        answer = self._connection.client.post(
            f"/api/datasets/{self._dataset_id}/uploads",
            headers={"Tus-Resumable": TUS_VERSION, "Upload-Length": str(size), "Upload-Metadata": metadata},
        )
        judge(answer)
        return str(answer.url.join(answer.headers["Location"]))

    def _look(self, address: str) -> httpx.Response:
        return self._connection.client.head(address, headers={"Tus-Resumable": TUS_VERSION})

    def _patch(self, address: str, file: BinaryIO, offset: int) -> httpx.Response:
        file.seek(offset)
        self._on_progress(offset)
        return self._connection.client.patch(
            address,
            content=self._pieces(file, offset),
            headers={
                "Tus-Resumable": TUS_VERSION,
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
            },
        )

    def _pieces(self, file: BinaryIO, offset: int) -> Iterator[bytes]:
        while piece := file.read(PIECE_BYTES):
            yield piece
            offset += len(piece)
            self._on_progress(offset)

    def _forget_unless_worth_keeping(self, name: str, answer: httpx.Response) -> None:
        if answer.status_code not in TRY_AGAIN:
            self._unfinished.keep(name, None)
