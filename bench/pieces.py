"""A recording cut into pieces as the transcribe stage cuts it, for benches that call engines by themselves."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from echoic.engines.pieces import piece_seconds
from echoic.engines.protocols import MAX_PIECE_SECONDS, SpeechDetector
from echoic.records import Audio
from echoic.units import SAMPLE_RATE


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A piece of a recording: its audio, and where it lies in seconds from the recording's start."""

    start: float
    end: float
    audio: Audio


def cut_into_pieces(windows: Iterable[Audio], detector: SpeechDetector) -> Iterator[Piece]:
    """The pieces of a recording that comes in windows of any length; holds little more than one piece in memory."""
    start_sample = 0
    pending: list[Audio] = []
    pending_samples = 0
    for window in windows:
        pending.append(window)
        pending_samples += len(window)
        # More than a piece, so that a recording of just that length stays whole.
        while pending_samples > MAX_PIECE_SECONDS * SAMPLE_RATE:
            audio = np.concatenate(pending)
            length = round(piece_seconds(audio, detector, final=False) * SAMPLE_RATE)
            yield _piece(audio[:length], start_sample)
            start_sample += length
            pending = [audio[length:]]
            pending_samples -= length
    if pending_samples:
        yield _piece(np.concatenate(pending), start_sample)


def _piece(audio: Audio, start_sample: int) -> Piece:
    return Piece(start=start_sample / SAMPLE_RATE, end=(start_sample + len(audio)) / SAMPLE_RATE, audio=audio)
