"""Which mentions of names a correction leaves true. Pure."""

from collections.abc import Sequence

from echoic.records import Segment
from echoic.text.written import says


def still_named(name: str, *, start: float, end: float, segments: Sequence[Segment]) -> bool:
    """Whether the name is said between these times, as whole words; case and punctuation do not count.

    ``segments`` are those that the time lies in. One without words counts as a whole.
    """
    said: list[str] = []
    for segment in segments:
        # Words at the very edge, too: some have no length.
        words = [word.text for word in segment.words if word.end >= start and word.start <= end]
        said += words if segment.words else [segment.text]
    return says(said, name)
