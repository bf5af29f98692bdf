"""The chapters of a recording as a caller may be shown them.

They are made when they are asked for, of the transcript as it is then and as the caller reads it, so that no correction and
no policy finds others that were kept.
"""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from echoic.access import Caller
from echoic.chapters.borders import borders, units
from echoic.chapters.titles import summary, titles
from echoic.db.connect import Database
from echoic.db.search.vectors import vectors_of
from echoic.db.transcripts import entity_list
from echoic.db.transcripts.transcripts import EVERYTHING
from echoic.db.transcripts.written_chapters import TextVersion, WrittenChapter, written_of
from echoic.reading.lookup import readable_item
from echoic.reading.redacted import policy_for, shown_entities
from echoic.reading.transcripts import load_readable
from echoic.records import Embeddings, Segment


@dataclass(frozen=True, kw_only=True, slots=True)
class Chapter:
    """A stretch of a recording that is about something."""

    start: float
    end: float
    """Seconds; the end is where the next begins."""
    title: str
    """``Chapter 2`` where nothing stands out."""
    summary: tuple[Segment, ...]
    """Sentences that stand for it, as they are said."""
    said: tuple[Segment, ...]
    """All that is said in it."""
    written: WrittenChapter | None = None
    """What a language model wrote of it, where the caller reads the original."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chapters:
    """All chapters of a recording."""

    title: str
    version: int
    """Of the transcript that they were made of."""
    chapters: tuple[Chapter, ...]
    text: TextVersion | None
    """The text that a language model may write of; None where there is none, or the caller reads it redacted."""


async def load_chapters(database: Database, item_id: int, caller: Caller) -> Chapters:
    """Return the chapters of a recording. Raises ItemNotFound, NotPublished and OriginalWithheld."""
    item, found = await load_readable(database, item_id, caller, None, EVERYTHING)
    async with database.snapshot() as session:
        policy = policy_for(await readable_item(session, item_id, caller))
        known = {} if item.transcript_id is None else await vectors_of(session, item.transcript_id)
        text = None
        if policy is None and item.transcript_id is not None:
            text = TextVersion(item_id=item_id, transcript_id=item.transcript_id, version=found.version)
        written = [] if text is None else await written_of(session, text)
        if policy is None:
            mentioned, _ = await entity_list.list_mentioned(session, item_id=item_id, type_=None, limit=None, offset=0)
        else:
            mentioned, _ = await shown_entities(session, item, policy)
    shown = found.transcript.with_names()
    segments = [one for one in shown.segments if one.text.strip()]
    vectors = _rows(segments, known)
    named = [(entity.name, mention.segment) for entity in mentioned for mention in entity.mentions]
    length = shown.duration_seconds or (segments[-1].end if segments else 0.0)
    by_times = {(one.start_seconds, one.end_seconds): one for one in written}
    chapters = (
        replace(one, written=by_times.get((one.start, one.end))) for one in _chapters(segments, vectors, named, length)
    )
    return Chapters(title=shown.title, version=found.version, chapters=tuple(chapters), text=text)


def _chapters(
    segments: list[Segment], vectors: Embeddings, named: list[tuple[str, int]], length: float
) -> list[Chapter]:
    if not segments:
        return []
    starts, ends = [one.start for one in segments], [one.end for one in segments]
    firsts = [0, *borders(starts, ends, vectors)]
    pieces = units(starts, ends)
    texts = [[one.text for one in segments[a:b]] for a, b in zip(pieces, [*pieces[1:], len(segments)], strict=True)]
    stretches = list(zip(firsts, [*firsts[1:], len(segments)], strict=True))
    within = [range(sum(piece < a for piece in pieces), sum(piece < b for piece in pieces)) for a, b in stretches]
    places = {one.position: place for place, one in enumerate(segments)}
    counted = [Counter(name for name, position in named if a <= places.get(position, -1) < b) for a, b in stretches]
    return [
        Chapter(
            start=0.0 if a == 0 else starts[a],
            end=max(length, ends[-1]) if b == len(segments) else starts[b],
            title=title or f"Chapter {number}",
            summary=tuple(summary(segments[a:b], vectors[a:b])),
            said=tuple(segments[a:b]),
        )
        for number, ((a, b), title) in enumerate(zip(stretches, titles(texts, within, counted), strict=True), start=1)
    ]


def _rows(segments: list[Segment], known: dict[int, np.ndarray]) -> Embeddings:
    size = len(next(iter(known.values()))) if known else 1
    rows = np.zeros((len(segments), size), dtype=np.float32)
    for place, segment in enumerate(segments):
        if segment.position in known:
            rows[place] = known[segment.position]
    return rows
