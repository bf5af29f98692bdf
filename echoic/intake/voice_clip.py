"""Reads a clip of a voice from a form. The recording is held in memory and kept nowhere."""

from dataclasses import dataclass, field, replace

from echoic.engines.media.parent import MediaLimits, as_audio, decode
from echoic.errors import MediaTooLong, VoiceUnclear
from echoic.intake.body import Body, Sink, file_cap
from echoic.intake.file_names import split_extension
from echoic.intake.multipart import FilePart, read_form
from echoic.intake.probe import refusals_named
from echoic.records import Audio
from echoic.settings import Settings
from echoic.units import MB

CLIP_CAP = file_cap(20 * MB)
MAX_CLIP_SECONDS = 300.0
DECODE_SECONDS = 60.0
"""The uploader waits for it."""


@dataclass(slots=True)
class _Clip:
    """Bytes in memory, as a sink and as the decoder reads them."""

    content: bytearray = field(default_factory=bytearray)
    extension: str = ""

    @property
    def size(self) -> int:
        return len(self.content)

    async def write(self, chunk: bytes) -> None:
        self.content += chunk

    async def read_range(self, start: int, length: int) -> bytes:
        return bytes(self.content[start : start + length])


async def read_clip(body: Body, content_type: str, settings: Settings) -> Audio:
    """The audio of a form's file. Raises what ``read_form`` raises, NotAudio, DecoderUnavailable, and VoiceUnclear."""
    clip = _Clip()

    async def open_sink(part: FilePart) -> Sink:
        _, clip.extension = split_extension(part.file_name)
        return clip

    await read_form(body, content_type, cap=CLIP_CAP, open_sink=open_sink)
    return await _decoded(clip, settings, max_seconds=MAX_CLIP_SECONDS)


async def decode_clip(content: bytes, settings: Settings, *, max_seconds: float) -> Audio:
    """Return the audio of a clip. Raises NotAudio, DecoderUnavailable, and VoiceUnclear for a longer one."""
    return await _decoded(_Clip(bytearray(content)), settings, max_seconds=max_seconds)


async def _decoded(clip: _Clip, settings: Settings, *, max_seconds: float) -> Audio:
    limits = replace(
        MediaLimits.from_settings(settings), timeout_seconds=DECODE_SECONDS, max_duration_seconds=max_seconds
    )
    pcm = bytearray()

    async def keep(window: bytes) -> None:
        pcm.extend(window)

    try:
        with refusals_named():
            await decode(clip, limits, on_audio=keep, extension=clip.extension)
    except MediaTooLong as error:
        raise VoiceUnclear(f"The clip is longer than {max_seconds:g} s.") from error
    return as_audio(pcm)
