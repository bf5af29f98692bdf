"""Items as they are shown to readers from whose role the dataset hides something."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from echoic import access
from echoic.db.connect import Database
from echoic.db.items.items import Item, get_item
from echoic.db.transcripts import corrections, entities, entity_list, transcripts
from echoic.db.transcripts.entity_list import MentionedEntity, PlacedMention
from echoic.db.transcripts.transcripts import SelectedTranscript, Selection
from echoic.errors import OriginalWithheld
from echoic.notices import Notice
from echoic.reading.titles import shown_text
from echoic.records import SpeechSpan, Transcript
from echoic.redaction.named import written_names
from echoic.redaction.policy import Policy, roles_of
from echoic.redaction.spans import find_spans
from echoic.redaction.transcripts import Heard, Redacted, names_of_speakers, redact

ENTITIES_STAGE = "entities"


class View(Protocol):
    """A thing of a dataset as a caller sees it."""

    @property
    def role(self) -> str | None: ...

    @property
    def redaction(self) -> Mapping[str, Any] | None: ...


def policy_for(view: View) -> Policy | None:
    """Return the policy by which the caller reads; None where the caller reads the original."""
    if view.redaction is None or access.reads_original(role=view.role, original_roles=roles_of(view.redaction)):
        return None
    return Policy.from_object(view.redaction)


def require_original(view: View, message: str | None = None) -> None:
    """Raise OriginalWithheld where the caller reads what is said there redacted only."""
    access.require_original(role=view.role, original_roles=roles_of(view.redaction), message=message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """An item's whole transcript, and what is shown of it."""

    found: SelectedTranscript
    redacted: Redacted
    people: Collection[str]
    """The names of those who are mentioned in it."""


async def load_redacted(session: AsyncSession, item: Item, policy: Policy) -> Loaded | None:
    """Return what is shown of an item's transcript; None where there is no transcript that may be read.

    The item must be published: before, nobody knows the people who are named. The session is a snapshot, or the people of
    a new transcript could be looked for in the one before. Raises OriginalWithheld where people are to be hidden and could
    not be looked for.
    """
    found = await transcripts.load_transcript(session, item) if item.status == access.PUBLISHED else None
    if found is None:
        return None
    if "person" in policy.kinds and any(map(_lacks_people, found.transcript.notices)):
        raise OriginalWithheld(
            "Names of people are hidden from your role, and could not be looked for in this recording."
        )
    people, heard = await _people_and_heard(session, item, found.transcript, policy)
    # Hours of speech take a noticeable time; others are served meanwhile.
    redacted = await asyncio.to_thread(redact, found.transcript, policy, people, heard=heard)
    title = shown_text(found.transcript.title, policy, people)
    redacted = replace(redacted, transcript=replace(redacted.transcript, title=title))
    return Loaded(found=found, redacted=redacted, people=people)


async def _people_and_heard(
    session: AsyncSession, item: Item, transcript: Transcript, policy: Policy
) -> tuple[set[str], Heard | None]:
    """Return the names of people, and the segments as the engines made them where people corrected any.

    The names are those that the tagger found, those of the speakers, who are often addressed where no tagger finds it, and
    those that people wrote, which no tagger read. In what the engines made, those that people took out are names, too.
    """
    segments = transcript.segments
    people = set[str]()
    if "person" in policy.kinds:
        people = await entities.people_named_in(session, item) | names_of_speakers(transcript)
    if item.transcript_id is None or all(segment.quality != "corrected" for segment in segments):
        return people, None
    states = await corrections.states_of_engines(session, item.transcript_id)
    made = [
        corrections.in_state(segment, states[place]) if place in states else segment
        for place, segment in enumerate(segments)
    ]
    if "person" not in policy.kinds:
        return people, Heard(segments=made, people=people)
    text = " ".join(segment.text for segment in segments)
    corrected = [(before.text, after.text) for before, after in zip(made, segments, strict=True) if before != after]
    people |= written_names(corrected, all_text=text)
    taken_out = written_names([(after, before) for before, after in corrected], all_text=text)
    return people, Heard(segments=made, people=people | taken_out)


async def load_shown(
    session: AsyncSession, item: Item, policy: Policy, selected: Selection
) -> tuple[SelectedTranscript | None, bool]:
    """Return what is shown of the selected part of an item's transcript, and whether all labels of speakers are shown.

    Otherwise as ``load_redacted``.
    """
    loaded = await load_redacted(session, item, policy)
    if loaded is None:
        return None, False
    shown = loaded.redacted.transcript
    page, total = selected.page_of(shown.segments, shown.names)
    part = replace(shown, segments=tuple(page))
    found = SelectedTranscript(transcript=part, version=loaded.found.version, total_segments=total)
    return found, not loaded.redacted.labels


async def shown_entities(
    session: AsyncSession, item: Item, policy: Policy, *, type_: str | None = None
) -> tuple[list[MentionedEntity], Notice | None]:
    """Return an item's entities without those that the policy hides, and the notice of what it hides.

    A mention is left out where it lies in a stretch that is hidden, an entity without any mention left, too.
    """
    loaded = await load_redacted(session, item, policy)
    if loaded is None:
        return [], None
    redacted, people = loaded.redacted, loaded.people
    found, _ = await entity_list.list_mentioned(
        session, item_id=item.id, type_=type_, limit=None, offset=0, as_found=True
    )
    kept = []
    for entity in found:
        if (entity.type == "person" and "person" in policy.kinds) or find_spans(entity.name, policy, people):
            continue
        mentions = tuple(
            mention
            for mention in entity.mentions
            if not _is_hidden(mention, redacted) and not find_spans(mention.text, policy, people)
        )
        if mentions:
            kept.append(replace(entity, mentions=mentions))
    kept.sort(key=lambda entity: (-len(entity.mentions), entity.name, entity.id))
    return kept, redacted.transcript.notices[-1]


async def muted_spans(database: Database, item_id: int, policy: Policy) -> tuple[SpeechSpan, ...]:
    """Return the stretches of an item's recording in which something hidden is said.

    Raises OriginalWithheld where that is not known, as before it is published.
    """
    async with database.snapshot() as session:
        item = await get_item(session, item_id)
        loaded = None if item is None else await load_redacted(session, item, policy)
    if loaded is None or item is None or item.duration_seconds is None:
        raise OriginalWithheld("Nobody knows yet what of the recording is to be hidden from your role.")
    return loaded.redacted.muted


def _is_hidden(mention: PlacedMention, redacted: Redacted) -> bool:
    """Return whether a mention lies in a hidden stretch, or its segment does not say it any more."""
    if mention.segment in redacted.touched and mention.text not in redacted.transcript.segments[mention.segment].text:
        return True
    return any(span.start < mention.end and mention.start < span.end for span in redacted.muted)


def _lacks_people(notice: Notice) -> bool:
    return (
        notice.code == "entities_not_available"
        or (notice.code == "stage_left_out" and notice.detail.get("stage") == ENTITIES_STAGE)
        or (notice.code == "temporary" and ENTITIES_STAGE in notice.detail.get("without_stages", ()))
    )
