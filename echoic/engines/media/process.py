"""The parent's side of decoding: starts the child, serves it the source's bytes, checks and hands on what it says.

The child is not trusted: what it sends is bounded and checked, and it is killed when it oversteps.
"""

import asyncio
import contextlib
import json
import math
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, Protocol, cast

from echoic import errors
from echoic.engines.decoder import wire
from echoic.records import ChannelBalance, MediaInfo
from echoic.settings import Settings

STDERR_TAIL_BYTES = 4096
BYTES_PER_MB = 1_048_576
CPU_GRACE_SECONDS = 5
"""Processor time the child may use beyond its wall time: starting costs some, and the wall clock is to ring first."""

Mode = Literal["probe", "decode", "0", "1"]
"""What the child is asked for; a number decodes that channel of two."""
OnAudio = Callable[[bytes], Awaitable[None]]


class MediaSource(Protocol):
    """The bytes of one file, wherever they lie."""

    @property
    def size(self) -> int: ...

    async def read_range(self, start: int, length: int) -> bytes:
        """Bytes from ``start``; the range lies within the file."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaLimits:
    """What one file may cost."""

    timeout_seconds: float
    """Time the child may take in all; reading the source and consuming the audio do not count."""
    memory_bytes: int
    """Memory the child may use beyond what its libraries take."""
    max_duration_seconds: float

    @classmethod
    def from_settings(cls, settings: Settings) -> "MediaLimits":
        return cls(
            timeout_seconds=settings.decode_timeout_seconds,
            memory_bytes=settings.decode_memory_mb * BYTES_PER_MB,
            max_duration_seconds=settings.max_duration_seconds,
        )


async def probe(source: MediaSource, limits: MediaLimits) -> MediaInfo:
    """What the file says of itself, once some of its sound was really decoded; reads little of it.

    ``duration_seconds`` is the file's claim and may be wrong or missing. Raises ``errors.NotAudio``,
    ``errors.MediaUnreadable`` and ``errors.MediaLimitHit``.
    """
    return await _converse("probe", source, limits)


async def decode(
    source: MediaSource, limits: MediaLimits, *, on_audio: OnAudio, channel: Literal[0, 1] | None = None
) -> MediaInfo:
    """Decode the first audio stream and hand it on as it comes; the memory used does not grow with its length.

    All channels are mixed into one, unless ``channel`` asks for one of two.

    ``on_audio`` gets little-endian signed 16-bit mono samples at ``records.SAMPLE_RATE``, 10 seconds at a time (the
    last time what is left), and the child waits for it. Broken stretches are passed over, gaps in the file's clock
    become silence. ``duration_seconds`` of the result is exactly what was handed on.
    Raises ``errors.NotAudio``, ``errors.MediaUnreadable`` (also where nothing could be decoded),
    ``errors.MediaTooLong``, ``errors.MediaLimitHit``, and what ``read_range`` and ``on_audio`` raise.
    """
    mode: Mode = "decode" if channel is None else "0" if channel == 0 else "1"
    return await _converse(mode, source, limits, on_audio)


async def _converse(mode: Mode, source: MediaSource, limits: MediaLimits, on_audio: OnAudio | None = None) -> MediaInfo:
    max_bytes = limits.max_duration_seconds * wire.SAMPLE_RATE * wire.BYTES_PER_SAMPLE
    audio_bytes = 0
    async with _started(mode, source.size, limits) as child:
        await child.ready()
        while True:
            kind, payload = await child.hear()
            if kind == wire.READ:
                await child.answer(await _read(source, payload))
            elif kind == wire.DONE:
                return _media_info(payload)
            elif kind == wire.FAILED:
                raise _failure(mode, payload)
            elif kind == wire.AUDIO and on_audio is not None and not len(payload) % wire.BYTES_PER_SAMPLE:
                audio_bytes += len(payload)
                if audio_bytes > max_bytes:
                    raise errors.MediaTooLong
                await on_audio(payload)
            else:
                raise _overstepped(f"an unexpected message of kind {kind!r}")


async def _read(source: MediaSource, request: bytes) -> bytes:
    if len(request) != wire.RANGE.size:
        raise _overstepped("a malformed request for bytes")
    start, length = wire.RANGE.unpack(request)
    if length > wire.BLOCK_BYTES or start + length > source.size:
        raise _overstepped("a request beyond the file")
    return (await source.read_range(start, length))[:length]


class _Child:
    """The running process and the time it has left."""

    def __init__(self, process: Process, timeout_seconds: float) -> None:
        self._process = process
        # All three are pipes, which the types cannot know.
        self._stdin = cast("asyncio.StreamWriter", process.stdin)
        self._stdout = cast("asyncio.StreamReader", process.stdout)
        self._stderr = cast("asyncio.StreamReader", process.stderr)
        self._left_seconds = timeout_seconds

    async def ready(self) -> None:
        """Wait until it has given up its rights; before that it has seen nothing of the file, so the fault is ours."""
        try:
            async with self._clock():
                kind = await self._stdout.readexactly(len(wire.READY))
        except asyncio.IncompleteReadError:
            raise errors.EngineFailed("The decoder did not start.") from await self._end()
        if kind != wire.READY:
            raise errors.EngineFailed("The decoder did not start.")

    async def hear(self) -> tuple[bytes, bytes]:
        """The next message."""
        try:
            async with self._clock():
                kind, length = wire.HEADER.unpack(await self._stdout.readexactly(wire.HEADER.size))
                if length > wire.MAX_PAYLOAD_BYTES.get(kind, 0):
                    raise _overstepped(f"a message of kind {kind!r} and {length} bytes")
                return kind, await self._stdout.readexactly(length)
        except asyncio.IncompleteReadError:
            end = await self._end()
            if end.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
                raise errors.MediaLimitHit from end
            raise errors.MediaUnreadable("The file made the decoder fail.") from end

    async def answer(self, data: bytes) -> None:
        self._stdin.write(wire.ANSWER.pack(len(data)))
        self._stdin.write(data)
        # A child that died meanwhile is noticed, with its reason, at the next message.
        with contextlib.suppress(ConnectionError):
            async with self._clock():
                await self._stdin.drain()

    async def stop(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        self._stdin.close()
        # Reads what is still in the pipes, or their transports would stay open.
        await self._process.communicate()

    async def _end(self) -> "_ChildEnded":
        complaint = await self._stderr.read(STDERR_TAIL_BYTES)
        return _ChildEnded(await self._process.wait(), complaint.decode(errors="replace"))

    @asynccontextmanager
    async def _clock(self) -> AsyncIterator[None]:
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._left_seconds):
                yield
        except TimeoutError as error:
            raise errors.MediaLimitHit("Decoding took longer than allowed.") from error
        self._left_seconds -= time.monotonic() - started


class _ChildEnded(Exception):
    """How the child ended: the cause of what the caller sees."""

    def __init__(self, returncode: int, complaint: str) -> None:
        super().__init__(f"status {returncode}: {complaint or 'it said nothing'}")
        self.returncode = returncode


@asynccontextmanager
async def _started(mode: str, size: int, limits: MediaLimits) -> AsyncIterator[_Child]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "echoic.engines.decoder",
        mode,
        str(size),
        str(limits.max_duration_seconds),
        str(limits.memory_bytes),
        str(math.ceil(limits.timeout_seconds) + CPU_GRACE_SECONDS),
        str(os.getpid()),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        limit=wire.BLOCK_BYTES,
        # Ours holds secrets, such as the database's password; the child gets the way to its modules and no more.
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        cwd="/",
        # Ctrl-C in the terminal is for the parent, which ends its children in order.
        start_new_session=True,
    )
    child = _Child(process, limits.timeout_seconds)
    try:
        yield child
    finally:
        await child.stop()


def _failure(mode: str, reason: bytes) -> errors.EchoicError:
    if reason == wire.NOTHING_DECODED:
        return errors.NotAudio() if mode == "probe" else errors.MediaUnreadable()
    known: dict[bytes, errors.EchoicError] = {
        wire.UNKNOWN_CONTAINER: errors.NotAudio("The file is in no audio format that can be decoded."),
        wire.NO_AUDIO_STREAM: errors.NotAudio("The file has no sound."),
        wire.CODEC_REFUSED: errors.NotAudio("The file's sound is coded in a way that cannot be decoded."),
        wire.TOO_LONG: errors.MediaTooLong(),
        wire.OUT_OF_MEMORY: errors.MediaLimitHit("Decoding used more memory than allowed."),
    }
    return known.get(reason) or _overstepped("an unknown reason")


def _overstepped(what: str) -> errors.MediaUnreadable:
    return errors.MediaUnreadable(f"The decoder misbehaved: it sent {what}.")


def _media_info(payload: bytes) -> MediaInfo:
    try:
        found = json.loads(payload)
        duration = found["duration_seconds"]
        info = MediaInfo(
            container=_clean(found["container"]),
            codec=_clean(found["codec"]),
            duration_seconds=None if duration is None else float(duration),
            sample_rate=int(found["sample_rate"]),
            channels=int(found["channels"]),
            tags={_clean(key): _clean(value) for key, value in found["tags"].items()},
            balance=ChannelBalance(*(int(count) for count in found.get("balance", (0, 0, 0)))),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _overstepped("a malformed description") from error
    if info.duration_seconds is not None and not 0 <= info.duration_seconds < math.inf:
        raise _overstepped("an impossible duration")
    return info


def _clean(text: str) -> str:
    # Files hold anything; databases and JSON take no NUL and no half of a surrogate pair.
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "").strip()
