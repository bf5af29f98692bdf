"""The outline of a recording's sound, as a waveform draws it; made in one pass, in memory that its length does not change."""

import numpy as np

from echoic.engines.media.parent.samples import FULL_SCALE

PAIRS = 2_000
"""More than a wide screen has dots to tell apart; 4 kB an item."""
MAX_STRETCHES = 32_768
"""Of equal length, held while the length of the recording is not known; the edges of a pair are off by less than one of them."""
LARGEST = 127


class Peaks:
    """The lowest and the highest sample of each of ``PAIRS`` equal parts of a recording."""

    def __init__(self) -> None:
        self._lows = np.zeros(MAX_STRETCHES, dtype=np.int16)
        self._highs = np.zeros(MAX_STRETCHES, dtype=np.int16)
        self._count = 0
        self._samples_each = 1
        self._rest = np.zeros(0, dtype=np.int16)

    def add(self, pcm: bytes) -> None:
        """Take the next samples, little-endian signed 16-bit mono."""
        samples = np.concatenate([self._rest, np.frombuffer(pcm, dtype="<i2").astype(np.int16, copy=False)])
        while samples.size >= self._samples_each:
            taken = min(samples.size // self._samples_each, MAX_STRETCHES - self._count)
            stretches = samples[: taken * self._samples_each].reshape(taken, self._samples_each)
            samples = samples[stretches.size :]
            self._lows[self._count : self._count + taken] = stretches.min(axis=1)
            self._highs[self._count : self._count + taken] = stretches.max(axis=1)
            self._count += taken
            if self._count == MAX_STRETCHES:
                self._halve()
        self._rest = samples.copy()

    def pairs(self) -> bytes:
        """Return the pairs as signed bytes, lowest and highest in turn, from -127 to 127.

        There are ``PAIRS`` of them; one for each sample where the recording has fewer samples.
        """
        lows, highs = self._lows[: self._count], self._highs[: self._count]
        if self._rest.size:
            lows, highs = np.append(lows, self._rest.min()), np.append(highs, self._rest.max())
        count = min(PAIRS, lows.size)
        if not count:
            return b""
        begins = np.arange(count) * lows.size // count
        outline = np.stack([np.minimum.reduceat(lows, begins), np.maximum.reduceat(highs, begins)], axis=1)
        return np.rint(outline * (LARGEST / FULL_SCALE)).astype(np.int8).tobytes()

    def _halve(self) -> None:
        """Join each two neighbors, so that the same number of stretches holds twice the time."""
        half = self._count // 2
        self._lows[:half] = self._lows.reshape(half, 2).min(axis=1)
        self._highs[:half] = self._highs.reshape(half, 2).max(axis=1)
        self._count = half
        self._samples_each *= 2
