"""Changes the segments of a transcript and restores earlier versions, each in one transaction.

Callers hold the lock on the item, so that changes of one transcript come one after the other.
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
"""Several minutes of speech; segments of engines have some hundred characters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """The new text or speaker of a segment."""

    text: str | None = None
    """None keeps the present text."""
    speaker: str | None = None
    """The name or label of the new speaker if ``reassigned``; None for nobody."""
    reassigned: bool = False
    """Whether the speaker changes."""


async def correct(
    session: AsyncSession,
    transcript: Transcript,
    wanted: Mapping[int, Correction],
    *,
    account_id: int | None,
    namings: Mapping[str, Naming] | None = None,
    kind: EditKind = "correction",
) -> Edited:
    """Correct segments, given by their places, and name labels. Raises SegmentNotFound if a segment does not exist.

    A caller that gives ``namings`` holds the lock on the library's voices.
    """
    rows = await segments_named(session, transcript, wanted.keys())
    # If several labels have one name, it means the first.
    names = dict(sorted((await speakers.names_of(session, transcript.id)).items(), reverse=True))
    # In a thread: long texts take a noticeable time, and other requests are served meanwhile.
    labels = {name.lower(): label for label, name in names.items()}
    changes = await asyncio.to_thread(
        changes_of, rows, lambda row, before: _corrected(before, wanted[row.position], labels)
    )
    return await write(session, transcript, changes, labels=namings, account_id=account_id, kind=kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The places of a text in a transcript, and the segments' texts with another in its place."""

    replacements: int
    before: dict[int, str]
    """By place the texts of the segments that would change."""
    after: dict[int, str]


async def find_text(session: AsyncSession, transcript: Transcript, wanted: Replacement) -> Found:
    """Look for a text in a transcript and change nothing. Raises FieldInvalid if a segment would get too long."""
    texts = await corrections.texts_of(session, transcript.id)
    found = await asyncio.to_thread(replaced_in_texts, texts, wanted)
    for place, text in found.texts.items():
        if len(text) > MAX_SEGMENT_CHARACTERS:
            raise FieldInvalid(
                f"replace: segment {place} would have {len(text)} characters; at most {MAX_SEGMENT_CHARACTERS} are allowed."
            )
    before = {place: texts[place] for place in found.texts}
    return Found(replacements=found.replacements, before=before, after=found.texts)


async def replace_text(
    session: AsyncSession, transcript: Transcript, wanted: Replacement, *, account_id: int
) -> tuple[Edited, Found]:
    """Replace a text everywhere in a transcript; also returns what was found.

    Raises FieldInvalid if a segment would get too long.
    """
    found = await find_text(session, transcript, wanted)
    by_place = {place: Correction(text=text) for place, text in found.after.items()}
    return await correct(session, transcript, by_place, account_id=account_id), found


async def restore(session: AsyncSession, item: Item, version: int, *, account_id: int) -> Edited:
    """Make a new version with the texts and speakers of an earlier one; version 0 is the engines' first.

    If the version belongs to a former transcript, that becomes the item's transcript again. Raises VersionNotFound.
    """
    present = await transcripts.transcript_of(session, item)
    transcript = await corrections.transcript_of_version(session, item, version)
    if present is None or transcript is None:
        raise VersionNotFound
    await hold_voices(session, item.id)
    if transcript.id != present.id:
        await take_voices_back(session, item_id=item.id, before=present.id, after=transcript.id)
        await transcripts.bring_back(session, item, transcript, version=present.version)
        # Its language may be another, and its entries may have been written by older rules.
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
    """Return the people named under the labels in a version. A voice that was forgotten since is not learned again."""
    namings = await label_edits.namings_before(session, transcript.id, version)
    for label, naming in namings.items():
        if naming.how == "enrolled":
            namings[label] = await appearances.said_naming(
                session, transcript.id, label, speaker_id=naming.speaker_id, learn=True
            )
    return namings


async def segments_named(session: AsyncSession, transcript: Transcript, positions: Collection[int]) -> list[Segment]:
    """Load the segments at these places. Raises SegmentNotFound if the transcript lacks one."""
    rows = await corrections.segments_at(session, transcript.id, positions)
    missing = set(positions) - {row.position for row in rows}
    if missing:
        raise SegmentNotFound(f"The transcript has no segment {min(missing)}.")
    return rows


def changes_of(rows: Iterable[Segment], changed: Callable[[Segment, records.Segment], records.Segment]) -> list[Change]:
    """Apply a function to each of these segments; returns a change for each, even where nothing changed."""
    before = [(row, as_record(row)) for row in rows]
    return [Change(row=row, before=segment, after=changed(row, segment)) for row, segment in before]


def reassigned(segment: records.Segment, label: str | None) -> records.Segment:
    """Give the segment and all its words to another label."""
    words = tuple(replace(word, speaker=label) for word in segment.words)
    return replace(segment, speaker=label, words=words)


def _corrected(segment: records.Segment, correction: Correction, labels: Mapping[str, str]) -> records.Segment:
    """Apply a correction; ``labels`` maps the names of known speakers, in lower case, to their labels."""
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
