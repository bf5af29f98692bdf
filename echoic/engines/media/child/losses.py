"""Sound of a track that was lost within it: counted in seconds, so that silence does not look like success.

A gap in a file's clock is no loss by itself: recorders leave out packets while muted. It is one where something
went wrong shortly before.
"""

from echoic.engines.media.child import complaints
from echoic.engines.media.child.pieces import without_tags

MEMORY_SECONDS = 10.0
"""Sound for which trouble is remembered: FFmpeg reads ahead by a page of Ogg, and by five seconds when it opens a file."""
MIN_LOST_SECONDS = 0.1
"""Less than this reckoned by bytes is padding, or a frame that a cut has split."""
MIN_ZEROS = 4096
"""Bytes; fewer zeros between two packets are padding."""


class Losses:
    """Follows one track of a recording; what is lost before its first sound counts only where its packets say their length.

    ``late_seconds`` is the silence before the track that the file itself speaks of.
    """

    def __init__(self, *, has_clock: bool, complaints_before: int, late_seconds: float = 0.0) -> None:
        self.seconds = 0.0
        self.reckoned_bytes = 0
        """Of ``seconds``, what was reckoned by bytes stood in so many."""
        self.pause_seconds = 0.0
        """Gaps in the clock that nothing went wrong before, so that they are no loss by themselves."""
        self._has_clock = has_clock
        self.began_in_trouble = complaints.count() > complaints_before
        """Whether something went wrong already while the track was opened, as when its first packets are damaged."""
        self._complaints_before = self._complaints = complaints_before
        self._late_seconds = late_seconds
        self._memory_seconds = 0.0
        self._failed_seconds = 0.0
        self._counted_seconds = 0.0
        self._failed_bytes = 0
        self._heard_bytes = 0
        self._heard_seconds = 0.0

    @property
    def met_trouble(self) -> bool:
        """Return whether anything of the recording was damaged, heard or not."""
        return self.seconds > 0 or complaints.count() > self._complaints_before

    def trouble(self) -> None:
        """Something of the file could not be read."""
        self._memory_seconds = MEMORY_SECONDS

    def failed(self, seconds: float, content: bytes | memoryview) -> None:
        """A packet of that length could not be decoded, or bytes were in none."""
        self.trouble()
        if self._has_clock:
            self._failed_seconds += seconds
        elif self._heard_bytes:
            sound = without_tags(bytes(content))
            self._failed_bytes += len(sound) if len(sound) >= MIN_ZEROS or any(sound) else 0

    def heard(self, seconds: float, content: bytes | memoryview, *, is_corrupt: bool) -> None:
        """A packet was decoded to that much sound; of none nothing is known yet, decoders hold some back."""
        size_bytes = len(content)
        if size_bytes >= MIN_ZEROS and not self._has_clock:
            # Zeros before a frame are part of its packet, which then cannot be one frame alone.
            zeros = size_bytes - len(bytes(content).lstrip(b"\0"))
            if zeros >= MIN_ZEROS:
                self.failed(0.0, content[:zeros])
                size_bytes -= zeros
        if not seconds and self._heard_seconds:
            self.trouble()
        self._heard_bytes += size_bytes
        self._heard_seconds += seconds
        if is_corrupt:
            self._failed_seconds += seconds

    def before(self, gap_seconds: float, frame_seconds: float) -> float:
        """Return seconds of silence that belong before a frame, by the gap that the clock leaves there."""
        told = complaints.count()
        if told > self._complaints:
            self.trouble()
            self._complaints = told
        gap = gap_seconds if self._has_clock else self._reckoned()
        lost = self._failed_seconds
        if gap and (self._memory_seconds > 0 or not self._has_clock):
            # Noise that was taken for a frame may have come before, at a wrong time: the gap holds what failed before it, too.
            lost = max(gap - self._late_seconds - self._counted_seconds, lost)
            self._counted_seconds = 0.0
        else:
            self._counted_seconds += lost
            self.pause_seconds += max(0.0, gap - lost)
        self.seconds += lost
        self._late_seconds = self._failed_seconds = 0.0
        self._failed_bytes = 0
        self._memory_seconds -= frame_seconds
        if self._memory_seconds <= 0:
            self._counted_seconds = 0.0
        return gap

    def finish(self) -> None:
        """Count what failed behind the last sound. Bytes without a clock there are left to who counts unread ones."""
        self.seconds += self._failed_seconds
        self._failed_seconds = 0.0

    def _reckoned(self) -> float:
        if not self._failed_bytes or not self._heard_bytes:
            return 0.0
        seconds = self._failed_bytes * self._heard_seconds / self._heard_bytes
        if seconds < MIN_LOST_SECONDS:
            return 0.0
        self.reckoned_bytes += self._failed_bytes
        return seconds
