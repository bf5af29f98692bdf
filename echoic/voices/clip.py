"""Makes a voiceprint from a clip of one voice."""

import asyncio
from collections import defaultdict

import numpy as np

from echoic.engines.protocols import DiarizeOptions
from echoic.engines.registry import Engines
from echoic.errors import VoiceUnclear
from echoic.records import Audio, Voiceprint, VoiceVector
from echoic.units import SAMPLE_RATE
from echoic.voices.voiceprints import join_voices, stretches_alone

MIN_REFERENCE_SECONDS = 1.0
"""The least speech in a clip of a known speaker."""
ONE_VOICE = 0.45
"""The least cosine of two stretches of a clip that may be one person's."""


async def voice_in(audio: Audio, engines: Engines) -> Voiceprint:
    """Make the voiceprint of the one voice in a short recording, in a thread. Raises VoiceUnclear."""
    return await asyncio.to_thread(_voice_in, audio, engines)


async def voice_of_reference(audio: Audio, engines: Engines) -> Voiceprint:
    """Make the voiceprint of a clip of a few seconds that is said to hold one voice, in a thread.

    Shorter speech than ``voice_in`` needs is enough, ``MIN_REFERENCE_SECONDS`` of it. Raises VoiceUnclear for less.
    """
    return await asyncio.to_thread(_voice_of_reference, audio, engines)


def _voice_of_reference(audio: Audio, engines: Engines) -> Voiceprint:
    with engines.speech_detector.use() as detector:
        spans = detector.detect_speech(audio)
    said = [audio[round(span.start * SAMPLE_RATE) : round(span.end * SAMPLE_RATE)] for span in spans]
    seconds = sum(map(len, said)) / SAMPLE_RATE
    if seconds < MIN_REFERENCE_SECONDS:
        raise VoiceUnclear(f"Only {seconds:.1f} s of speech are heard in the clip.")
    with engines.voice_encoder.use() as encoder:
        return Voiceprint(vector=encoder.embed(np.concatenate(said)), seconds=round(seconds, 3))


def _voice_in(audio: Audio, engines: Engines) -> Voiceprint:
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
    # In a short clip, the diarizer may take one person for two; the whole of each voice tells.
    first = max(voices, key=lambda voice: voice.seconds)
    if any(float(first.vector @ other.vector) < ONE_VOICE for other in voices):
        raise VoiceUnclear("More than one voice is heard in the clip.")
    whole = join_voices(part for parts in heard.values() for part in parts)
    return whole or first
