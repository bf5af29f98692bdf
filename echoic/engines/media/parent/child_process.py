"""The child process that opens media, as its parent holds it: started, listened to within its time, ended.

It is not trusted: its messages are bounded, and it is killed when it oversteps. How it ended decides whose fault that
was: the file's, or somebody's who ended it from outside.
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
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import cast

import psutil

from echoic import errors
from echoic.engines.media import wire
from echoic.processes import signal_child
from echoic.settings import Settings
from echoic.units import MB

STDERR_TAIL_BYTES = 4096
MAX_REASON_CHARS = 300
CPU_GRACE_SECONDS = 5
"""Processor time the child may use beyond its wall time, where it has no limit of its own: the clock rings first."""
START_SECONDS = 60.0
"""Within which the child is ready; it takes well under a second, the rest is for a machine that is busy."""
STARVED_SHARE = 0.1
"""A child that got less of a processor than this share of its time was kept from working; no file does that."""
SINGLE_THREADED = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Libraries for arrays start a thread for each core when they are loaded; some of what confines a process confines one
thread."""
FAULTS = frozenset(
    (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS)
)
"""Signals that a process earns by what it does itself; any other, SIGXCPU left out, was sent by somebody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaLimits:
    """Limits for opening one file: on time, memory, the length of the recording, and the bytes read."""

    timeout_seconds: float
    """Time the child may take in all; reading the source and consuming the audio do not count."""
    memory_bytes: int
    """Memory the child may use beyond what its libraries take."""
    max_duration_seconds: float
    cpu_seconds: int | None = None
    """Processor time the child may use once it is ready; None: as much as the clock allows."""
    read_bytes: int | None = None
    """Bytes of the file that are read, one read twice counting twice; None: as many as it takes."""

    @classmethod
    def from_settings(cls, settings: Settings) -> "MediaLimits":
        return cls(
            timeout_seconds=settings.decode_timeout_seconds,
            memory_bytes=settings.decode_memory_mb * MB,
            max_duration_seconds=settings.max_duration_seconds,
        )


class Child:
    """The running process and the time it has left.

    Whatever waits for it raises ``errors.MediaLimitHit`` or ``errors.MediaUnreadable`` for what the file did, and
    ``errors.DecoderLost`` for what did not lie in it.
    """

    def __init__(self, process: Process, limits: MediaLimits) -> None:
        self._process = process
        self._limits = limits
        # All three are pipes, which the types cannot know.
        self._stdin = cast("asyncio.StreamWriter", process.stdin)
        self._stdout = cast("asyncio.StreamReader", process.stdout)
        self._stderr = cast("asyncio.StreamReader", process.stderr)
        self._left_seconds = limits.timeout_seconds
        self._start_cpu_seconds = 0.0
        self.file_kind = ""
        """What the child says that the file is, for people."""

    async def ready(self) -> tuple[str, ...]:
        """Wait until it has given up its rights; before that it has seen nothing of the file, so the fault is ours.

        Returns the layers of its confinement that hold, of ``wire.LAYERS``.
        """
        try:
            async with asyncio.timeout(START_SECONDS):
                layers = _layers(*await self._message())
        except TimeoutError as error:
            raise errors.DecoderNotStarted(f"The decoder did not start within {START_SECONDS:.0f} seconds.") from error
        except asyncio.IncompleteReadError:
            end = await self._end()
            raise (_killed(end) or errors.DecoderNotStarted(f"The decoder did not start: {end.reason}")) from end
        except (errors.MediaUnreadable, ValueError) as error:
            raise errors.DecoderNotStarted(
                "The decoder did not start: it sent something else than that it is ready."
            ) from error
        self._start_cpu_seconds = _cpu_seconds(self._process.pid)
        return layers

    async def hear(self) -> tuple[bytes, bytes]:
        """Return the next message."""
        try:
            async with self._clock():
                return await self._message()
        except asyncio.IncompleteReadError:
            end = await self._end()
            if end.returncode == -signal.SIGXCPU:
                raise errors.MediaLimitHit(
                    f"Decoding used more than {_cpu_limit(self._limits)} s of processor time."
                ) from end
            raise (_killed(end) or errors.MediaUnreadable(self._failed_words())) from end

    def _failed_words(self) -> str:
        kind = f" ({self.file_kind})" if self.file_kind else ""
        return f"The decoder failed on this file{kind}; a copy in another format may be decoded."

    def order(self, wanted: wire.Order) -> None:
        """Tell it which file it is to open, and within which limits."""
        self._write(json.dumps(asdict(wanted)).encode())

    async def answer(self, data: bytes) -> None:
        self._write(data)
        with contextlib.suppress(ConnectionError):
            async with self._clock():
                await self._stdin.drain()

    async def stop(self) -> None:
        await stop(self._process)

    def _write(self, data: bytes) -> None:
        # A child that died meanwhile is noticed, with its reason, at the next message. Loops differ in what they say of
        # writing to it: asyncio's own warns, uvloop's raises a RuntimeError.
        for piece in (wire.ANSWER.pack(len(data)), data):
            if self._stdin.is_closing():
                return
            self._stdin.write(piece)

    async def _message(self) -> tuple[bytes, bytes]:
        kind, length = wire.HEADER.unpack(await self._stdout.readexactly(wire.HEADER.size))
        if length > wire.MAX_PAYLOAD_BYTES.get(kind, 0):
            raise overstepped(f"a message of kind {kind!r} and {length} bytes")
        return kind, await self._stdout.readexactly(length)

    async def _end(self) -> "ChildEnded":
        complaint = await self._stderr.read(STDERR_TAIL_BYTES)
        return ChildEnded(await self._process.wait(), complaint.decode(errors="replace"))

    @asynccontextmanager
    async def _clock(self) -> AsyncIterator[None]:
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._left_seconds):
                yield
        except TimeoutError as error:
            worked_seconds = _cpu_seconds(self._process.pid) - self._start_cpu_seconds
            allowed_seconds = self._limits.timeout_seconds
            if worked_seconds < allowed_seconds * STARVED_SHARE:
                raise errors.DecoderLost(
                    f"The decoder could not work: it got {worked_seconds:.1f} s of processor time in "
                    f"{allowed_seconds:.1f} s."
                ) from error
            raise errors.MediaLimitHit(f"Decoding took longer than {allowed_seconds:g} s.") from error
        self._left_seconds -= time.monotonic() - started


class ChildEnded(Exception):
    """The end of the child: the cause of what the caller sees."""

    def __init__(self, returncode: int, complaint: str) -> None:
        super().__init__(f"status {returncode}: {complaint or 'it said nothing'}")
        self.returncode = returncode
        self._complaint = complaint

    @property
    def reason(self) -> str:
        """One line: the last that it said, which of a traceback is the error itself."""
        lines = self._complaint.split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        if said:
            return said[:MAX_REASON_CHARS]
        by_signal = self.returncode < 0
        return f"it ended by signal {-self.returncode}." if by_signal else f"it ended with status {self.returncode}."


def _killed(end: ChildEnded) -> errors.DecoderLost | None:
    """Return the error where somebody ended the child; its own limits and its own faults end it in other ways.

    SIGKILL is nobody's verdict on the file: the kernel sends it where the machine runs out of memory, people and
    supervisors where they please. What the child may take is told by SIGXCPU, by its own word, or by our clock.
    """
    if end.returncode >= 0 or -end.returncode in FAULTS:
        return None
    how = f"signal {-end.returncode}" + (", memory may have run out" if end.returncode == -signal.SIGKILL else "")
    return errors.DecoderLost(f"The process that decodes was ended from outside ({how}).")


def _layers(kind: bytes, payload: bytes) -> tuple[str, ...]:
    if kind != wire.READY:
        raise overstepped(f"a message of kind {kind!r} before it was ready")
    said = json.loads(payload)
    return tuple(layer for layer in wire.LAYERS if layer in said)


def _cpu_limit(limits: MediaLimits) -> int:
    return limits.cpu_seconds or math.ceil(limits.timeout_seconds) + CPU_GRACE_SECONDS


def _cpu_seconds(pid: int) -> float:
    """Processor time that a child has used; none where it has just ended."""
    try:
        used = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(used.user + used.system)


@asynccontextmanager
async def started(
    mode: str, size: int, extension: str, limits: MediaLimits, ahead: Process | None = None
) -> AsyncIterator[Child]:
    """Yield a child for one file of ``size`` bytes with that extension, gone when the block ends.

    ``ahead`` is a process that ``start`` has started before.
    Raises ``errors.DecoderNotStarted``.
    """
    try:
        process = ahead or await start()
    except OSError as error:
        raise errors.DecoderNotStarted(f"The decoder did not start: {error.strerror}.") from error
    child = Child(process, limits)
    try:
        child.order(
            wire.Order(
                mode=mode,
                size_bytes=size,
                extension=extension,
                max_seconds=limits.max_duration_seconds,
                memory_bytes=limits.memory_bytes,
                cpu_seconds=_cpu_limit(limits),
            )
        )
        yield child
    finally:
        await child.stop()


async def start() -> Process:
    """Start a child, which waits for its order. Raises OSError."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "echoic.engines.media.child",
        str(os.getpid()),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        limit=wire.READ_BYTES,
        # Ours holds secrets, such as the database's password; the child gets the way to its modules and no more.
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **SINGLE_THREADED},
        cwd="/",
        # Ctrl-C in the terminal is for the parent, which ends its children in order.
        start_new_session=True,
    )


async def stop(process: Process) -> None:
    """End a child now."""
    signal_child(process, signal.SIGKILL)
    if process.stdin is not None:
        process.stdin.close()
    # Reads what is still in the pipes, or their transports would stay open.
    await process.communicate()


def overstepped(what: str) -> errors.MediaUnreadable:
    """Return the error where a child says what no decoder of ours would."""
    return errors.MediaUnreadable(f"The decoder misbehaved: it sent {what}.")
