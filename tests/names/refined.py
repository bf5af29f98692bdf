"""What a model may have said of a text, and what the rules make of it."""

from echoic.names.refine import refine
from echoic.records import EntityType, Span


def said(text: str, *names: tuple[str, EntityType]) -> list[Span]:
    """What a model may have said of the text."""
    spans = []
    for name, kind in names:
        start = text.index(name)
        spans.append(Span(start=start, end=start + len(name), text=name, type=kind))
    return spans


def found(text: str, *names: tuple[str, EntityType]) -> list[tuple[str, str]]:
    spans = refine(text, said(text, *names))
    assert all(text[span.start : span.end] == span.text for span in spans)
    return [(span.text, span.type) for span in spans]
