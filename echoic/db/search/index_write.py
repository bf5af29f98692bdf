"""Writes the search index: all entries of a transcript at once, in the caller's transaction."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.base import among
from echoic.db.items.items import Item
from echoic.db.search.index import DIMENSIONS, SCHEMA_VERSION, SearchEntry
from echoic.db.search.lexemes import DICTIONARIES, PLAIN, entry_vector, marks_of
from echoic.db.search.stems import stem_words
from echoic.db.transcripts.transcripts import Segment, Transcript
from echoic.records import Embeddings
from echoic.search.language import OVERLAP_WORDS
from echoic.search.similar import MAX_CHARACTERS, MAX_COMPOUND_CHARACTERS, MIN_CHARACTERS
from echoic.text.edits import deletion_forms
from echoic.text.words import marked_places, words

MAX_FOLLOWING_SEGMENTS = 20
"""Segments without words after which nobody looks for a phrase across them."""

LOCK_FAMILY = 0x6563
"""Parts our locks on items from others' locks."""


async def index_transcript(
    session: AsyncSession, *, transcript_id: int, changed: Collection[int] | None = None
) -> None:
    """Make a transcript's segments, and its item's title and description, findable by word once the item is published.

    Done again, it replaces the entries. It reads the segments as they are in this transaction. Where only those at some
    places have ``changed``, in text or speaker, no other entries than those that hold their words are replaced.
    """
    transcript = await session.get_one(Transcript, transcript_id)
    item = await session.get_one(Item, transcript.item_id)
    await _lock(session, item.id)
    said = select(Segment.id, Segment.position, Segment.text, Segment.speaker).where(
        Segment.transcript_id == transcript_id
    )
    if changed is not None:
        steps = range(-MAX_FOLLOWING_SEGMENTS, MAX_FOLLOWING_SEGMENTS + 1)
        said = said.where(among(Segment.position, {place + step for place in changed for step in steps}))
    rows = await session.execute(said.order_by(Segment.position))
    segments = [
        SpokenWords(
            segment_id=row.id,
            position=row.position,
            speaker=row.speaker,
            own=words(row.text),
            numbers=marked_places(row.text),
        )
        for row in rows
    ]
    wanted = [
        (segment, following)
        for segment, following, reach in with_following(segments)
        if changed is None or not reach.isdisjoint(changed)
    ]
    dictionary = await dictionary_of(session, transcript.language)
    stems = await stem_words(session, dictionary, {word for segment, _ in wanted for word in segment.own})
    place = {"dataset_id": item.dataset_id, "item_id": item.id}
    entries = [
        {
            "item_id": item.id,
            "transcript_id": transcript_id,
            "segment_id": segment.segment_id,
            "position": segment.position,
            "schema_version": SCHEMA_VERSION,
            "vector": entry_vector(
                segment.own, following, stems, marks_of(**place, speaker=segment.speaker), segment.numbers
            ),
        }
        for segment, following in wanted
        if segment.own
    ]
    replaced = SearchEntry.transcript_id == transcript_id
    if changed is not None:
        replaced &= among(SearchEntry.segment_id, [segment.segment_id for segment, _ in wanted])
    await session.execute(delete(SearchEntry).where(replaced))
    if entries:
        await session.execute(insert(SearchEntry), entries)
    await _learn(session, stems)
    if changed is None:
        await index_title(session, item=item, dictionary=dictionary)


async def index_item(session: AsyncSession, *, item_id: int) -> None:
    """Rebuild the entries of all of an item's transcripts that have any, and those of its present one in any case."""
    await _lock(session, item_id)
    present = await session.scalar(select(Item.transcript_id).where(Item.id == item_id))
    indexed = await session.scalars(
        select(SearchEntry.transcript_id)
        .where(SearchEntry.item_id == item_id, SearchEntry.transcript_id.is_not(None))
        .distinct()
    )
    for transcript_id in sorted({*indexed, present} - {None}):
        await index_transcript(session, transcript_id=transcript_id)


async def items_to_index(session: AsyncSession, *, outdated_only: bool) -> list[int]:
    """Return the ids of the items whose entries are to be rebuilt, the newest first.

    With ``outdated_only`` these are the items with an entry of another schema version, else all that have a transcript.
    """
    if outdated_only:
        entries = or_(SearchEntry.schema_version < SCHEMA_VERSION, SearchEntry.schema_version > SCHEMA_VERSION)
        wanted = select(SearchEntry.item_id).where(entries).distinct().order_by(SearchEntry.item_id.desc())
    else:
        wanted = select(Item.id).where(Item.transcript_id.is_not(None)).order_by(Item.id.desc())
    return list(await session.scalars(wanted))


async def _lock(session: AsyncSession, item_id: int) -> None:
    """Let nobody else index the item until the transaction ends: the entries would be there twice.

    The item first, as whoever changes it does: an entry refers to the item, so it would be waited for in the end.
    """
    await session.execute(select(Item.id).where(Item.id == item_id).with_for_update(read=True, key_share=True))
    await session.execute(
        text("SELECT pg_advisory_xact_lock(:family, CAST(:item_id % 2147483647 AS integer))"),
        {"family": LOCK_FAMILY, "item_id": item_id},
    )


async def index_title(session: AsyncSession, *, item: Item, dictionary: str | None = None) -> None:
    """Make an item's title and description findable, as they are now."""
    if dictionary is None:
        language = await session.scalar(select(Transcript.language).where(Transcript.id == item.transcript_id))
        dictionary = await dictionary_of(session, language)
    await _lock(session, item.id)
    shown = f"{item.title}\n{item.description or ''}"
    own = words(shown)
    await session.execute(
        delete(SearchEntry).where(SearchEntry.item_id == item.id, SearchEntry.transcript_id.is_(None))
    )
    if not own:
        return
    stems = await stem_words(session, dictionary, set(own))
    marks = marks_of(dataset_id=item.dataset_id, item_id=item.id)
    await session.execute(
        insert(SearchEntry).values(
            item_id=item.id,
            position=-1,
            schema_version=SCHEMA_VERSION,
            vector=entry_vector(own, (), stems, marks, marked_places(shown)),
        )
    )
    await _learn(session, stems)


_KNOWN = text("SELECT true FROM pg_ts_dict WHERE dictname = :dictionary AND pg_ts_dict_is_visible(oid)")


async def dictionary_of(session: AsyncSession, language: str | None) -> str:
    """Return the dictionary for a language, remembered as one that entries were made with."""
    wanted = DICTIONARIES.get(language or "", PLAIN)
    # A server older than the newest stemmers takes words as they are.
    dictionary = wanted if await session.scalar(_KNOWN, {"dictionary": wanted}) else PLAIN
    await session.execute(
        text("INSERT INTO search_dictionaries (dictionary) VALUES (:dictionary) ON CONFLICT DO NOTHING"),
        {"dictionary": dictionary},
    )
    return dictionary


async def _learn(session: AsyncSession, found: Iterable[str]) -> None:
    """Remember words that are new. In order: two transactions that wait for each other's words would deadlock."""
    wanted = sorted(word for word in found if MIN_CHARACTERS <= len(word) <= MAX_COMPOUND_CHARACTERS)
    new = await session.scalars(
        text(
            "SELECT word FROM unnest(CAST(:words AS text[])) AS known_word(word) "
            "WHERE NOT EXISTS (SELECT 1 FROM search_words known WHERE known.word = known_word.word) ORDER BY word"
        ),
        {"words": wanted},
    )
    rows = [
        {"word": word, "slips": sorted(deletion_forms(word)) if len(word) <= MAX_CHARACTERS else []}
        for word in new
        if word.isalpha()
    ]
    if rows:
        await session.execute(
            text("INSERT INTO search_words (word, slips) VALUES (:word, :slips) ON CONFLICT DO NOTHING"), rows
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SpokenWords:
    """The words of a segment."""

    segment_id: int
    position: int
    speaker: str | None
    own: list[str]
    numbers: dict[int, str]
    """Of ``words.marked_places``."""


def with_following(segments: Sequence[SpokenWords]) -> Iterator[tuple[SpokenWords, list[str], set[int]]]:
    """Yield each segment with the first words of what is said after it, and the places of all segments these are from."""
    for number, segment in enumerate(segments):
        following: list[str] = []
        reach = {segment.position}
        for later in segments[number + 1 : number + 1 + MAX_FOLLOWING_SEGMENTS]:
            too_far = later.position > segment.position + MAX_FOLLOWING_SEGMENTS
            if len(following) >= OVERLAP_WORDS or too_far:
                break
            following += later.own[:OVERLAP_WORDS]
            reach.add(later.position)
        yield segment, following, reach


async def store_embeddings(
    session: AsyncSession, *, segment_ids: Sequence[int], model: str, vectors: Embeddings
) -> None:
    """Keep what segments mean, shape (segments, DIMENSIONS), for search by meaning; replaces what they had.

    Works with and without pgvector: arrays are assigned to whichever type the column has.
    """
    if vectors.shape != (len(segment_ids), DIMENSIONS):
        raise ValueError(f"{len(segment_ids)} segments need vectors of {DIMENSIONS} numbers, not {vectors.shape}")
    if not segment_ids:
        return
    await session.execute(
        text(
            "INSERT INTO segment_embeddings (segment_id, transcript_id, model, vector) "
            "SELECT id, transcript_id, :model, CAST(:vector AS real[]) FROM segments WHERE id = :segment_id "
            "ON CONFLICT (segment_id) DO UPDATE SET model = excluded.model, vector = excluded.vector"
        ),
        [
            {"segment_id": segment_id, "model": model, "vector": vector.tolist()}
            for segment_id, vector in zip(segment_ids, vectors, strict=True)
        ],
    )
