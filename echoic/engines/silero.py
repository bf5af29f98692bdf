"""Finds speech with Silero's detector, whose ONNX file faster-whisper carries; takes 2 ms for a second of audio."""

import numpy as np

from echoic.engines.failures import translated
from echoic.records import SAMPLE_RATE, Audio, EngineId, SpeechSpan, milliseconds

MIN_SILENCE_MS = 300
PAD_MS = 100
"""Kept around each stretch: the detector is sure only some way into a word."""

FRAME_SECONDS = 0.1
QUIET_LEVEL = 0.03
"""Root mean square of the louder frames, below which the detector and Whisper miss speech."""
GOOD_LEVEL = 0.1
MAX_GAIN = 100.0
"""40 dB; what is quieter than this makes up for is noise."""


class SileroSpeechDetector:
    """The detector of faster-whisper, version 6."""

    def __init__(self, engine_id: EngineId) -> None:
        self.id = engine_id

    def detect_speech(self, audio: Audio) -> tuple[SpeechSpan, ...]:
        return find_speech(leveled(audio))

    def close(self) -> None:
        # The library keeps its 2 MB model for the life of the process.
        ...


def find_speech(audio: Audio) -> tuple[SpeechSpan, ...]:
    """Speech in audio of a usual level, ends at pauses of ``MIN_SILENCE_MS``. Raises ``errors.EngineFailed``."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    if not len(audio):
        return ()
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


def leveled(audio: Audio) -> Audio:
    """The audio itself, or where it is very quiet, a louder copy."""
    frame = int(FRAME_SECONDS * SAMPLE_RATE)
    frames = audio[: len(audio) // frame * frame].reshape(-1, frame)
    if not len(frames):
        return audio
    level = float(np.percentile(np.sqrt(np.mean(np.square(frames), axis=1)), 95))
    if level == 0 or level >= QUIET_LEVEL:
        return audio
    louder: Audio = np.clip(audio * np.float32(min(GOOD_LEVEL / level, MAX_GAIN)), -1.0, 1.0, dtype=np.float32)
    return louder
