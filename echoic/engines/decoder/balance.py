"""How the loudness of two channels compares, frame by frame: a call recorded with one voice a channel shows in it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

FRAME_SECONDS = 0.02
ACTIVE_POWER = 1e-5
"""Mean square of full scale, about -50 dB: below it nothing is said."""
DOMINANT_RATIO = 16.0
"""A channel with so many times the other's power, 12 dB, has the sound to itself."""

LEVELS = {"u8": (128.0, 128.0), "s16": (0.0, 2.0**15), "s32": (0.0, 2.0**31), "s64": (0.0, 2.0**63)}
"""Silence and full scale of the whole numbers samples come in; the others are numbers up to 1."""


class Balance:
    """Counts frames of ``FRAME_SECONDS``: with sound, and with sound on the first or the second channel alone."""

    def __init__(self) -> None:
        self._active = self._first = self._second = 0

    def add(self, frame: "AudioFrame") -> None:
        """Frames of other than two channels do not count."""
        if frame.layout.nb_channels != 2:  # noqa: PLR2004 -- a pair
            return
        import numpy as np

        zero, full_scale = LEVELS.get(frame.format.packed.name, (0.0, 1.0))
        samples = (frame.to_ndarray().astype(np.float64) - zero) / full_scale
        pair = samples if frame.format.is_planar else samples.reshape(-1, 2).T
        size = max(1, round(frame.sample_rate * FRAME_SECONDS))
        # What does not fill a frame is a frame all the same: codecs have frames of their own, many shorter.
        count = max(1, pair.shape[1] // size)
        used = pair[:, : count * size].reshape(2, count, -1)
        first, second = np.mean(np.square(used), axis=2)
        active = np.maximum(first, second) > ACTIVE_POWER
        self._active += int(np.sum(active))
        self._first += int(np.sum(active & (first > DOMINANT_RATIO * second)))
        self._second += int(np.sum(active & (second > DOMINANT_RATIO * first)))

    def counts(self) -> list[int]:
        """Active frames, those of the first channel alone, those of the second alone."""
        return [self._active, self._first, self._second]
