"""The speakers of an item: its labels, their names, and names that were said."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from echoic import access
from echoic.access import Caller
from echoic.api.auth import Reader, Uploader
from echoic.api.bodies import WHOLE, read_json, unset
from echoic.api.context import ComponentsDep
from echoic.api.corrections import CONFLICT, EXPECTED, ExpectedBody, correctable, recognize_relabelled, require_version
from echoic.api.names import Name
from echoic.api.openapi import json_body
from echoic.api.parameters import MAX_ID, Id
from echoic.api.problems import Problem
from echoic.api.speakers import How, SpeakerId
from echoic.corrections import speakers as editing
from echoic.db.catalog import libraries
from echoic.db.catalog.libraries import LibraryView
from echoic.db.connect import Database
from echoic.db.items.items import Item, ItemView
from echoic.db.speakers import appearances, speakers
from echoic.db.speakers.appearances import LabelView
from echoic.db.transcripts import transcripts
from echoic.db.transcripts.transcripts import Transcript
from echoic.errors import FieldInvalid, SpeakerNotFound
from echoic.names.introductions import Suggestion, suggest_names
from echoic.reading.lookup import changeable_item, readable_item
from echoic.reading.redacted import load_redacted, policy_for, require_original
from echoic.reading.transcripts import no_transcript
from echoic.redaction.policy import Policy

LABEL = "/api/items/{item_id}/speakers/{label}"
MAX_SPLIT_SEGMENTS = 10_000
SUGGESTION_ORDER = ("said_of_self", "voice", "introduced")
"""The likeliest kind first."""

router = APIRouter(tags=["speakers"], responses={"default": {"model": Problem}})

Label = Annotated[str, Path(max_length=200, description="As in the transcript, `SPEAKER_00`.")]


class Who(ExpectedBody):
    """Somebody known, by id or by name, or somebody new, by name."""

    speaker_id: SpeakerId = Field(default_factory=unset, description="A speaker of the item's library.")
    name: Name = Field(
        default_factory=unset, description="Of a speaker of the library, who is made where there is none."
    )


class NamedSpeaker(Who):
    """The person who speaks under a label."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["speaker_id"]}, {"required": ["name"]}]})

    learn: bool = Field(default=True, description="Whether they are to be recognized by this voice, too.")


class MergedLabel(ExpectedBody):
    """The person that a label belongs to."""

    into: Name = Field(description="The label that all of it goes to, or the name of who speaks under that.")


class SplitLabel(Who):
    """The segments that somebody else spoke, and the name of that person where it is known."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["speaker_id", "name"]}})

    segments: list[Annotated[int, Field(ge=0, le=MAX_ID), WHOLE]] = Field(
        min_length=1, max_length=MAX_SPLIT_SEGMENTS, description="Their ids; all of them spoken under the label."
    )


class SuggestionBody(BaseModel):
    """A name that was said, or that of somebody whose voice is like this one; nobody has it until you say so."""

    name: str = Field(description="The name that is suggested.")
    sentence: str | None = Field(description="In which it was said; null for `voice`.")
    start: float = Field(description="The time at which it was said or the speaker is first heard, in seconds.")
    kind: Literal["said_of_self", "voice", "introduced"] = Field(
        description="Where the name is from: said by the person, known by the voice, or said by another who introduces them."
    )
    confidence: float | None = Field(
        default=None, description="For `voice`: how alike the voices are, at most 1; too little for a name by itself."
    )


class ItemSpeakerBody(BaseModel):
    """Somebody who speaks in an item."""

    label: str
    speaker_id: int | None = Field(description="The speaker, where known.")
    name: str | None = Field(description="The name of the person, where known; else null.")
    how: How | None = Field(
        description="`enrolled`: said by somebody, and the voice learned; `by_hand`: said, not learned; `matched`: by "
        "voice; null: nobody said or found anything."
    )
    confidence: float | None = Field(description="Of a match: how alike the voices are, at most 1.")
    has_voiceprint: bool = Field(description="Whether enough was heard of them alone, and the dataset keeps voices.")
    start: float = Field(description="The time when they are first heard, in seconds.")
    seconds: float = Field(description="The time they speak.")
    segments: int = Field(description="The number of segments that they say.")
    suggestions: list[SuggestionBody] = Field(
        description="Names that were said in the recording or that the voice suggests, the likeliest first."
    )


class ItemSpeakerList(BaseModel):
    """Everybody who speaks in an item, in order of appearance."""

    version: int | None = Field(description="The transcript's; null where there is none.")
    speakers: list[ItemSpeakerBody] = Field(description="The speakers, in order of appearance.")


class SplitBody(ItemSpeakerList):
    """The same, with the label that was made."""

    label: str = Field(description="The label that was made.")


@router.get("/api/items/{item_id}/speakers", operation_id="listItemSpeakers")
async def list_of_item(item_id: Id, caller: Reader, components: ComponentsDep) -> ItemSpeakerList:
    """The speakers of an item, with suggestions where a name was said or, for members of the library, a voice is alike.

    Empty where the speakers were not told apart.
    """

    async def work(database: Database) -> ItemSpeakerList:
        async with database.snapshot() as session:
            view = await readable_item(session, item_id, caller)
            policy = policy_for(view)
            if policy is not None:
                return await _shown(session, view.item, policy)
            return await _list(session, view)

    return await components.aside.run(work)


@router.post(LABEL, openapi_extra=json_body(NamedSpeaker), responses=CONFLICT, operation_id="nameItemSpeaker")
async def name(
    item_id: Id, label: Label, caller: Uploader, components: ComponentsDep, request: Request
) -> ItemSpeakerList:
    """Say who speaks under a label. Their voice is learned, and the library's other items are looked through for it.

    Answers with everybody in the item. Saying it again with somebody else reassigns the label, and its voice with it.
    It is a version of the transcript. 404 `speaker_not_found` for a label or a speaker that is not there.
    """
    wanted = await read_json(request, NamedSpeaker)
    if len(wanted.model_fields_set & {"speaker_id", "name"}) != 1:
        raise FieldInvalid("Give either 'speaker_id' or 'name'.")

    async def work(database: Database) -> ItemSpeakerList:
        async with database.transaction() as session:
            view, transcript = await _named(session, item_id, label, caller, wanted.version)
            edited = await editing.name(
                session,
                transcript,
                [label],
                speaker_id=await _who(session, view.library.id, wanted),
                learn=wanted.learn,
                account_id=caller.account_id,
            )
            await recognize_relabelled(session, components, view, edited)
            return await _list(session, view)

    return await components.aside.run(work)


@router.delete(LABEL, responses=CONFLICT, operation_id="unnameItemSpeaker")
async def unname(
    item_id: Id,
    label: Label,
    *,
    caller: Uploader,
    components: ComponentsDep,
    version: Annotated[int | None, Query(ge=0, le=MAX_ID, description=EXPECTED)] = None,
) -> ItemSpeakerList:
    """Say that the name under a label is wrong: it stays without one, whatever its voice is like.

    What was learned from it is learned no more, and items named by it are looked through again. It is a version of the
    transcript.
    """

    async def work(database: Database) -> ItemSpeakerList:
        async with database.transaction() as session:
            view, transcript = await _named(session, item_id, label, caller, version)
            edited = await editing.name(
                session, transcript, [label], speaker_id=None, learn=False, account_id=caller.account_id
            )
            await recognize_relabelled(session, components, view, edited)
            return await _list(session, view)

    return await components.aside.run(work)


@router.post(
    LABEL + "/merge", openapi_extra=json_body(MergedLabel), responses=CONFLICT, operation_id="mergeItemSpeakers"
)
async def merge_label(
    item_id: Id, label: Label, caller: Uploader, components: ComponentsDep, request: Request
) -> ItemSpeakerList:
    """Give all that is said under a label to another label of the item: they are one person. A version of the transcript.

    The name stays as it is for the other; this label is gone from the item. 404 `speaker_not_found` where nobody speaks
    under one of them.
    """
    wanted = await read_json(request, MergedLabel)

    async def work(database: Database) -> ItemSpeakerList:
        async with database.transaction() as session:
            view, transcript = await correctable(session, item_id, caller, wanted)
            await speakers.lock_voices(session, view.library.id)
            labels = await appearances.list_labels(session, transcript.id)
            _require(labels, label)
            into = _meant(labels, wanted.into, merged=label)
            if into == label:
                raise FieldInvalid("into: a label cannot be merged into itself.")
            edited = await editing.merge(session, transcript, label, into=into, account_id=caller.account_id)
            await recognize_relabelled(session, components, view, edited)
            return await _list(session, view)

    return await components.aside.run(work)


@router.post(
    LABEL + "/split",
    status_code=201,
    openapi_extra=json_body(SplitLabel),
    responses=CONFLICT,
    operation_id="splitItemSpeaker",
)
async def split_label(
    item_id: Id, label: Label, caller: Uploader, components: ComponentsDep, request: Request
) -> SplitBody:
    """Give some segments of a label to a new one, with the name of somebody if that is said. A version of the transcript.

    404 `segment_not_found`, and 400 where a segment is not spoken under the label. To give segments to a label that is
    there already, `PATCH` them.
    """
    wanted = await read_json(request, SplitLabel)
    given = wanted.model_fields_set & {"speaker_id", "name"}
    if len(given) == len({"speaker_id", "name"}):
        raise FieldInvalid("Give 'speaker_id', or 'name', or neither.")

    async def work(database: Database) -> SplitBody:
        async with database.transaction() as session:
            view, transcript = await correctable(session, item_id, caller, wanted)
            await speakers.lock_voices(session, view.library.id)
            _require(await appearances.list_labels(session, transcript.id), label)
            edited, new = await editing.split(
                session,
                transcript,
                label,
                sorted(set(wanted.segments)),
                speaker_id=await _who(session, view.library.id, wanted) if given else None,
                account_id=caller.account_id,
            )
            await recognize_relabelled(session, components, view, edited)
            found = await _list(session, view)
        return SplitBody(label=new, version=found.version, speakers=found.speakers)

    return await components.aside.run(work)


async def _named(
    session: AsyncSession, item_id: int, label: str, caller: Caller, version: int | None
) -> tuple[ItemView, Transcript]:
    """The item, locked, and its transcript in which the label is, with the library's voices locked as well.

    Unlike for other corrections it need not be published: nothing that is still worked on undoes a name.
    """
    view = await changeable_item(session, item_id, caller)
    require_original(view)
    transcript = await transcripts.transcript_of(session, view.item)
    if transcript is None:
        raise no_transcript(view.item)
    require_version(transcript, version)
    await speakers.lock_voices(session, view.library.id)
    _require(await appearances.list_labels(session, transcript.id), label)
    return view, transcript


def _require(labels: Sequence[LabelView], label: str) -> None:
    if all(each.label != label for each in labels):
        raise SpeakerNotFound(f"Nobody speaks as {label[:40]!r} in this item.")


def _meant(labels: Sequence[LabelView], wanted: str, *, merged: str) -> str:
    """Return the label itself, else one with that name in any case, preferably another than the merged one."""
    if any(each.label == wanted for each in labels):
        return wanted
    lowered = wanted.lower()
    for each in sorted(labels, key=lambda each: each.label == merged):
        if lowered in (each.label.lower(), (each.name or "").lower()):
            return each.label
    raise SpeakerNotFound(f"Nobody speaks as {wanted[:40]!r} in this item.")


async def _who(session: AsyncSession, library_id: int, wanted: Who) -> int:
    if "name" in wanted.model_fields_set:
        known = await speakers.speaker_named(session, library_id=library_id, name=wanted.name)
        return (known or await speakers.create_speaker(session, library_id=library_id, name=wanted.name)).id
    found = await speakers.find_speakers(session, library_id=library_id, ids=[wanted.speaker_id])
    if not found:
        raise SpeakerNotFound
    return found[0].id


async def _list(session: AsyncSession, view: ItemView) -> ItemSpeakerList:
    transcript = await transcripts.transcript_of(session, view.item)
    if transcript is None:
        return ItemSpeakerList(version=None, speakers=[])
    by_voice = await suggests_by_voice(session, view)
    labels = await appearances.list_labels(session, transcript.id)
    rows = await transcripts.list_segments(session, transcript.id)
    # Hours of speech take a noticeable time; others are served meanwhile.
    suggested = await asyncio.to_thread(lambda: suggest_names([transcripts.as_record(row) for row in rows]))
    bodies = [
        _body(label, suggestions_for(label, suggested.get(label.label, []), by_voice=by_voice)) for label in labels
    ]
    return ItemSpeakerList(version=transcript.version, speakers=bodies)


async def _shown(session: AsyncSession, item: Item, policy: Policy) -> ItemSpeakerList:
    """The same for somebody from whom something is hidden: without names that are hidden, and without suggestions."""
    loaded = await load_redacted(session, item, policy)
    if loaded is None or item.transcript_id is None:
        return ItemSpeakerList(version=None, speakers=[])
    found, redacted = loaded.found, loaded.redacted
    names = redacted.transcript.names
    bodies = []
    for each in await appearances.list_labels(session, item.transcript_id):
        label, shown = each, redacted.labels.get(each.label, each.label)
        if shown not in names:
            label = replace(label, speaker_id=None, name=None, how=None, confidence=None)
        bodies.append(_body(replace(label, label=shown), []))
    return ItemSpeakerList(version=found.version, speakers=bodies)


def _body(label: LabelView, suggestions: list[SuggestionBody]) -> ItemSpeakerBody:
    columns = {name: getattr(label, name) for name in ItemSpeakerBody.model_fields if name != "suggestions"}
    return ItemSpeakerBody(**columns, suggestions=suggestions)


async def suggests_by_voice(session: AsyncSession, view: ItemView | LibraryView) -> bool:
    """Return whether the caller is a member, and may know the people of the library by name: a voice suggests one of them."""
    return access.sees_unpublished(view.role) and not await libraries.hides_names(
        session, library_id=view.library.id, role=view.role
    )


def suggestions_for(label: LabelView, said: Sequence[Suggestion], *, by_voice: bool) -> list[SuggestionBody]:
    """Return each suggested name once: those that speakers give themselves, then that of the voice, then the others.

    Without ``by_voice`` the voice suggests nobody.
    """
    bodies = [SuggestionBody.model_validate(each, from_attributes=True) for each in said]
    if by_voice and label.alike_name is not None:
        alike = SuggestionBody(
            name=label.alike_name, sentence=None, start=label.start, kind="voice", confidence=label.alike_confidence
        )
        bodies = sorted([*bodies, alike], key=lambda each: SUGGESTION_ORDER.index(each.kind))
    unique: dict[str, SuggestionBody] = {}
    for each in bodies:
        unique.setdefault(each.name.casefold(), each)
    return list(unique.values())
