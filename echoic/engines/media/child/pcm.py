"""Decoded samples on their way out: where silence belongs between them, and windows of equal size. Pure."""

from collections.abc import Callable

from echoic.engines.media import wire
from echoic.units import SAMPLE_RATE

MIN_GAP_SECONDS = 0.1
"""Timestamps this far apart from the samples so far mean something; less is rounding."""
MAX_GAP_SECONDS = 3600.0
"""A longer jump is taken for a broken clock, unless the length that the file states holds it."""
END_TOLERANCE_SECONDS = 1.0
"""Frames may end so much later than the length that the file states: that is padding and rounding."""


class TooLong(Exception):
    """More samples than allowed."""


class Timeline:
    """Compares the file's clock with the samples so far, so that a word is heard where a player shows it.

    Recorders leave out packets while muted, and broken packets are skipped: both leave a gap to be filled. A clock
    that jumps back or very far starts again there. ``stated_end_seconds`` is the end on that clock, by the file's head.
    """

    def __init__(self, start_seconds: float | None, stated_end_seconds: float | None = None) -> None:
        self._position = start_seconds
        self._stated_end = stated_end_seconds
        self.skipped_seconds = 0.0
        """Of the clock, what no silence stands for, as it jumped there very far and not back again."""

    def gap_before(self, start_seconds: float | None, duration_seconds: float) -> float:
        """Return seconds of silence that belong before a frame, given the time written on it."""
        if self._position is None or start_seconds is None:
            gap = 0.0
            start_seconds = self._position if start_seconds is None else start_seconds
        else:
            gap = start_seconds - self._position
            if 0 <= gap < MIN_GAP_SECONDS or -MIN_GAP_SECONDS < gap < 0:
                gap, start_seconds = 0.0, self._position
            elif gap < 0 or (gap > MAX_GAP_SECONDS and not self._is_stated(start_seconds + duration_seconds)):
                self.skipped_seconds = max(0.0, self.skipped_seconds + gap)
                gap = 0.0
        if start_seconds is not None:
            self._position = start_seconds + duration_seconds
        return gap

    def _is_stated(self, end_seconds: float) -> bool:
        return self._stated_end is not None and end_seconds <= self._stated_end + END_TOLERANCE_SECONDS


class Windows:
    """Collects samples and hands them on ``wire.WINDOW_BYTES`` at a time."""

    def __init__(self, emit: Callable[[bytes], object], *, max_seconds: float) -> None:
        self._emit = emit
        self._max_samples = max_seconds * SAMPLE_RATE
        self._pending = bytearray()
        self.samples = 0

    @property
    def seconds(self) -> float:
        return self.samples / SAMPLE_RATE

    def add(self, pcm: bytes | memoryview) -> None:
        """Raises ``TooLong``."""
        self.samples += len(pcm) // wire.BYTES_PER_SAMPLE
        if self.samples > self._max_samples:
            raise TooLong
        self._pending += pcm
        while len(self._pending) >= wire.WINDOW_BYTES:
            self._emit(bytes(self._pending[: wire.WINDOW_BYTES]))
            del self._pending[: wire.WINDOW_BYTES]

    def add_silence(self, seconds: float) -> None:
        """Raises ``TooLong``."""
        missing = round(seconds * SAMPLE_RATE)
        while missing:
            count = min(missing, SAMPLE_RATE)
            self.add(bytes(count * wire.BYTES_PER_SAMPLE))
            missing -= count

    def finish(self) -> None:
        """Hand on what is left."""
        if self._pending:
            self._emit(bytes(self._pending))
            self._pending.clear()
