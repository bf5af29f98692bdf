"""The bound below which doubtful text is not even shown as such. Pure."""

UNLIKELY = 0.3
"""Doubtful text of less confidence says nothing of what was said: no subtitles are made of it, and no names are looked for."""


def is_unlikely(quality: str | None, confidence: float | None) -> bool:
    """Return whether a segment is doubtful and its words hardly likely."""
    return quality == "doubtful" and confidence is not None and confidence < UNLIKELY
