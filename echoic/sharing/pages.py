"""The pages of links, rendered here so that they can be read without a script. Pure; knows no HTTP.

Whatever is shown is escaped by the templates. Style and script stand in the page and are named in its policy by their hashes.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from echoic.sharing.shown import ShownMoment
from echoic.text.clock import clock

TEMPLATES = Path(__file__).parent / "templates"
SUMMARY_CHARACTERS = 300
EMBED_WIDTH, EMBED_HEIGHT = 640, 260

STYLE = (TEMPLATES / "page.css").read_text(encoding="utf-8")
SCRIPT = (TEMPLATES / "page.js").read_text(encoding="utf-8")


_DIRECTIONS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_POLICY = (
    f"default-src 'none'; style-src {_source(STYLE)}; script-src {_source(SCRIPT)}; media-src 'self'; form-action 'self'; "
    "base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors "
)


def policy(frame_ancestors: Sequence[str] = ()) -> str:
    """Return the Content-Security-Policy of a page that pages of these origins may embed."""
    return _POLICY + (" ".join(frame_ancestors) or "'none'")


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link as its page tells of it."""

    address: str
    """Of the page itself, with the origin."""
    base: str
    """The path below which its sound is."""
    oembed: str
    """Where other sites learn how to embed it."""
    query: str | None
    with_audio: bool
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A page with a form of one button or two, or with none."""

    title: str
    text: str
    path: str | None = None
    """Where the form is sent to; None: there is none."""
    button: str | None = None
    other_name: str | None = None
    """The name of the field that the second button sends."""
    other_button: str | None = None


class Pages:
    """Renders them."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["clock"] = clock
        self._templates.filters["plain"] = without_directions

    def page(self, link: Link, moments: Sequence[ShownMoment], words: Mapping[str, str]) -> str:
        """Return the page of a link."""
        return self._render("page.html", words, link=link, moments=moments, **_told(link, moments, words))

    def player(self, link: Link, moments: Sequence[ShownMoment], words: Mapping[str, str]) -> str:
        """Return the page that others embed."""
        return self._render("player.html", words, link=link, moments=moments, **_told(link, moments, words))

    def password(self, path: str, words: Mapping[str, str], *, fault: str | None = None) -> str:
        """Return the page that asks for the password; ``fault`` is the name of a word."""
        return self._render("password.html", words, path=path, fault=None if fault is None else words[fault])

    def gone(self, words: Mapping[str, str]) -> str:
        """Return the page of a link that is none."""
        return self._render("gone.html", words)

    def question(self, question: Question, words: Mapping[str, str]) -> str:
        """Return a page that asks something, or says what was done."""
        return self._render("question.html", words, question=question)

    def _render(self, name: str, words: Mapping[str, str], **values: object) -> str:
        return self._templates.get_template(name).render(words=words, style=STYLE, script=SCRIPT, **values)


def _told(link: Link, moments: Sequence[ShownMoment], words: Mapping[str, str]) -> dict[str, object]:
    until = None if link.expires_at is None else f"{link.expires_at.astimezone(UTC):%Y-%m-%d %H:%M}"
    return {
        "title": title_of(link.query, moments, words),
        "summary": summary(moments),
        "until": None if until is None else words["until"].format(moment=until),
    }


def title_of(query: str | None, moments: Sequence[ShownMoment], words: Mapping[str, str]) -> str:
    """Return the title of a page; ``query`` is that of a search."""
    if query is None:
        return moments[0].title
    return (words["moment"] if len(moments) == 1 else words["moments"]).format(count=len(moments), query=query)


def without_directions(text: str) -> str:
    """Return a text without the characters that turn the direction of what follows them (UAX #9, section 2).

    Titles and descriptions of a page stand beside words of others, with no element around them that would end it.
    """
    return text.translate(_DIRECTIONS)


def summary(moments: Sequence[ShownMoment]) -> str:
    """Return the beginning of what is said, cut between words."""
    said = " ".join(line.text.strip() for moment in moments for line in moment.lines)
    if len(said) <= SUMMARY_CHARACTERS:
        return said
    return said[: SUMMARY_CHARACTERS - 1].rpartition(" ")[0] + "…"
