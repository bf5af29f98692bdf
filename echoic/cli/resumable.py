"""A file on its way to the server by resumable upload (https://tus.io/protocols/resumable-upload, version 1.0.0).

Where an upload was broken off is remembered in a file of the user's, so that the same command goes on from there.
"""

import base64
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import httpx

from echoic.cli.connection import (
    TRY_AGAIN,
    CommandFailed,
    Connection,
    ExitCode,
    not_echoic,
    require_success,
    seconds_until_retry,
)
from echoic.cli.names import shown
from echoic.cli.output import remark
from echoic.cli.unfinished import Unfinished, state_file

TUS_VERSION = "1.0.0"
ITEM_HEADER = "Item-Id"
PIECE_BYTES = 256 * 1024
"""Bytes read and sent at once."""
RETRIES = 8
"""Breaks in a row, without a byte of progress between them, after which an upload is given up for now."""
RETRY_SECONDS = 0.5
"""Wait after the first break; doubles with each further one."""
CHECK_PATIENCE_SECONDS = 1800.0
"""Longest time in which the server may be at work on an upload and answer nothing else."""
GONE = (404, 410)
OFFSET_CONFLICT, LOCKED = 409, 423


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
        self._safe = 0
        """The number of bytes that the server said it has."""
        self._sent = 0
        """The number of bytes that the server said it has, and those sent since."""
        self._failures = 0
        self._waits_since: float | None = None
        self._is_waiting_told = False

    def send(self) -> int:
        """Send what the server does not have yet; returns the item's id.

        Raises CommandFailed: the server refuses it, or stays away.
        """
        try:
            file = self._path.open("rb")
        except OSError as error:
            raise CommandFailed(ExitCode.REFUSED, f"Cannot read {shown(self._path)}: {error.strerror}.") from error
        with file:
            found = os.fstat(file.fileno())
            server = self._connection.access.server
            name = f"{server} {self._dataset_id} {self._path.resolve()} {found.st_size} {found.st_mtime_ns}"
            return self._send(file, found.st_size, name)

    def _send(self, file: BinaryIO, size: int, name: str) -> int:
        """Ask where the upload stands and go on from there, as often as it takes."""
        address = self._unfinished.find(name)
        while True:
            try:
                if address is None:
                    address = self._begin(size)
                    self._unfinished.keep(name, address)
                answer = self._look(address)
                if answer.status_code in GONE and self._failures < RETRIES:
                    address = None
                    self._failures += 1
                    continue
                if answer.is_success and ITEM_HEADER not in answer.headers:
                    self._note_progress(_said(answer, "Upload-Offset"))
                    answer = self._patch(address, self._pieces(file))
            except httpx.RequestError as error:
                self._bear(error, size)
                continue
            if answer.is_success and ITEM_HEADER in answer.headers:
                self._unfinished.keep(name, None)
                return _said(answer, ITEM_HEADER)
            if not answer.is_success and not self._is_worth_another_try(answer):
                if answer.status_code == LOCKED:
                    raise CommandFailed(
                        ExitCode.UNREACHABLE, "The server is still at work on it; the same command goes on from there."
                    )
                if answer.status_code not in TRY_AGAIN:
                    self._unfinished.keep(name, None)
                require_success(self._with_reason(address, answer))

    def _with_reason(self, address: str, answer: httpx.Response) -> httpx.Response:
        """Return a refusal with its reason: one to HEAD has no body, but to send no bytes is refused for the same."""
        if answer.request.method != "HEAD":
            return answer
        try:
            told = self._patch(address, ())
        except httpx.RequestError:
            return answer
        return told if told.status_code == answer.status_code else answer

    def _bear(self, error: httpx.RequestError, size: int) -> None:
        """Wait after a break. Raises CommandFailed where there were too many."""
        if isinstance(error, httpx.ReadTimeout) and self._sent == size and self._may_wait():
            return  # the server has all bytes and is checking them
        self._failures += 1
        if self._failures > RETRIES:
            raise self._connection.unreachable(error) from error
        self._pause()

    def _is_worth_another_try(self, answer: httpx.Response) -> bool:
        """Wait where the same request may succeed later; return whether it waited."""
        if answer.status_code == LOCKED:
            # The server checks the bytes, or has not yet noticed that the connection before this one is gone.
            if not self._may_wait():
                return False
            time.sleep(seconds_until_retry(answer, default=RETRY_SECONDS))
            return True
        if answer.status_code in (OFFSET_CONFLICT, *TRY_AGAIN) and self._failures < RETRIES:
            self._failures += 1
            self._pause(seconds_until_retry(answer, default=0.0))
            return True
        return False

    def _may_wait(self) -> bool:
        """Return whether the server may still be at work on the upload; tell the user so the first time."""
        now = time.monotonic()
        if self._waits_since is None:
            self._waits_since = now
        elif not self._is_waiting_told:
            self._is_waiting_told = True
            remark(f"{shown(self._path.name)}: the server is at work on it")
        return now - self._waits_since < CHECK_PATIENCE_SECONDS

    def _pause(self, at_least_seconds: float = 0.0) -> None:
        time.sleep(max(at_least_seconds, RETRY_SECONDS * 2 ** (self._failures - 1)))

    def _note_progress(self, offset: int) -> None:
        if offset > self._safe:
            self._failures = 0
            self._waits_since = None
        self._safe = self._sent = offset

    def _begin(self, size: int) -> str:
        metadata = ",".join(
            f"{key} {base64.b64encode(str(value).encode()).decode()}" for key, value in self._metadata.items()
        )
        answer = self._connection.client.post(
            f"/api/datasets/{self._dataset_id}/uploads",
            headers={"Tus-Resumable": TUS_VERSION, "Upload-Length": str(size), "Upload-Metadata": metadata},
        )
        require_success(answer)
        if "Location" not in answer.headers:
            raise not_echoic(answer)
        return str(answer.url.join(answer.headers["Location"]))

    def _look(self, address: str) -> httpx.Response:
        return self._connection.client.head(address, headers={"Tus-Resumable": TUS_VERSION})

    def _patch(self, address: str, pieces: Iterable[bytes]) -> httpx.Response:
        return self._connection.client.patch(
            address,
            content=pieces,
            headers={
                "Tus-Resumable": TUS_VERSION,
                "Upload-Offset": str(self._safe),
                "Content-Type": "application/offset+octet-stream",
            },
        )

    def _pieces(self, file: BinaryIO) -> Iterator[bytes]:
        file.seek(self._sent)
        self._on_progress(self._sent)
        while piece := self._read(file):
            yield piece
            self._sent += len(piece)
            self._on_progress(self._sent)

    def _read(self, file: BinaryIO) -> bytes:
        try:
            return file.read(PIECE_BYTES)
        except OSError as error:
            raise CommandFailed(ExitCode.REFUSED, f"Cannot read {shown(self._path)}: {error.strerror}.") from error


def _said(answer: httpx.Response, header: str) -> int:
    """Return the number in a header.

    Raises CommandFailed where there is none: the answer is of another protocol then.
    """
    text = answer.headers.get(header, "")
    if not (text.isascii() and text.isdigit()):
        raise not_echoic(answer)
    return int(text)
