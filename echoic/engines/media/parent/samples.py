"""Decoded samples as the engines take them."""

import numpy as np

from echoic.records import Audio

FULL_SCALE = 32_768.0


def as_audio(pcm: bytes | bytearray) -> Audio:
    """Little-endian signed 16-bit samples as numbers within [-1, 1]."""
    samples: Audio = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(FULL_SCALE)
    return samples
