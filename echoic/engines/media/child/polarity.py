"""Adds one channel to others with the sign at which neither is lost: a microphone may be wired the wrong way around.

The sum of a sound and of its opposite is silence, or what little differs: noise. The sum and the difference of two
channels are equally loud where the channels have different sounds, so whichever is clearly louder tells. Pure.
"""

import numpy as np
from numpy.typing import NDArray

from echoic.engines.media.child.channels import Samples
from echoic.units import SAMPLE_RATE

FRAME_SAMPLES = SAMPLE_RATE // 50
MIN_SLOPE_POWER = 1e-7
"""Mean square of the differences of neighboring samples, below which nobody speaks."""
CLEAR = 10.0
"""How many times louder (as power) one sign is in a single frame where it is taken there at once."""
USUAL = 2.0
"""The same over the last seconds, for the frames that are not clear by themselves."""
MEMORY = 0.95
"""What of the past counts half a second later: about ten seconds."""
RAMP_SAMPLES = FRAME_SAMPLES // 4


class Polarity:
    """The sign of one channel, followed through a recording: people may be heard upside down in turns."""

    def __init__(self) -> None:
        self._powers = np.zeros(2)
        self._usual = 1.0
        self._last = 1.0

    def add(self, others: Samples, channel: Samples) -> Samples:
        """Return the sum, or where that would lose sound the difference."""
        signs = self._signs(others, channel)
        if len(signs) == 0 or (np.all(signs == self._last)):
            return others + channel if self._last > 0 else others - channel
        gains = np.full(len(channel), signs[-1], dtype=np.float32)
        gains[: len(signs) * FRAME_SAMPLES] = np.repeat(signs, FRAME_SAMPLES)
        last = self._last
        for number, sign in enumerate(signs):
            if sign != last:
                begin = number * FRAME_SAMPLES
                gains[begin : begin + RAMP_SAMPLES] = np.linspace(last, sign, RAMP_SAMPLES, dtype=np.float32)
                last = sign
        self._last = float(last)
        result: Samples = others + channel * gains
        return result

    def _signs(self, others: Samples, channel: Samples) -> NDArray[np.float64]:
        """Return a sign for each frame."""
        count = len(channel) // FRAME_SAMPLES
        # Differences of neighbors are mostly speech; samples are mostly hum and rumble, which both channels may share.
        first, second = (
            np.diff(samples[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES).astype(np.float64))
            for samples in (others, channel)
        )
        sums = np.mean(np.square(first + second), axis=1)
        differences = np.mean(np.square(first - second), axis=1)
        active = np.maximum(sums, differences) > MIN_SLOPE_POWER
        self._powers = self._powers * MEMORY + (sums[active].sum(), differences[active].sum())
        if self._powers[1] > USUAL * self._powers[0]:
            self._usual = -1.0
        elif self._powers[0] > USUAL * self._powers[1]:
            self._usual = 1.0
        signs = np.full(count, self._usual)
        signs[active & (sums > CLEAR * differences)] = 1.0
        signs[active & (differences > CLEAR * sums)] = -1.0
        return signs
