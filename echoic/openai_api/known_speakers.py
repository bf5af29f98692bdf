"""Known speakers: clips of them, as data URLs or files, become the voices that the run is given."""

import base64
import binascii
import re
from collections.abc import Sequence

from echoic.compose import Components
from echoic.errors import NotAudio, VoiceUnclear
from echoic.intake.voice_clip import decode_clip
from echoic.openai_api.failures import invalid
from echoic.openai_api.form import REFERENCES
from echoic.records import KnownVoice, Voiceprint
from echoic.units import SAMPLE_RATE
from echoic.voices.clip import voice_of_reference

MIN_SECONDS = 2.0
MAX_SECONDS = 10.0
TOLERANCE_SECONDS = 0.1
"""By which codecs make a clip shorter or longer than it was cut."""

_DATA_URL = re.compile(r"data:(?P<type>[^;,]*)(?:;[^;,]*)*?;base64,(?P<content>.*)", re.IGNORECASE | re.DOTALL)


def clip_bytes(reference: str | bytes, name: str) -> bytes:
    """Return the bytes of a reference clip. Raises FieldInvalid for what is no data URL in base64."""
    if isinstance(reference, bytes):
        return reference
    found = _DATA_URL.fullmatch(reference)
    if found is None:
        raise invalid(
            REFERENCES,
            f"The reference of {name!r} must be a data URL in base64, as data:audio/wav;base64,…, or a file.",
        )
    try:
        return base64.b64decode("".join(found["content"].split()), validate=True)
    except binascii.Error as error:
        raise invalid(REFERENCES, f"The reference of {name!r} is not in base64.") from error


async def known_voices(components: Components, names: Sequence[str], clips: Sequence[bytes]) -> list[KnownVoice]:
    """Return the voices of the people in clips. Raises FieldInvalid, which names the speaker, and DecoderUnavailable."""
    return [await _known_voice(components, name, clip) for name, clip in zip(names, clips, strict=True)]


async def _known_voice(components: Components, name: str, clip: bytes) -> KnownVoice:
    try:
        voice = await _voice(components, clip)
    except (VoiceUnclear, NotAudio) as error:
        wanted = f"{MIN_SECONDS:g} to {MAX_SECONDS:g} s of one voice are needed"
        raise invalid(REFERENCES, f"The reference of {name!r} cannot be used; {wanted}. {error.message}") from error
    return KnownVoice(
        name=name,
        vector=[float(number) for number in voice.vector],
        seconds=voice.seconds,
        engine=components.engines.voice_encoder.id.label,
    )


async def _voice(components: Components, clip: bytes) -> Voiceprint:
    audio = await decode_clip(clip, components.settings, max_seconds=MAX_SECONDS + TOLERANCE_SECONDS)
    if len(audio) / SAMPLE_RATE < MIN_SECONDS - TOLERANCE_SECONDS:
        raise VoiceUnclear(f"The clip is shorter than {MIN_SECONDS:g} s.")
    return await voice_of_reference(audio, components.engines)
