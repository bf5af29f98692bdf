"""Rehearsal of decoding on this machine: a recording of our own goes the whole way through the child.

A decoder that does not work (a library that is missing or of another version, limits that it cannot live with) is the
operator's to repair, and is to be seen before the first upload meets it.
"""

import asyncio
import contextlib
import io
import time
import wave
from dataclasses import replace

from echoic import errors
from echoic.engines.media import wire
from echoic.engines.media.parent.child_process import ChildEnded, MediaLimits
from echoic.engines.media.parent.conversation import decode
from echoic.logs import get_logger

REHEARSAL_SECONDS = 30.0
REHEARSED_SECONDS = 0.5
"""Length of the recording: enough for the resampler to hand something on."""
FRESH_SECONDS = 60.0
"""For which a rehearsal that went well is believed."""
AGAIN_SECONDS = 5.0
"""After a rehearsal that failed, the time until the next."""
PATIENCE_SECONDS = 2.0
"""Who asks waits so long for a rehearsal under way, then gets the result of the last one: machines are busy at times."""

logger = get_logger(__name__)


async def rehearse(limits: MediaLimits) -> None:
    """Decode half a second of our own under these limits. Raises ``errors.DecoderUnusable``, which names the cause."""
    limits = replace(limits, timeout_seconds=min(limits.timeout_seconds, REHEARSAL_SECONDS))
    try:
        await decode(_Silence(), limits, on_audio=_pass_over)
    except errors.EchoicError as error:
        end = error.__cause__
        # What a child says at its end is nearer to the cause than what it means for a file.
        is_start = isinstance(error, errors.DecoderNotStarted)
        cause = end.reason if isinstance(end, ChildEnded) and not is_start else error.message
        raise errors.DecoderUnusable(f"Recordings cannot be decoded on this machine: {cause}") from error


class DecoderWatch:
    """Knows whether the decoder works, by a rehearsal from time to time when somebody asks."""

    def __init__(self, limits: MediaLimits) -> None:
        self._limits = limits
        self._fault: errors.DecoderUnusable | None = None
        self._due = time.monotonic()
        self._rehearsal: asyncio.Task[None] | None = None

    async def check(self) -> None:
        """Raises ``errors.DecoderUnavailable``, with the cause, where the last rehearsal failed."""
        if self._rehearsal is None and time.monotonic() >= self._due:
            self._rehearsal = asyncio.create_task(self._rehearse())
        if self._rehearsal is not None:
            await asyncio.wait({self._rehearsal}, timeout=PATIENCE_SECONDS)
        if self._fault is not None:
            raise errors.DecoderUnavailable(self._fault.message) from self._fault

    async def close(self) -> None:
        """End a rehearsal under way."""
        if self._rehearsal is not None:
            self._rehearsal.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._rehearsal

    async def _rehearse(self) -> None:
        known = self._fault
        try:
            await rehearse(self._limits)
        except errors.DecoderUnusable as fault:
            self._fault = fault
            if known is None:
                logger.error("decoder_unusable", cause=fault.message)  # noqa: TRY400  the cause says it all
        else:
            self._fault = None
            if known is not None:
                logger.info("decoder_usable_again")
        finally:
            self._due = time.monotonic() + (FRESH_SECONDS if self._fault is None else AGAIN_SECONDS)
            self._rehearsal = None


class _Silence:
    """A stereo WAV of silence, as a source."""

    def __init__(self) -> None:
        content = io.BytesIO()
        with wave.open(content, "wb") as file:
            file.setparams((2, wire.BYTES_PER_SAMPLE, 8000, 0, "NONE", ""))
            file.writeframes(bytes(round(REHEARSED_SECONDS * 8000) * 2 * wire.BYTES_PER_SAMPLE))
        self._content = content.getvalue()

    @property
    def size(self) -> int:
        return len(self._content)

    async def read_range(self, start: int, length: int) -> bytes:
        return self._content[start : start + length]


async def _pass_over(_: bytes) -> None:
    """Drop the samples: the rehearsal asks only whether they come."""
