"""Chapters as files: WebVTT (https://www.w3.org/TR/webvtt1/#introduction-chapters) and the JSON of Podcasting 2.0
(https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/examples/chapters/jsonChapters.md).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from echoic.formats.cues import clock

PODCAST_VERSION = "1.2.0"


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedStretch:
    """A chapter: seconds, and its title."""

    start: float
    end: float
    title: str


def webvtt(chapters: Iterable[NamedStretch]) -> str:
    """Return a track of chapters for a player."""
    cues = (
        f"\n{clock(round(one.start * 1000), '.')} --> {clock(round(one.end * 1000), '.')}\n{_escaped(one.title)}\n"
        for one in chapters
    )
    return "".join(["WEBVTT\n", *cues])


def podcast_json(chapters: Sequence[NamedStretch], *, title: str) -> str:
    """Return the chapters that a feed names in ``podcast:chapters``."""
    listed = [{"startTime": one.start, "endTime": one.end, "title": one.title} for one in chapters]
    return json.dumps({"version": PODCAST_VERSION, "title": title, "chapters": listed}, ensure_ascii=False)


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
