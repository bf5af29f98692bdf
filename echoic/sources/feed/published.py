"""Transcripts and chapters as publishers write them: SubRip, WebVTT, JSON, HTML, plain text. Pure; linear in their length.

https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/examples/transcripts/transcripts.md. A text is known by its
content, as what feeds and hosts say of its type is often wrong. A cue that cannot be read is passed over.
"""

import html
import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from echoic.errors import PublishedTextUnreadable
from echoic.records import PublishedForm
from echoic.sources.feed.values import MAX_SECONDS, line_of, plain_text

MAX_SEGMENTS = 100_000
MAX_CHAPTERS = 2000
MAX_SPEAKER_CHARACTERS = 100
JOINED_CHARACTERS = 240
"""Cues and single words are joined up to this length, so that they read as a text."""
JOINED_PAUSE_SECONDS = 2.0
_LOOKED_AT_CHARACTERS = 4096
"""The beginning in which the first cue must stand."""

_TIME = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_ARROW = re.compile(rf"\s*{_TIME}[ \t]*-->[ \t]*{_TIME}")
_FIRST_ARROW = re.compile(rf"^{_ARROW.pattern}", re.MULTILINE)
_VOICE = re.compile(r"<v(?:\.[^ <>]{0,100})? ([^<>]{1,200})>")
_TAG = re.compile(r"<[^<>]{0,200}>")
_SAID_BESIDE = re.compile(r"<(cite|time)(?:\s[^<>]{0,200})?>([^<>]{0,200})</(?:cite|time)\s?>", re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2})(?:\.(\d{1,3}))?")
_ENDS = (".", "?", "!", "…", "。", "？", "！")
_PAGES = ("<!doctype html", "<html")


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedSegment:
    """A stretch of a publisher's transcript; times are in seconds, None where the form has none."""

    start: float | None
    end: float | None
    speaker: str | None
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedChapter:
    """A chapter by its publisher."""

    start: float
    end: float | None
    """Where the next begins; None for the last one."""
    title: str


def form_of(text: str, media_type: str | None) -> PublishedForm:
    """Return in which form a transcript is. Raises PublishedTextUnreadable where it is in none of those known."""
    beginning = text[:_LOOKED_AT_CHARACTERS].lstrip()
    media = (media_type or "").partition(";")[0].strip().lower()
    if beginning.startswith("WEBVTT"):
        return "vtt"
    if _FIRST_ARROW.search(beginning):
        return "srt"
    if beginning[:1] in ("{", "["):
        return "json"
    if media in ("text/html", "application/xhtml+xml"):
        return "html"
    if media == "text/plain" and not beginning.lower().startswith(_PAGES):
        return "txt"
    raise PublishedTextUnreadable(
        "It is neither WebVTT nor SubRip nor JSON, and the feed calls it neither HTML nor plain text."
    )


def read_transcript(text: str, form: PublishedForm) -> list[PublishedSegment]:
    """Return the segments of a transcript, in their order. Raises PublishedTextUnreadable where there is none."""
    match form:
        case "vtt" | "srt":
            found = list(_joined(_cues(text)))
        case "json":
            found = list(_joined(_json_segments(text)))
        case "html":
            found = list(_html_segments(text))
        case "txt":
            found = [_untimed(line) for line in plain_text(text.replace("<", " <")).split("\n") if line.strip()]
    if not found:
        raise PublishedTextUnreadable("There is not one sentence in it.")
    if len(found) > MAX_SEGMENTS:
        raise PublishedTextUnreadable(f"It has more than {MAX_SEGMENTS:,} segments.")
    return found


def read_chapters(text: str) -> list[PublishedChapter]:
    """Return the chapters of a file in the JSON of Podcasting 2.0. Raises PublishedTextUnreadable where there is none."""
    told = _parsed(text)
    listed = told.get("chapters") if isinstance(told, dict) else None
    found: list[tuple[float, str]] = []
    for one in listed if isinstance(listed, list) else ():
        start = _number(one.get("startTime")) if isinstance(one, dict) else None
        if start is None or one.get("toc") is False:
            continue
        title = line_of(_text(one.get("title")), is_markup=False)
        found.append((start, title or f"Chapter {len(found) + 1}"))
    if not found or len(found) > MAX_CHAPTERS:
        raise PublishedTextUnreadable(f"It has {'more than 2,000' if found else 'no'} chapters with a time.")
    found.sort(key=lambda one: one[0])
    ends = [after[0] for _, after in pairwise(found)]
    return [
        PublishedChapter(start=start, end=end, title=title)
        for (start, title), end in zip(found, [*ends, None], strict=True)
    ]


def _cues(text: str) -> Iterator[PublishedSegment]:
    start = end = 0.0
    lines: list[str] | None = None
    for line in [*text.splitlines(), ""]:
        arrow = _ARROW.match(line) if "-->" in line else None
        if arrow is None and line.strip():
            if lines is not None:
                lines.append(line.strip())
            continue
        if lines:
            yield from _cue(start, end, " ".join(lines))
        lines = None
        if arrow is not None:
            start, end, lines = _seconds(*arrow.group(1, 2, 3, 4)), _seconds(*arrow.group(5, 6, 7, 8)), []


def _cue(start: float, end: float, payload: str) -> Iterator[PublishedSegment]:
    voice = _VOICE.search(payload)
    said = " ".join(html.unescape(_TAG.sub("", payload)).split())
    if said and start <= end <= MAX_SECONDS:
        yield PublishedSegment(
            start=start, end=end, speaker=_name(html.unescape(voice[1]) if voice else None), text=said
        )


def _json_segments(text: str) -> Iterator[PublishedSegment]:
    told = _parsed(text)
    listed = (
        next((told[name] for name in ("segments", "transcript") if name in told), ())
        if isinstance(told, dict)
        else told
    )
    for one in listed if isinstance(listed, list) else ():
        if not isinstance(one, dict):
            continue
        start, end = (_number(_first(one, *names)) for names in (("startTime", "start"), ("endTime", "end")))
        said = " ".join((_text(_first(one, "body", "text")) or "").split())
        if said and start is not None:
            yield PublishedSegment(
                start=start,
                end=max(start, end if end is not None else start),
                speaker=_name(_text(one.get("speaker"))),
                text=said,
            )


def _html_segments(text: str) -> Iterator[PublishedSegment]:
    """Yield paragraphs; ``<cite>`` names who speaks from there on, ``<time>`` says when the next one begins."""
    speaker, start, at = None, None, 0
    pieces = [(found.start(), found.end(), found[1].lower(), found[2]) for found in _SAID_BESIDE.finditer(text)]
    for begins, ends, kind, told in [*pieces, (len(text), len(text), "", "")]:
        for line in plain_text(text[at:begins]).split("\n"):
            if line.strip():
                yield PublishedSegment(start=start, end=None, speaker=speaker, text=line.strip())
                start = None
        at = ends
        if kind == "cite":
            speaker = _name(html.unescape(told).strip().removesuffix(":"))
        elif kind == "time" and (clock := _CLOCK.search(told)):
            start = _seconds(*clock.groups())


def _joined(segments: Iterable[PublishedSegment]) -> Iterator[PublishedSegment]:
    """Join what is cut for the screen, or word by word, as long as one speaks on."""
    held: PublishedSegment | None = None
    for one in segments:
        if held is not None and _goes_on(held, one):
            held = replace(held, end=max(held.end or 0.0, one.end or 0.0), text=f"{held.text} {one.text}")
            continue
        if held is not None:
            yield held
        held = one
    if held is not None:
        yield held


def _goes_on(held: PublishedSegment, one: PublishedSegment) -> bool:
    pause = (one.start or 0.0) - (held.end or 0.0)
    return (
        one.speaker == held.speaker
        and not held.text.endswith(_ENDS)
        and abs(pause) <= JOINED_PAUSE_SECONDS
        and len(held.text) + len(one.text) < JOINED_CHARACTERS
    )


def _untimed(line: str) -> PublishedSegment:
    return PublishedSegment(start=None, end=None, speaker=None, text=line.strip())


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PublishedTextUnreadable("It is no JSON that can be read.") from error


def _seconds(hours: str | None, minutes: str, seconds: str, part: str | None) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + (int(part.ljust(3, "0")) / 1000 if part else 0.0)


def _number(value: object) -> float | None:
    if isinstance(value, str):
        value = value.strip()[:20]
    try:
        found = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return None if found is None or not math.isfinite(found) or not 0 <= found <= MAX_SECONDS else found


def _first(values: dict[str, Any], *names: str) -> Any:
    return next((values[name] for name in names if name in values), None)


def _text(value: object) -> str | None:
    # A lone surrogate, which JSON can write, is no character.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None


def _name(text: str | None) -> str | None:
    return line_of(text, is_markup=False, most=MAX_SPEAKER_CHARACTERS)
