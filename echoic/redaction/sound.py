"""Sound and its outline without the stretches in which something hidden is said."""

import math
from collections.abc import Sequence

from echoic.records import SpeechSpan
from echoic.units import SAMPLE_RATE

BYTES_PER_SAMPLE = 2
BYTES_PER_PAIR = 2
"""Of an outline: the lowest and the highest sample of a part of the recording."""


def without_spans(pairs: bytes, spans: Sequence[SpeechSpan], duration_seconds: float | None) -> bytes:
    """Return an outline of a recording with silence in these stretches; all of it where its length is not known.

    ``pairs`` are two bytes for each of equal parts of the recording.
    """
    if not spans or not pairs:
        return pairs
    if not duration_seconds:
        return bytes(len(pairs))
    parts = len(pairs) // BYTES_PER_PAIR
    silent = bytearray(pairs)
    for span in spans:
        first = max(0, math.floor(span.start / duration_seconds * parts))
        last = min(parts, math.ceil(span.end / duration_seconds * parts))
        if first < last:
            silent[first * BYTES_PER_PAIR : last * BYTES_PER_PAIR] = bytes((last - first) * BYTES_PER_PAIR)
    return bytes(silent)


def silenced(pcm: bytes, first_sample: int, spans: Sequence[SpeechSpan]) -> bytes:
    """Return samples with zeros in these stretches; the first of them is sample ``first_sample`` of the recording.

    ``pcm`` are 16-bit mono samples at ``units.SAMPLE_RATE``.
    """
    muted: bytearray | None = None
    count = len(pcm) // BYTES_PER_SAMPLE
    for span in spans:
        start = max(0, math.floor(span.start * SAMPLE_RATE) - first_sample)
        end = min(count, math.ceil(span.end * SAMPLE_RATE) - first_sample)
        if start < end:
            muted = muted if muted is not None else bytearray(pcm)
            muted[start * BYTES_PER_SAMPLE : end * BYTES_PER_SAMPLE] = bytes((end - start) * BYTES_PER_SAMPLE)
    return pcm if muted is None else bytes(muted)
