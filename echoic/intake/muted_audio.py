"""A recording, or a part of one, with silence in place of some stretches: decoded again for each reader, as WAV, and sent
as it comes.

Nothing of it is stored. A player that seeks asks for a range, for which the recording is decoded from its start.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import PurePosixPath

from echoic.db.items.items import Blob, Item
from echoic.engines.media.parent import MediaLimits, decode
from echoic.errors import DecoderLost, DecoderUnavailable, MutingBusy
from echoic.records import SpeechSpan
from echoic.redaction.sound import silenced
from echoic.settings import Settings
from echoic.storage.blobs import BlobReader, Blobs
from echoic.units import SAMPLE_RATE

BYTES_PER_SAMPLE = 2
HEADER_BYTES = 44
AT_ONCE = 4
"""Recordings that one process decodes for readers at a time; each takes one processor while it lasts."""
WAIT_SECONDS = 10.0
"""So long a reader waits for others'."""
STALLED_SECONDS = 20.0
"""A reader who takes nothing for so long, as a player that was paused, makes room for others and asks for the rest later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Muted:
    """A recording or a part of one, and the stretches of it that are silent."""

    item: Item
    audio: Blob
    spans: Sequence[SpeechSpan]
    """Stretches in which nothing is heard, in order and without overlap, in seconds of the recording."""
    start: float = 0.0
    """Seconds of the recording at which the file begins."""
    end: float | None = None
    """Seconds of the recording at which it ends; None: with the recording."""

    @property
    def first_sample(self) -> int:
        """The sample of the recording that is the file's first."""
        return round(self.start * SAMPLE_RATE)

    @property
    def samples(self) -> int:
        """Length in samples: what the decoder hands on is cut, or filled with silence, to this."""
        whole = self.item.duration_seconds or 0.0
        end = whole if self.end is None else min(self.end, whole)
        return max(round(end * SAMPLE_RATE) - self.first_sample, 0)

    @property
    def size_bytes(self) -> int:
        """Size of the WAV file."""
        return HEADER_BYTES + self.samples * BYTES_PER_SAMPLE

    def header(self) -> bytes:
        """Return the header of a WAV file with 16-bit mono samples (RIFF, WAVE_FORMAT_PCM)."""
        data = self.samples * BYTES_PER_SAMPLE
        rate = SAMPLE_RATE * BYTES_PER_SAMPLE
        form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, SAMPLE_RATE, rate, BYTES_PER_SAMPLE, 8 * BYTES_PER_SAMPLE)
        return b"RIFF" + struct.pack("<I", HEADER_BYTES - 8 + data) + b"WAVE" + form + b"data" + struct.pack("<I", data)


class MutedAudio:
    """Decodes recordings in a confined process and mutes them."""

    def __init__(self, settings: Settings, *, blobs: Blobs) -> None:
        self._limits = MediaLimits.from_settings(settings)
        self._blobs = blobs
        self._free = asyncio.Semaphore(AT_ONCE)

    async def stream(self, muted: Muted, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` up to, not including, ``end`` of the WAV file.

        Raises:
            MutingBusy: too many others are being sent, or the reader took nothing for long.
            MediaUnreadable, MediaTooLong, MediaLimitHit, NotAudio: the sound cannot be read.
            BlobNotFound, DecoderUnavailable, StorageUnavailable: it cannot be read now.
        """
        # It goes with the first sound: a recording that cannot be read is to be an error, not the head of a file.
        head = muted.header()[start:end]
        if end <= HEADER_BYTES:
            yield head
            return
        start = max(start, HEADER_BYTES)
        # The place in the file of what is decoded next: before its beginning, where the file is a later part.
        beginning = HEADER_BYTES - muted.first_sample * BYTES_PER_SAMPLE
        position = beginning
        async with aclosing(self._decoded(muted)) as decoded:  # type: ignore[type-var]  # it is a generator
            async for pcm in decoded:
                first, last = max(start, position), min(end, position + len(pcm))
                if first < last:
                    sound = silenced(pcm, (position - beginning) // BYTES_PER_SAMPLE, muted.spans)
                    yield head + sound[first - position : last - position]
                    head = b""
                position += len(pcm)
                if position >= end:
                    return
        if max(start, position) < end:
            yield head + bytes(end - max(start, position))

    async def _decoded(self, muted: Muted) -> AsyncIterator[bytes]:
        pieces: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=1)
        decoding = asyncio.create_task(self._decode(muted, pieces))
        try:
            while (pcm := await _next(pieces, decoding)) is not None:
                yield pcm
        finally:
            decoding.cancel()
            await asyncio.gather(decoding, return_exceptions=True)

    async def _decode(self, muted: Muted, pieces: "asyncio.Queue[bytes | None]") -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._free.acquire()
        except TimeoutError as error:
            raise MutingBusy from error

        async def hand_on(pcm: bytes) -> None:
            try:
                async with asyncio.timeout(STALLED_SECONDS):
                    await pieces.put(pcm)
            except TimeoutError as error:
                raise MutingBusy from error

        extension = PurePosixPath(muted.item.original_filename or "").suffix.removeprefix(".")
        source = BlobReader(self._blobs, muted.audio.key, muted.audio.size_bytes)
        try:
            await decode(source, self._limits, on_audio=hand_on, extension=extension)
        except DecoderLost as error:
            raise DecoderUnavailable from error
        finally:
            self._free.release()
        await pieces.put(None)


async def _next(pieces: "asyncio.Queue[bytes | None]", decoding: "asyncio.Task[None]") -> bytes | None:
    """Return the next piece, None after the last; raise what ended the decoding before."""
    piece = asyncio.ensure_future(pieces.get())
    try:
        await asyncio.wait({piece, decoding}, return_when=asyncio.FIRST_COMPLETED)
        if not piece.done() and decoding.done():
            decoding.result()
        return await piece
    finally:
        piece.cancel()
