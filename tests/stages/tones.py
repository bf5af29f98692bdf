"""Voices for the fake engines: tones, one octave from the next."""

import numpy as np

from echoic.units import SAMPLE_RATE

# The fake diarizer tells octaves apart.
LOW, MIDDLE, HIGH = 100.0, 200.0, 400.0


def tones(*hertz: float, seconds: float = 2.0) -> bytes:
    """One voice after the other."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return b"".join((8_000 * np.sin(2 * np.pi * each * times)).astype("<i2").tobytes() for each in hertz)
