"""Diarizer and voice encoder without models: deterministic, instant, bound by the contract tests of the real ones.

Who speaks is decided by how high the sound is, so tones and low or high voices come apart; it means nothing else.
"""

from collections.abc import Callable

import numpy as np

from echoic.engines.protocols import MIN_VOICE_SECONDS, AudioReader, DiarizeOptions
from echoic.records import Audio, Diarization, EngineId, SpeakerTurn, VoiceVector, milliseconds, speaker_label
from echoic.units import SAMPLE_RATE

VERSION = "1"
DIARIZER_ID = EngineId(name="fake", model="pitch", version=VERSION)
VOICE_ENCODER_ID = EngineId(name="fake", model="spectrum", version=VERSION)

DIMENSIONS = 192
SILENCE_RMS = 0.003
"""Audio below this level (about -50 dB of full scale) counts as silence."""
STEP_SECONDS = 0.5
OCTAVE_HERTZ = 150.0
"""The border between the first voice and the second; each further octave is a voice of its own."""


class FakeDiarizer:
    """Gives each half second to the octave it sounds in."""

    id = DIARIZER_ID

    def diarize(
        self,
        read: AudioReader,
        duration_seconds: float,
        *,
        options: DiarizeOptions,
        on_progress: Callable[[float], None] | None = None,
    ) -> Diarization:
        turns: list[SpeakerTurn] = []
        names: dict[int, str] = {}
        start = 0.0
        while start < duration_seconds:
            end = min(start + STEP_SECONDS, duration_seconds)
            samples = read(start, end)
            if _level(samples) > SILENCE_RMS and milliseconds(end) > milliseconds(start):
                voice = _octave(samples)
                if voice not in names and len(names) < (options.most or len(names) + 1):
                    names[voice] = speaker_label(len(names))
                _extend(turns, start, end, names.get(voice, "SPEAKER_00"))
            start = end
            if on_progress is not None:
                on_progress(end)
        return Diarization(turns=tuple(turns), exclusive=tuple(turns), speakers=tuple(names.values()))

    def close(self) -> None: ...


class FakeVoiceEncoder:
    """The shape of the spectrum."""

    id = VOICE_ENCODER_ID
    dimensions = DIMENSIONS

    def embed(self, audio: Audio) -> VoiceVector:
        if len(audio) < MIN_VOICE_SECONDS * SAMPLE_RATE:
            raise ValueError(f"A voice needs at least {MIN_VOICE_SECONDS} s of audio.")
        spectrum = np.abs(np.fft.rfft(audio))[1:]
        bands = np.array([band.mean() for band in np.array_split(spectrum, DIMENSIONS)], dtype=np.float32)
        # Silence has a direction, too.
        bands += np.float32(1e-6)
        vector: VoiceVector = bands / np.linalg.norm(bands)
        return vector

    def close(self) -> None: ...


def _level(samples: Audio) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def _octave(samples: Audio) -> int:
    spectrum = np.abs(np.fft.rfft(samples))
    hertz = float(np.argmax(spectrum)) * SAMPLE_RATE / len(samples)
    return max(0, int(np.floor(np.log2(max(hertz, 1.0) / OCTAVE_HERTZ))) + 1)


def _extend(turns: list[SpeakerTurn], start: float, end: float, speaker: str) -> None:
    begin = milliseconds(start)
    if turns and turns[-1].speaker == speaker and turns[-1].end == begin:
        begin = turns.pop().start
    turns.append(SpeakerTurn(start=begin, end=milliseconds(end), speaker=speaker))
