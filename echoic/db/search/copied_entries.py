"""The entries of an item as a copy of the index outside of PostgreSQL gets them: its words, and what filters compare."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.exc import DataError
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.search.index_write import SpokenWords, dictionary_of, with_following
from echoic.db.search.stems import stem_words
from echoic.text.words import marked_places, words

TITLE_POSITION = -1
MAX_TOLD_CHARACTERS = 200


class EntriesNotMade(Exception):
    """An item whose stored values cannot be made into entries, or those into documents; the message says why.

    Asking again is of no use before the item changes, or this program.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentFacts:
    """The values of a segment that filters compare, names in small letters."""

    segment_id: int
    speaker: str | None
    """The label."""
    speaker_id: int | None
    """Of a known speaker."""
    confidence: float | None
    doubtful: bool
    entity_ids: tuple[int, ...]
    entity_names: tuple[str, ...]
    subject_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentMeaning:
    """The embedding of a segment, and the model that made it."""

    model: str
    vector: Sequence[float]
    """As many numbers as ``DIMENSIONS``, not all of them zero."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryWords:
    """A segment, or title and description."""

    position: int
    """-1 of title and description."""
    own: Sequence[str]
    following: Sequence[str]
    marked: Mapping[int, str]
    """Words with marks, as ``marked_places`` has them."""
    facts: SegmentFacts | None
    """None of title and description."""
    meaning: SegmentMeaning | None = None
    """None also where vectors were not asked for, and where the segment waits for one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemEntries:
    """A published item."""

    item_id: int
    library_id: int
    dataset_id: int
    language: str | None
    source_type: str
    published_at: datetime | None
    places: int
    """All segments stand at places below this one."""
    entries: Sequence[EntryWords]
    stems: Mapping[str, str | None]
    """Of all its own words; None for a stop word."""


_ITEM = text("""
    SELECT datasets.library_id, items.dataset_id, items.language, items.source_type, items.published_at,
        items.title || E'\\n' || coalesce(items.description, '') AS shown, items.transcript_id,
        transcripts.language AS spoken
    FROM items JOIN datasets ON datasets.id = items.dataset_id LEFT JOIN transcripts ON transcripts.id = items.transcript_id
    WHERE items.id = :item_id AND items.status = 'published'
""")
_SEGMENTS = text("""
    SELECT segments.id, segments.position, segments.text, lower(segments.speaker) AS speaker, item_speakers.speaker_id,
        segments.confidence, segments.quality IS NOT DISTINCT FROM 'doubtful' AS doubtful
    FROM segments LEFT JOIN item_speakers
        ON item_speakers.transcript_id = segments.transcript_id AND item_speakers.label = segments.speaker
    WHERE segments.transcript_id = :transcript_id ORDER BY segments.position
""")
_MENTIONED = text("""
    SELECT DISTINCT mentions.segment_id, entities.id, lower(entities.name) AS name, entities.subject_id
    FROM segments JOIN mentions ON mentions.segment_id = segments.id JOIN entities ON entities.id = mentions.entity_id
    WHERE segments.transcript_id = :transcript_id ORDER BY 1, 2
""")
# The column is a vector or an array, as the database has pgvector or not.
_MEANINGS = text("""
    SELECT segment_id, model, CAST(vector AS real[]) AS vector FROM segment_embeddings WHERE transcript_id = :transcript_id
""")


async def entries_of(session: AsyncSession, item_id: int, *, with_meanings: bool = False) -> ItemEntries | None:
    """Read an item's entries as they are in this transaction; None where it is gone or not published.

    Raises EntriesNotMade.
    """
    try:
        item = (await session.execute(_ITEM, {"item_id": item_id})).one_or_none()
        if item is None:
            return None
        stored = await _read_stored(session, item, with_meanings=with_meanings)
        # Hours of speech take a good part of a second, in which requests go on.
        entries = await asyncio.to_thread(_cut, stored)
        dictionary = await dictionary_of(session, item.spoken)
        stems = await stem_words(session, dictionary, {word for entry in entries for word in entry.own})
    except DataError as error:
        raise EntriesNotMade(_told(error.orig or error)) from error
    return ItemEntries(
        item_id=item_id,
        library_id=item.library_id,
        dataset_id=item.dataset_id,
        language=item.language,
        source_type=item.source_type,
        published_at=item.published_at,
        places=max(entry.position + 1 for entry in entries),
        entries=[entry for entry in entries if entry.own],
        stems=stems,
    )


@contextmanager
def making_entries() -> Iterator[None]:
    """Raise EntriesNotMade for any error of the block, which computes what is stored of one item and asks nobody."""
    try:
        yield
    except Exception as error:
        raise EntriesNotMade(_told(error)) from error


def _told(error: BaseException) -> str:
    """Return an error's class and sentence, in one line that the database takes."""
    sentence = f"{type(error).__name__}: {error}"[:MAX_TOLD_CHARACTERS]
    return "".join(character if character.isprintable() else " " for character in sentence)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stored:
    """The rows of an item from which its entries are made."""

    shown: str
    segments: Sequence[Row[Any]] = ()
    mentioned: Sequence[Row[Any]] = ()
    meanings: Sequence[Row[Any]] = ()


async def _read_stored(session: AsyncSession, item: Row[Any], *, with_meanings: bool) -> _Stored:
    if item.transcript_id is None:
        return _Stored(shown=item.shown)
    given = {"transcript_id": item.transcript_id}
    return _Stored(
        shown=item.shown,
        segments=(await session.execute(_SEGMENTS, given)).all(),
        mentioned=(await session.execute(_MENTIONED, given)).all(),
        meanings=(await session.execute(_MEANINGS, given)).all() if with_meanings else (),
    )


@making_entries()
def _cut(stored: _Stored) -> list[EntryWords]:
    """Make an item's entries: title and description first, then its segments."""
    mentioned: dict[int, list[tuple[int, str, int | None]]] = {}
    for row in stored.mentioned:
        mentioned.setdefault(row.segment_id, []).append((row.id, row.name, row.subject_id))
    # A vector of zeros has no direction: no cosine is known of it.
    meanings = {
        row.segment_id: SegmentMeaning(model=row.model, vector=row.vector) for row in stored.meanings if any(row.vector)
    }
    segments, facts = [], {}
    for row in stored.segments:
        segments.append(
            SpokenWords(
                segment_id=row.id,
                position=row.position,
                speaker=row.speaker,
                own=words(row.text),
                numbers=marked_places(row.text),
            )
        )
        named = mentioned.get(row.id, [])
        facts[row.id] = SegmentFacts(
            segment_id=row.id,
            speaker=row.speaker,
            speaker_id=row.speaker_id,
            confidence=row.confidence,
            doubtful=row.doubtful,
            entity_ids=tuple(number for number, _, _ in named),
            entity_names=tuple(dict.fromkeys(name for _, name, _ in named)),
            subject_ids=tuple(dict.fromkeys(subject for _, _, subject in named if subject is not None)),
        )
    title = EntryWords(
        position=TITLE_POSITION,
        own=words(stored.shown),
        following=(),
        marked=marked_places(stored.shown),
        facts=None,
    )
    spoken = (
        EntryWords(
            position=segment.position,
            own=segment.own,
            following=following,
            marked=segment.numbers,
            facts=facts[segment.segment_id],
            meaning=meanings.get(segment.segment_id),
        )
        for segment, following, _ in with_following(segments)
    )
    return [title, *spoken]
