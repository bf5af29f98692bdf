"""Times for words that have none. Pure."""

from collections.abc import Iterator, Sequence


def share_time(texts: Sequence[str], start: float, end: float) -> Iterator[tuple[float, float]]:
    """Divide a stretch of time among texts by their characters; yields start and end of each, in seconds.

    A text without characters counts as one character. The times are not rounded.
    """
    lengths = [max(1, len(text)) for text in texts]
    per_character = (end - start) / max(sum(lengths), 1)
    before = 0
    for length in lengths:
        yield start + before * per_character, start + (before + length) * per_character
        before += length
