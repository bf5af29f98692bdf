"""The conversation with the process that decodes: it is served the source's bytes; what it says is checked and handed on."""

import re
from collections.abc import Awaitable, Callable
from typing import Protocol

from echoic import errors
from echoic.engines.media import wire
from echoic.engines.media.parent.answers import failure, media_info, readable
from echoic.engines.media.parent.child_process import MediaLimits, overstepped, started
from echoic.engines.media.parent.spare import SpareChild
from echoic.records import MediaInfo
from echoic.units import MB, SAMPLE_RATE

_FOREIGN_TO_EXTENSIONS = re.compile(r"[^a-z0-9]|(?<=.{12}).*")
OnAudio = Callable[[bytes], Awaitable[None]]


class MediaSource(Protocol):
    """The bytes of one file, wherever they lie."""

    @property
    def size(self) -> int: ...

    async def read_range(self, start: int, length: int) -> bytes:
        """Return bytes from ``start``; the range lies within the file."""
        ...


async def probe(
    source: MediaSource, limits: MediaLimits, *, extension: str = "", spare: SpareChild | None = None
) -> MediaInfo:
    """Return what the file says of itself, once some of its sound was really decoded; reads little of it.

    ``extension`` is that of the file's name; it decides where the bytes do not say what they are. ``spare`` saves the time
    that a child takes to start.
    ``duration_seconds`` is the file's claim and may be wrong or missing. Raises ``errors.NotAudio``,
    ``errors.MediaUnreadable``, ``errors.MediaLimitHit``, and ``errors.DecoderLost`` for what is not the
    file's fault.
    """
    return await _converse(wire.PROBE, source, limits, extension, spare=spare)


async def decode(
    source: MediaSource,
    limits: MediaLimits,
    *,
    on_audio: OnAudio,
    extension: str = "",
    voice: int | None = None,
    spare: SpareChild | None = None,
) -> MediaInfo:
    """Decode all recordings of the file and hand them on as they come; the memory used does not grow with the length.

    Tracks and channels are mixed into one, unless ``voice`` asks for a single one, by its place in ``balance.alone`` of
    the result.

    ``on_audio`` gets little-endian signed 16-bit mono samples at ``records.SAMPLE_RATE``, 10 seconds at a time (the
    last time what is left), and the child waits for it. Broken stretches are passed over, gaps in the file's clock
    become silence. ``duration_seconds`` of the result is exactly what was handed on.
    Raises ``errors.NotAudio``, ``errors.MediaUnreadable`` (also where nothing could be decoded),
    ``errors.MediaTooLong``, ``errors.MediaLimitHit``, ``errors.DecoderLost`` for what is not the file's
    fault, and what ``read_range`` and ``on_audio`` raise.
    """
    mode = wire.DECODE if voice is None else str(voice)
    return await _converse(mode, source, limits, extension, on_audio, spare=spare)


async def _converse(
    mode: str,
    source: MediaSource,
    limits: MediaLimits,
    extension: str,
    on_audio: OnAudio | None = None,
    *,
    spare: SpareChild | None,
) -> MediaInfo:
    max_bytes = limits.max_duration_seconds * SAMPLE_RATE * wire.BYTES_PER_SAMPLE
    audio_bytes = read_bytes = 0
    ahead = spare.take() if spare is not None else None
    extension = _FOREIGN_TO_EXTENSIONS.sub("", extension.lower())
    async with started(mode, source.size, extension, limits, ahead) as child:
        await child.ready()
        while True:
            kind, payload = await child.hear()
            if kind == wire.READ:
                data = await _read(source, payload)
                read_bytes += len(data)
                if limits.read_bytes is not None and read_bytes > limits.read_bytes:
                    raise errors.MediaLimitHit(f"Decoding read more than {limits.read_bytes // MB} MiB.")
                await child.answer(data)
            elif kind == wire.OPENED and not child.file_kind:
                child.file_kind = readable(payload)
            elif kind == wire.DONE:
                return media_info(payload)
            elif kind == wire.FAILED:
                raise failure(mode, payload)
            elif kind == wire.AUDIO and on_audio is not None and not len(payload) % wire.BYTES_PER_SAMPLE:
                audio_bytes += len(payload)
                if audio_bytes > max_bytes:
                    raise errors.MediaTooLong
                await on_audio(payload)
            else:
                raise overstepped(f"an unexpected message of kind {kind!r}")


async def _read(source: MediaSource, request: bytes) -> bytes:
    if len(request) != wire.RANGE.size:
        raise overstepped("a malformed request for bytes")
    start, length = wire.RANGE.unpack(request)
    if length > wire.READ_BYTES or start + length > source.size:
        raise overstepped("a request beyond the file")
    return (await source.read_range(start, length))[:length]
