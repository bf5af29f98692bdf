"""Joins the names in one text that mean the same person or thing. Pure."""

from collections.abc import Sequence

from echoic.names.boundaries import title_before
from echoic.names.people import people
from echoic.names.things import Name, things
from echoic.records import Span


def names_meant(text: str, spans: Sequence[Span]) -> list[str]:
    """Return for each span the name of the person or thing it means. Spans that mean the same get the same name.

    People follow the rules of ``people``; organizations, places and products those of ``things``.
    """
    names = [Name(span.type, span.text, title_before(text, span.start)) for span in spans]
    meant = [""] * len(names)
    for kind in {name.type for name in names}:
        places = [place for place, name in enumerate(names) if name.type == kind]
        merge = people if kind == "person" else things
        for place, name in zip(places, merge([names[place] for place in places]), strict=True):
            meant[place] = name
    return meant
