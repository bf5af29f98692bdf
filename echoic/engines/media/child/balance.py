"""Levels of several channels, frame by frame: a call recorded with one voice a channel shows in it. Pure."""

import numpy as np

from echoic.engines.media.child.channels import UNLABELLED, Channels
from echoic.units import SAMPLE_RATE

FRAME_SAMPLES = SAMPLE_RATE // 50
ACTIVE_POWER = 1e-5
"""Mean square of full scale, about -50 dB: below it nothing is said."""
DOMINANT_RATIO = 16.0
"""A channel with so many times each other's power, 12 dB, has the sound to itself."""
PAIR = ("FL", "FR")
MAX_VOICES = 16


class Balance:
    """Counts frames of 20 ms: with sound, and with sound on one channel alone, by channel.

    What comes in another number of channels than the beginning counts as sound on no channel alone.
    """

    def __init__(self) -> None:
        self._active = 0
        self._alone: list[int] | None = None

    def add(self, channels: Channels) -> None:
        if self._alone is None:
            self._alone = [0] * (len(channels.names) if may_be_voices(channels.names) else 0)
        if not self._alone:
            return
        samples = channels.samples
        count = max(1, samples.shape[1] // FRAME_SAMPLES)
        used = samples[:, : count * FRAME_SAMPLES].reshape(len(samples), count, -1)
        powers = np.mean(np.square(used, dtype=np.float64), axis=2)
        active = np.max(powers, axis=0) > ACTIVE_POWER
        self._active += int(np.sum(active))
        if len(channels.names) != len(self._alone):
            return
        loudest = np.argmax(powers, axis=0)
        ordered = np.partition(powers, -2, axis=0)
        alone = active & (ordered[-1] > DOMINANT_RATIO * ordered[-2])
        for number, frames in enumerate(np.bincount(loudest[alone], minlength=len(self._alone))):
            self._alone[number] += int(frames)

    @property
    def channels(self) -> int:
        """Return how many channels may have a voice each; 0: none."""
        return len(self._alone or ())

    def counts(self) -> dict[str, object]:
        """Active frames, and of those the ones of each channel alone."""
        return {"active": self._active, "alone": self._alone or []}


def may_be_voices(names: tuple[str, ...]) -> bool:
    """Return whether these are channels of microphones: a pair, or some that the file gives no place in a room."""
    return 1 < len(names) <= MAX_VOICES and (names == PAIR or all(name == UNLABELLED for name in names))
