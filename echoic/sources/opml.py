"""Lists of feeds as OPML 2.0, which every program for podcasts reads and writes. Pure. http://opml.org/spec2.opml."""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from echoic.errors import FieldInvalid
from echoic.sources.feed.values import line_of

MAX_OUTLINES = 1000
MAX_DEPTH = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """One feed of a list."""

    title: str
    """Empty where none is given."""
    url: str


def read_opml(document: str) -> list[Outline]:
    """Return the feeds of a list, each address once, however they are grouped. Raises FieldInvalid."""
    found: dict[str, Outline] = {}
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth == 1 and name.lower() != "opml":
            raise FieldInvalid("'opml' is no list in OPML.")
        if depth > MAX_DEPTH:
            raise FieldInvalid("'opml' is nested too deep.")
        given = {key.lower(): value for key, value in attributes.items()}
        url = given.get("xmlurl", "").strip()
        if name.lower() == "outline" and url and url not in found:
            if len(found) >= MAX_OUTLINES:
                raise FieldInvalid(f"'opml' has more than {MAX_OUTLINES:,} feeds.")
            found[url] = Outline(title=line_of(given.get("title") or given.get("text"), most=200) or "", url=url)

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_: object) -> None:
        raise FieldInvalid("'opml' has a document type (DTD); it is not read.")

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(document.lstrip("\ufeff \t\r\n"), True)
    except expat.ExpatError as error:
        raise FieldInvalid(f"'opml' is not well-formed XML: {expat.ErrorString(error.code)}.") from error
    return list(found.values())


def write_opml(title: str, outlines: Iterable[Outline]) -> str:
    """Return a list of feeds."""
    lines = [
        f'    <outline type="rss" text={_quoted(one.title)} title={_quoted(one.title)} xmlUrl={_quoted(one.url)}/>'
        for one in outlines
    ]
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<opml version="2.0">\n  <head><title>{escape(seen(title))}</title></head>'
    return "\n".join([head, "  <body>", *lines, "  </body>", "</opml>\n"])


def seen(text: str) -> str:
    """Return a text without the characters that no XML may hold."""
    return "".join(character for character in text if character >= " " or character in "\t\n\r").translate(
        dict.fromkeys((0xFFFE, 0xFFFF))
    )


def _quoted(text: str) -> str:
    return quoteattr(seen(text))
