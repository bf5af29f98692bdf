"""Checks which mentions of names are still true after a correction. Pure."""

from collections.abc import Sequence

from echoic.records import Segment
from echoic.text.written import says


def still_named(name: str, *, start: float, end: float, segments: Sequence[Segment]) -> bool:
    """Return whether a name is said, as whole words, between two times in seconds; case and punctuation do not count.

    ``segments`` are the segments of these times. The whole text of a segment without words counts.
    """
    said: list[str] = []
    for segment in segments:
        # Words at the very edge count, too, because some have no length.
        words = [word.text for word in segment.words if word.end >= start and word.start <= end]
        said += words if segment.words else [segment.text]
    return says(said, name)
