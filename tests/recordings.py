"""Recordings of tones, which the fake engines take for speech; each number makes another one."""

import io
import wave

import numpy as np

from echoic.units import SAMPLE_RATE


def tones(*hertz: float, seconds: float = 4.0) -> bytes:
    """A WAV file with one tone after the other, each of so many seconds."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pcm = b"".join((8_000 * np.sin(2 * np.pi * each * times)).astype("<i2").tobytes() for each in hertz)
    target = io.BytesIO()
    with wave.open(target, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(SAMPLE_RATE)
        output.writeframes(pcm)
    return target.getvalue()
