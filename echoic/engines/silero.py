"""Finds speech with Silero's detector, whose ONNX file faster-whisper carries; takes 4 ms for a second of audio.

The detector has a memory. After half a minute of music it takes a voice for more music and misses its first seconds; in
its first half second it takes music for a voice. It therefore listens a second time, with an empty memory every few
seconds and each time after a run-up. Speech that it hears in either way counts.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from echoic.engines.failures import translated
from echoic.engines.second_opinion import SecondOpinion
from echoic.records import Audio, EngineId, SpeechSpan, milliseconds
from echoic.units import SAMPLE_RATE

MIN_SILENCE_MS = 300
PAD_MS = 100
"""Kept around each stretch: the detector is sure only some way into a word."""

FRAME_SAMPLES = 512
"""The detector hears in frames of this length."""
AFRESH_FRAMES = 94
"""Three seconds, after which its memory is emptied."""
RUN_UP_FRAMES = 32
"""One second, heard before what counts."""
SURE, ONSET = 0.5, 0.3
"""Probabilities from which on a frame is speech: by itself, and where the next frame is."""
CLICK_FRAMES = 7
"""A fifth of a second."""
ALONE_FRAMES = 47
"""One and a half seconds."""

FRAME_SECONDS = 0.1
QUIET_LEVEL = 0.03
"""Root mean square of the louder frames, below which the detector and Whisper miss speech."""
GOOD_LEVEL = 0.1
MAX_GAIN = 100.0
"""40 dB; what is quieter than this makes up for is noise."""


class SileroSpeechDetector:
    """The detector of faster-whisper, version 6; segmentation-3.0 for what is faint."""

    def __init__(self, engine_id: EngineId, *, threads: int) -> None:
        self.id = engine_id
        self._second_opinion = SecondOpinion(threads=threads)

    def detect_speech(self, audio: Audio) -> tuple[SpeechSpan, ...]:
        return find_speech(leveled(audio))

    def detect_faint_speech(self, audio: Audio, stretches: Sequence[SpeechSpan]) -> tuple[SpeechSpan, ...]:
        return tuple(self._second_opinion.speech(leveled(audio), stretches))

    def close(self) -> None:
        # The library keeps its 2 MB model for the life of the process.
        ...


def find_speech(audio: Audio) -> tuple[SpeechSpan, ...]:
    """Return speech in audio of a usual level, ends at pauses of ``MIN_SILENCE_MS``. Raises ``errors.EngineFailed``."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    if not len(audio):
        return ()
    hear_steadily()
    options = VadOptions(min_silence_duration_ms=MIN_SILENCE_MS, speech_pad_ms=PAD_MS)
    with translated("The speech detector failed on this recording."):
        found = get_speech_timestamps(audio, options)
    return tuple(
        SpeechSpan(
            start=milliseconds(span["start"] / SAMPLE_RATE),
            end=milliseconds(min(span["end"], len(audio)) / SAMPLE_RATE),
        )
        for span in found
    )


Model: TypeAlias = Callable[[Audio], Any]
"""Audio of whole frames to the probability of speech in each, shape (frames,)."""


class SteadyModel:
    """Silero's model with its memory emptied every few seconds."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._last: tuple[bytes, Any] | None = None

    def __call__(self, audio: Audio) -> Any:
        # A recording is asked about twice: by ``find_speech`` and by the transcriber, which leaves out what is no speech.
        digest = hashlib.blake2b(audio.tobytes(), digest_size=16).digest()
        if self._last is None or self._last[0] != digest:
            self._last = digest, self._heard(audio)
        return self._last[1].copy()

    def _heard(self, audio: Audio) -> Any:
        frames = audio.reshape(-1, FRAME_SAMPLES)
        afresh = np.concatenate([self._afresh(frames, first) for first in range(0, len(frames), AFRESH_FRAMES)])
        in_one_go = self._probabilities(frames)
        # Its first frames have no run-up.
        afresh[RUN_UP_FRAMES:] = np.maximum(afresh[RUN_UP_FRAMES:], in_one_go[RUN_UP_FRAMES:])
        return _without_clicks(_from_the_onset(afresh))

    def _afresh(self, frames: Audio, first: int) -> Any:
        """The probabilities of the frames from ``first`` on. Before a recording's beginning, its mirror image runs up."""
        before = frames[max(0, first - RUN_UP_FRAMES) : first]
        if not first:
            before = frames[:RUN_UP_FRAMES][::-1, ::-1]
        heard = self._probabilities(np.concatenate([before, frames[first : first + AFRESH_FRAMES]]))
        return heard[len(before) :]

    def _probabilities(self, frames: Audio) -> Any:
        # A copy: the library writes into what it is given.
        return self._model(frames.flatten())


def _from_the_onset(probabilities: Any) -> Any:
    """Extend speech back to the frame where it begins to be likely: the detector is sure only some way into a word."""
    is_speech = False
    for index in range(len(probabilities) - 1, -1, -1):
        is_speech = probabilities[index] >= (ONSET if is_speech else SURE)
        if is_speech:
            probabilities[index] = max(probabilities[index], SURE)
    return probabilities


def _without_clicks(probabilities: Any) -> Any:
    """Drop speech that is shorter than any word and far from all other speech: the attack of a note, a door."""
    sure = np.flatnonzero(probabilities >= SURE)
    for run in np.split(sure, np.flatnonzero(np.diff(sure) > ALONE_FRAMES) + 1):
        if len(run) and run[-1] - run[0] < CLICK_FRAMES:
            probabilities[run[0] : run[-1] + 1] = 0.0
    return probabilities


def hear_steadily() -> None:
    """Have faster-whisper hear with the steady model, also where it leaves out by itself what is no speech.

    The library looks its model up by this function and has no other way to be given one.
    """
    from faster_whisper import vad

    model = vad.get_vad_model()
    if not isinstance(model, SteadyModel):
        steady = SteadyModel(model)
        vad.get_vad_model = lambda: steady


def leveled(audio: Audio) -> Audio:
    """Return the audio, or a louder copy if it is very quiet."""
    frame = int(FRAME_SECONDS * SAMPLE_RATE)
    frames = audio[: len(audio) // frame * frame].reshape(-1, frame)
    if not len(frames):
        return audio
    level = float(np.percentile(np.sqrt(np.mean(np.square(frames), axis=1)), 95))
    if level == 0 or level >= QUIET_LEVEL:
        return audio
    louder: Audio = np.clip(audio * np.float32(min(GOOD_LEVEL / level, MAX_GAIN)), -1.0, 1.0, dtype=np.float32)
    return louder
