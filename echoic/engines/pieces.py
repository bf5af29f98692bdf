"""Cuts a long recording into pieces for the transcriber: in silence, every 5 to 10 minutes.

Pieces bound the memory of the transcriber and the work lost in a crash. Where a piece ends depends on its audio alone,
so that a run that was cut off finds the same places again.
"""

from collections.abc import Sequence

import numpy as np

from echoic.engines.protocols import MAX_PIECE_SECONDS, SpeechDetector
from echoic.records import Audio, SpeechSpan, milliseconds
from echoic.units import SAMPLE_RATE

MIN_PIECE_SECONDS = 300.0
LEAD_SECONDS = 5.0
"""The detector hears this much before the stretch that may be cut: it needs a run-up."""
FRAME_SECONDS = 0.2
"""The length of the frame that is cut where speech never pauses: the quietest one."""


def piece_seconds(audio: Audio, detector: SpeechDetector, *, final: bool) -> float:
    """Find the length of the piece that starts with this audio, a whole number of milliseconds.

    ``audio`` is what follows from there, up to ``MAX_PIECE_SECONDS`` (more is ignored); ``final`` says that the
    recording ends with it.
    """
    available = len(audio) / SAMPLE_RATE
    if final and available <= MAX_PIECE_SECONDS:
        return available
    if available < MAX_PIECE_SECONDS:
        raise ValueError("A piece that is not the last needs MAX_PIECE_SECONDS of audio to be cut from.")
    begin = MIN_PIECE_SECONDS - LEAD_SECONDS
    stretch = audio[int(begin * SAMPLE_RATE) : int(MAX_PIECE_SECONDS * SAMPLE_RATE)]
    speech = detector.detect_speech(stretch)
    return milliseconds(begin + _cut(stretch, speech, earliest=LEAD_SECONDS))


def _cut(audio: Audio, speech: Sequence[SpeechSpan], *, earliest: float) -> float:
    """Return the middle of the longest silence after ``earliest``, or else the quietest place. Of equal silences, the later."""
    end = len(audio) / SAMPLE_RATE
    borders = [earliest, *(max(border, earliest) for span in speech for border in (span.start, span.end)), end]
    silences = list(zip(borders[::2], borders[1::2], strict=True))
    begin, stop = max(silences, key=lambda silence: (milliseconds(silence[1] - silence[0]), silence[0]))
    if stop > begin:
        return (begin + stop) / 2
    return earliest + quietest_seconds(audio[int(earliest * SAMPLE_RATE) :])


def quietest_seconds(audio: Audio) -> float:
    """Return the middle of the quietest ``FRAME_SECONDS`` of audio, which holds one at least."""
    frame = int(FRAME_SECONDS * SAMPLE_RATE)
    frames = audio[: len(audio) // frame * frame].reshape(-1, frame)
    quietest = int(np.argmin(np.mean(np.square(frames), axis=1)))
    return (quietest + 0.5) * FRAME_SECONDS
