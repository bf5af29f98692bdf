"""What people change in a transcript's segments, and the way back to an earlier version, each in one transaction.

Whoever calls holds the lock on the item: changes of one transcript come one after the other.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from echoic import records
from echoic.corrections.word_times import corrected_words
from echoic.corrections.write import Edited, hold_voices, write
from echoic.db.items.items import Item
from echoic.db.search import index_write
from echoic.db.speakers import appearances, speakers
from echoic.db.speakers.speakers import Naming
from echoic.db.transcripts import corrections, label_edits, transcripts
from echoic.db.transcripts.corrections import Change
from echoic.db.transcripts.edits import EditKind
from echoic.db.transcripts.transcripts import Segment, Transcript, as_record
from echoic.errors import FieldInvalid, SegmentNotFound, VersionNotFound
from echoic.text.replacements import Replacement, replaced_in_texts
from echoic.voices.relabelling import take_voices_back

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


async def correct(
    session: AsyncSession,
    transcript: Transcript,
    wanted: Mapping[int, Correction],
    *,
    account_id: int | None,
    kind: EditKind = "correction",
) -> Edited:
    """Change segments, named by their places. Raises SegmentNotFound where one is not there."""
    rows = await segments_named(session, transcript, wanted.keys())
    # Of several labels with one name the first is meant.
    names = dict(sorted((await speakers.names_of(session, transcript.id)).items(), reverse=True))
    # Long texts of one call take a noticeable time; others are served meanwhile.
    labels = {name.lower(): label for label, name in names.items()}
    changes = await asyncio.to_thread(
        changes_of, rows, lambda row, before: _corrected(before, wanted[row.position], labels)
    )
    return await write(session, transcript, changes, account_id=account_id, kind=kind)


async def replace_text(
    session: AsyncSession, transcript: Transcript, wanted: Replacement, *, account_id: int
) -> tuple[Edited, int]:
    """Replace a text wherever it stands; return the edit and a count. Raises FieldInvalid where a text gets too long."""
    texts = await corrections.texts_of(session, transcript.id)
    found = await asyncio.to_thread(replaced_in_texts, texts, wanted)
    for place, text in found.texts.items():
        if len(text) > MAX_SEGMENT_CHARACTERS:
            raise FieldInvalid(
                f"replace: segment {place} would have {len(text)} characters; at most {MAX_SEGMENT_CHARACTERS} are allowed."
            )
    by_place = {place: Correction(text=text) for place, text in found.texts.items()}
    return await correct(session, transcript, by_place, account_id=account_id), found.replacements


async def restore(session: AsyncSession, item: Item, version: int, *, account_id: int) -> Edited:
    """Make a new version that is equal to an earlier one, 0 the engines' first: texts and speakers.

    Where the version is of a former transcript, the item has that one again. Raises VersionNotFound.
    """
    present = await transcripts.transcript_of(session, item)
    transcript = await corrections.transcript_of_version(session, item, version)
    if present is None or transcript is None:
        raise VersionNotFound
    await hold_voices(session, item.id)
    if transcript.id != present.id:
        await take_voices_back(session, item_id=item.id, before=present.id, after=transcript.id)
        transcript.version = present.version
        transcripts.make_present(item, transcript)
        await session.flush()
        # Its language may be another, and what it says may have been indexed by older rules.
        await index_write.index_transcript(session, transcript_id=transcript.id)
    states = await corrections.states_before(session, transcript.id, version)
    rows = await corrections.segments_at(session, transcript.id, states.keys())
    changes = changes_of(rows, lambda row, before: corrections.in_state(before, states[row.position]))
    labels = await _labels_back(session, transcript, version)
    return await write(
        session,
        transcript,
        changes,
        labels=labels,
        account_id=account_id,
        restores=version,
        always=transcript.id != present.id,
    )


async def _labels_back(session: AsyncSession, transcript: Transcript, version: int) -> dict[str, Naming]:
    """Whom the labels had in a version. A voice that was forgotten meanwhile is not learned again."""
    namings = await label_edits.namings_before(session, transcript.id, version)
    for label, naming in namings.items():
        if naming.how == "enrolled":
            namings[label] = await appearances.said_naming(
                session, transcript.id, label, speaker_id=naming.speaker_id, learn=True
            )
    return namings


async def segments_named(session: AsyncSession, transcript: Transcript, positions: Collection[int]) -> list[Segment]:
    """The segments at these places. Raises SegmentNotFound where one is none of the transcript's."""
    rows = await corrections.segments_at(session, transcript.id, positions)
    missing = set(positions) - {row.position for row in rows}
    if missing:
        raise SegmentNotFound(f"The transcript has no segment {min(missing)}.")
    return rows


def changes_of(rows: Iterable[Segment], changed: Callable[[Segment, records.Segment], records.Segment]) -> list[Change]:
    """What becomes of each of these segments."""
    before = [(row, as_record(row)) for row in rows]
    return [Change(row=row, before=segment, after=changed(row, segment)) for row, segment in before]


def reassigned(segment: records.Segment, label: str | None) -> records.Segment:
    """The segment as somebody else's, with all its words."""
    words = tuple(replace(word, speaker=label) for word in segment.words)
    return replace(segment, speaker=label, words=words)


def _corrected(segment: records.Segment, correction: Correction, labels: Mapping[str, str]) -> records.Segment:
    """``labels`` are by the names, in lower case, of those who are known to speak under them."""
    if correction.reassigned:
        speaker = None if correction.speaker is None else " ".join(correction.speaker.split())
        segment = reassigned(segment, None if speaker is None else labels.get(speaker.lower(), speaker))
    if correction.text is None:
        return segment
    text = " ".join(correction.text.split())
    if text == segment.text:
        return segment
    words = corrected_words(segment, text)
    confidence = round(sum(word.score for word in words) / len(words), 3) if words else None
    return replace(segment, text=text, words=words, confidence=confidence, quality="corrected")
