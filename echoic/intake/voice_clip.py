"""A clip of one voice becomes a voiceprint. The recording is held in memory and kept nowhere."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field, replace

from echoic.engines.media.parent import MediaLimits, as_audio, decode
from echoic.engines.protocols import DiarizeOptions
from echoic.engines.registry import Engines
from echoic.engines.voiceprints import SAME_VOICE, join_voices, stretches_alone
from echoic.errors import MediaTooLong, VoiceUnclear
from echoic.intake.body import Body, Sink, file_cap
from echoic.intake.file_names import split_extension
from echoic.intake.multipart import FilePart, read_form
from echoic.intake.probe import judged
from echoic.records import SAMPLE_RATE, Audio, Voiceprint, VoiceVector
from echoic.settings import Settings

CLIP_CAP = file_cap(20 * 1_048_576)
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


async def read_voice(body: Body, content_type: str, *, engines: Engines, settings: Settings) -> Voiceprint:
    """The voice in a form's file. Raises what ``read_form`` raises, NotAudio, DecoderUnavailable, and VoiceUnclear."""
    clip = _Clip()

    async def open_sink(part: FilePart) -> Sink:
        _, clip.extension = split_extension(part.file_name)
        return clip

    await read_form(body, content_type, cap=CLIP_CAP, open_sink=open_sink)
    audio = await _decoded(clip, settings)
    return await asyncio.to_thread(voice_of, audio, engines)


def voice_of(audio: Audio, engines: Engines) -> Voiceprint:
    """The one voice in a short recording. Raises VoiceUnclear."""
    with engines.diarizer.use() as diarizer:
        diarization = diarizer.diarize(
            lambda start, end: audio[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)],
            len(audio) / SAMPLE_RATE,
            options=DiarizeOptions(),
        )
    heard: dict[str, list[tuple[VoiceVector, float]]] = defaultdict(list)
    with engines.voice_encoder.use() as encoder:
        for stretch in stretches_alone(diarization):
            samples = audio[round(stretch.start * SAMPLE_RATE) : round(stretch.end * SAMPLE_RATE)]
            heard[stretch.speaker].append((encoder.embed(samples), stretch.end - stretch.start))
    voices = [voice for voice in (join_voices(parts) for parts in heard.values()) if voice is not None]
    if not voices:
        raise VoiceUnclear
    # Told apart once more, by the whole of each: one person may well be taken for two in a short clip.
    first = max(voices, key=lambda voice: voice.seconds)
    if any(float(first.vector @ other.vector) < SAME_VOICE for other in voices):
        raise VoiceUnclear("More than one voice is heard in the clip.")
    whole = join_voices(part for parts in heard.values() for part in parts)
    return whole or first


async def _decoded(clip: _Clip, settings: Settings) -> Audio:
    limits = replace(
        MediaLimits.from_settings(settings), timeout_seconds=DECODE_SECONDS, max_duration_seconds=MAX_CLIP_SECONDS
    )
    pcm = bytearray()

    async def keep(window: bytes) -> None:
        pcm.extend(window)

    try:
        with judged():
            await decode(clip, limits, on_audio=keep, extension=clip.extension)
    except MediaTooLong as error:
        raise VoiceUnclear(f"The clip is longer than {MAX_CLIP_SECONDS:.0f} s.") from error
    return as_audio(pcm)
