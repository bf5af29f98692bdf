"""Changes a transcript in one transaction: the segments, the version that says so, search entries, named entities.

Whoever calls holds the lock on the item: changes of one transcript come one after the other.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from echoic import records
from echoic.corrections.mentions import still_named
from echoic.corrections.replacing import Replacement, replaced
from echoic.corrections.words import corrected_words
from echoic.db import corrections, entities, index_write, meanings, speakers
from echoic.db.corrections import Change
from echoic.db.transcripts import Segment, Transcript, as_record
from echoic.errors import FieldInvalid, SegmentNotFound, VersionNotFound

MAX_SEGMENT_CHARACTERS = 5000
"""Several minutes of speech; machines make segments of some hundred."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """What a segment is to say."""

    text: str | None = None
    """None: what it says."""
    speaker: str | None = None
    """None: nobody, if ``reassigned``."""
    reassigned: bool = False
    """Whether it gets another speaker at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Edited:
    """What a call has changed. A call that changes nothing makes no version."""

    version: int
    """The transcript's present one."""
    positions: tuple[int, ...]


async def correct(
    session: AsyncSession, transcript: Transcript, wanted: Mapping[int, Correction], *, account_id: int
) -> Edited:
    """Change segments, named by their places. Raises SegmentNotFound where one is not there."""
    rows = await corrections.segments_at(session, transcript.id, wanted.keys())
    missing = wanted.keys() - {row.position for row in rows}
    if missing:
        raise SegmentNotFound(f"The transcript has no segment {min(missing)}.")
    names = await speakers.names_of(session, transcript.id)
    # Long texts of one call take a noticeable time; others are served meanwhile.
    changes = await asyncio.to_thread(_changes, rows, wanted, {name.lower(): label for label, name in names.items()})
    return await _write(session, transcript, changes, account_id=account_id)


async def replace_text(
    session: AsyncSession, transcript: Transcript, wanted: Replacement, *, account_id: int
) -> tuple[Edited, int]:
    """Replace a text wherever it stands; returns besides how often. Raises FieldInvalid where a text gets too long."""
    texts = await corrections.texts_of(session, transcript.id)
    found = await asyncio.to_thread(replaced, texts, wanted)
    for place, text in found.texts.items():
        if len(text) > MAX_SEGMENT_CHARACTERS:
            raise FieldInvalid(
                f"replace: segment {place} would have {len(text)} characters; at most {MAX_SEGMENT_CHARACTERS} are allowed."
            )
    by_place = {place: Correction(text=text) for place, text in found.texts.items()}
    return await correct(session, transcript, by_place, account_id=account_id), found.replacements


async def restore(session: AsyncSession, transcript: Transcript, version: int, *, account_id: int) -> Edited:
    """Make a new version that is equal to an earlier one, 0 the machine's. Raises VersionNotFound."""
    if version > transcript.version:
        raise VersionNotFound
    states = await corrections.states_before(session, transcript.id, version)
    rows = await corrections.segments_at(session, transcript.id, states.keys())
    changes = []
    for row in rows:
        before = as_record(row)
        changes.append(Change(row=row, before=before, after=corrections.in_state(before, states[row.position])))
    return await _write(session, transcript, changes, account_id=account_id, restores=version)


def _changes(rows: Sequence[Segment], wanted: Mapping[int, Correction], labels: Mapping[str, str]) -> list[Change]:
    before = [as_record(row) for row in rows]
    after = [_corrected(segment, wanted[row.position], labels) for row, segment in zip(rows, before, strict=True)]
    return [Change(row=row, before=was, after=now) for row, was, now in zip(rows, before, after, strict=True)]


def _corrected(segment: records.Segment, correction: Correction, labels: Mapping[str, str]) -> records.Segment:
    """``labels`` are by the names, in lower case, of those who are known to speak under them."""
    if correction.reassigned:
        speaker = None if correction.speaker is None else " ".join(correction.speaker.split())
        speaker = None if speaker is None else labels.get(speaker.lower(), speaker)
        words = tuple(replace(word, speaker=speaker) for word in segment.words)
        segment = replace(segment, speaker=speaker, words=words)
    if correction.text is None:
        return segment
    text = " ".join(correction.text.split())
    if text == segment.text:
        return segment
    words = corrected_words(segment, text)
    confidence = round(sum(word.score for word in words) / len(words), 3) if words else None
    return replace(segment, text=text, words=words, confidence=confidence, quality="corrected")


async def _write(
    session: AsyncSession,
    transcript: Transcript,
    changes: Sequence[Change],
    *,
    account_id: int,
    restores: int | None = None,
) -> Edited:
    changes = [change for change in changes if change.after != change.before]
    if changes:
        await corrections.write_version(session, transcript, changes, account_id=account_id, restores=restores)
        changed = {change.row.position for change in changes}
        await index_write.index_transcript(session, transcript_id=transcript.id, changed=changed)
        rewritten = [change.row for change in changes if change.after.text != change.before.text]
        await meanings.make_stale(session, [row.id for row in rewritten])
        await _forget_names(session, transcript, rewritten)
    return Edited(version=transcript.version, positions=tuple(change.row.position for change in changes))


async def _forget_names(session: AsyncSession, transcript: Transcript, rewritten: Collection[Segment]) -> None:
    """Names that are not said any more where they were: in these segments, or begun in the one before."""
    places = {row.position for row in rewritten}
    near = {place + step for place in places for step in (-1, 0, 1)}
    rows = {row.position: row for row in await corrections.segments_at(session, transcript.id, near)}
    by_id = {row.id: row for row in rows.values() if row.position in places or row.position + 1 in places}
    gone = []
    for mention in await entities.mentions_in(session, by_id.keys()):
        row = by_id[mention.segment_id]
        reaches_on = mention.end > row.end
        if row.position not in places and not reaches_on:
            continue
        said_in = [row, *([rows[row.position + 1]] if reaches_on and row.position + 1 in rows else [])]
        segments = [as_record(segment) for segment in said_in]
        if not still_named(mention.text, start=mention.start, end=mention.end, segments=segments):
            gone.append(mention)
    if gone:
        await entities.remove_mentions(session, gone)
