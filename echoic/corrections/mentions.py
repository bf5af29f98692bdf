"""Which mentions of names a correction leaves true. Pure."""

import re
from collections.abc import Iterable, Sequence

from echoic.records import Segment

_TOKEN = re.compile(r"\w+")


def still_named(name: str, *, start: float, end: float, segments: Sequence[Segment]) -> bool:
    """Whether the name is said between these times, as whole words; case and punctuation do not count.

    ``segments`` are those that the time lies in. One without words counts as a whole.
    """
    said: list[str] = []
    for segment in segments:
        # Words at the very edge, too: some have no length.
        words = [word.text for word in segment.words if word.end >= start and word.start <= end]
        said += words if segment.words else [segment.text]
    return _holds(list(_tokens(said)), list(_tokens([name])))


def _tokens(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        yield from _TOKEN.findall(text.casefold())


def _holds(said: Sequence[str], name: Sequence[str]) -> bool:
    """Compared as running text that begins and ends with a token: how a name is cut into words does not matter."""
    wanted = "".join(name)
    return bool(wanted) and any(
        "".join(said[first:last]) == wanted
        for first in range(len(said))
        for last in range(first + 1, min(len(said), first + len(wanted)) + 1)
    )
