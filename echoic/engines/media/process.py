"""The conversation with the process that decodes: it is served the source's bytes; what it says is checked and handed on."""

import json
import math
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

from echoic import errors
from echoic.engines.decoder import wire
from echoic.engines.media.child import BYTES_PER_MB, MediaLimits, overstepped, started
from echoic.records import ChannelBalance, MediaInfo

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


async def probe(source: MediaSource, limits: MediaLimits) -> MediaInfo:
    """What the file says of itself, once some of its sound was really decoded; reads little of it.

    ``duration_seconds`` is the file's claim and may be wrong or missing. Raises ``errors.NotAudio``,
    ``errors.MediaUnreadable``, ``errors.MediaLimitHit``, and for what is not the file's fault ``errors.DecoderLost`` and
    ``errors.EngineFailed``.
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
    ``errors.MediaTooLong``, ``errors.MediaLimitHit``, for what is not the file's fault ``errors.DecoderLost`` and
    ``errors.EngineFailed``, and what ``read_range`` and ``on_audio`` raise.
    """
    mode: Mode = "decode" if channel is None else "0" if channel == 0 else "1"
    return await _converse(mode, source, limits, on_audio)


async def _converse(mode: Mode, source: MediaSource, limits: MediaLimits, on_audio: OnAudio | None = None) -> MediaInfo:
    max_bytes = limits.max_duration_seconds * wire.SAMPLE_RATE * wire.BYTES_PER_SAMPLE
    audio_bytes = read_bytes = 0
    async with started(mode, source.size, limits) as child:
        await child.ready()
        while True:
            kind, payload = await child.hear()
            if kind == wire.READ:
                data = await _read(source, payload)
                read_bytes += len(data)
                if limits.read_bytes is not None and read_bytes > limits.read_bytes:
                    raise errors.MediaLimitHit(f"Decoding read more than {limits.read_bytes // BYTES_PER_MB} MiB.")
                await child.answer(data)
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
                raise overstepped(f"an unexpected message of kind {kind!r}")


async def _read(source: MediaSource, request: bytes) -> bytes:
    if len(request) != wire.RANGE.size:
        raise overstepped("a malformed request for bytes")
    start, length = wire.RANGE.unpack(request)
    if length > wire.BLOCK_BYTES or start + length > source.size:
        raise overstepped("a request beyond the file")
    return (await source.read_range(start, length))[:length]


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
    return known.get(reason) or overstepped("an unknown reason")


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
        raise overstepped("a malformed description") from error
    if info.duration_seconds is not None and not 0 <= info.duration_seconds < math.inf:
        raise overstepped("an impossible duration")
    return info


def _clean(text: str) -> str:
    # Files hold anything; databases and JSON take no NUL and no half of a surrogate pair.
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "").strip()
