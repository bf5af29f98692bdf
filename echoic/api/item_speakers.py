"""Who speaks in an item: its labels, their names, and names that were said."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from echoic.access import Caller
from echoic.api.auth import Reader, Uploader
from echoic.api.bodies import Body, read_json, unset
from echoic.api.context import ComponentsDep
from echoic.api.lookup import Id, changeable_item, readable_item
from echoic.api.names import Name
from echoic.api.openapi import json_body
from echoic.api.problems import Problem
from echoic.api.speakers import How, SpeakerId
from echoic.db import appearances, speakers, transcripts
from echoic.db.appearances import LabelView
from echoic.db.items import Item, ItemView
from echoic.errors import FieldInvalid, NotPublished, SpeakerNotFound
from echoic.stages.introductions import Suggestion, suggest_names
from echoic.stages.recognition import recognize_later

LABEL = "/api/items/{item_id}/speakers/{label}"

router = APIRouter(tags=["speakers"], responses={"default": {"model": Problem}})

Label = Annotated[str, Path(max_length=200, description="As in the transcript, `SPEAKER_00`.")]


class NamedSpeaker(Body):
    """Who it is: somebody known, by id or by name, or somebody new, by name."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["speaker_id"]}, {"required": ["name"]}]})

    speaker_id: SpeakerId = Field(default_factory=unset, description="A speaker of the item's library.")
    name: Name = Field(
        default_factory=unset, description="Of a speaker of the library, who is made where there is none."
    )
    learn: bool = Field(default=True, description="Whether they are to be recognized by this voice, too.")


class SuggestionBody(BaseModel):
    """A name that was said; nobody has it until you say so."""

    name: str
    sentence: str = Field(description="In which it was said.")
    start: float = Field(description="When, in seconds.")
    kind: Literal["said_of_self", "introduced"]


class ItemSpeakerBody(BaseModel):
    """Somebody who speaks in an item."""

    label: str
    speaker_id: int | None = Field(description="Who it is, where that is known.")
    name: str | None
    how: How | None = Field(
        description="`enrolled`: said by somebody, and the voice learned; `by_hand`: said, not learned; `matched`: by "
        "voice; null: nobody said or found anything."
    )
    confidence: float | None = Field(description="Of a match: how alike the voices are, at most 1.")
    has_voiceprint: bool = Field(description="Whether enough was heard of them alone, and the dataset keeps voices.")
    start: float = Field(description="When they are first heard, in seconds.")
    seconds: float = Field(description="How long they speak.")
    segments: int
    suggestions: list[SuggestionBody] = Field(description="Names that were said in the recording, the likeliest first.")


class ItemSpeakerList(BaseModel):
    """Everybody who speaks in an item, in order of appearance."""

    speakers: list[ItemSpeakerBody]


@router.get("/api/items/{item_id}/speakers")
async def list_of_item(item_id: Id, caller: Reader, components: ComponentsDep) -> ItemSpeakerList:
    """Who speaks in an item, with names that were said as suggestions. Empty where the speakers were not told apart."""
    async with components.database.transaction() as session:
        view = await readable_item(session, item_id, caller)
        return await _list(session, view.item)


@router.post(LABEL, openapi_extra=json_body(NamedSpeaker))
async def name(
    item_id: Id, label: Label, caller: Uploader, components: ComponentsDep, request: Request
) -> ItemSpeakerList:
    """Say who speaks under a label. Their voice is learned, and the library's other items are looked through for it.

    Answers with everybody in the item. Saying it again with somebody else reassigns the label, and its voice with it.
    404 `speaker_not_found` for a label or a speaker that is not there, 409 `not_published` without a transcript.
    """
    wanted = await read_json(request, NamedSpeaker)
    if len(wanted.model_fields_set & {"speaker_id", "name"}) != 1:
        raise FieldInvalid("Give either 'speaker_id' or 'name'.")
    async with components.database.transaction() as session:
        view, transcript_id = await _changeable_label(session, item_id, label, caller)
        speaker_id = await _who(session, view.library.id, wanted)
        await appearances.name_label(
            session,
            item_id=item_id,
            transcript_id=transcript_id,
            label=label,
            speaker_id=speaker_id,
            learn=wanted.learn,
        )
        await recognize_later(session, components.queue, view.library.id)
        return await _list(session, view.item)


@router.delete(LABEL)
async def unname(item_id: Id, label: Label, caller: Uploader, components: ComponentsDep) -> ItemSpeakerList:
    """Say that the name under a label is wrong: it stays without one, whatever its voice is like.

    What was learned from it is learned no more, and items named by it are looked through again.
    """
    async with components.database.transaction() as session:
        view, transcript_id = await _changeable_label(session, item_id, label, caller)
        await appearances.name_label(
            session, item_id=item_id, transcript_id=transcript_id, label=label, speaker_id=None, learn=False
        )
        await recognize_later(session, components.queue, view.library.id)
        return await _list(session, view.item)


async def _changeable_label(session: AsyncSession, item_id: int, label: str, caller: Caller) -> tuple[ItemView, int]:
    """The item and its transcript, with the library's voices locked."""
    view = await changeable_item(session, item_id, caller)
    if view.item.transcript_id is None:
        raise NotPublished("The item has no transcript yet.")
    await speakers.lock_voices(session, view.library.id)
    if all(each.label != label for each in await appearances.list_labels(session, view.item.transcript_id)):
        raise SpeakerNotFound(f"Nobody speaks as {label[:40]!r} in this item.")
    return view, view.item.transcript_id


async def _who(session: AsyncSession, library_id: int, wanted: NamedSpeaker) -> int:
    if "name" in wanted.model_fields_set:
        known = await speakers.speaker_named(session, library_id=library_id, name=wanted.name)
        return (known or await speakers.create_speaker(session, library_id=library_id, name=wanted.name)).id
    found = await speakers.find_speakers(session, library_id=library_id, ids=[wanted.speaker_id])
    if not found:
        raise SpeakerNotFound
    return found[0].id


async def _list(session: AsyncSession, item: Item) -> ItemSpeakerList:
    if item.transcript_id is None:
        return ItemSpeakerList(speakers=[])
    labels = await appearances.list_labels(session, item.transcript_id)
    segments = [transcripts.as_record(row) for row in await transcripts.list_segments(session, item.transcript_id)]
    suggested = suggest_names(segments)
    return ItemSpeakerList(speakers=[_body(label, suggested.get(label.label, [])) for label in labels])


def _body(label: LabelView, suggested: list[Suggestion]) -> ItemSpeakerBody:
    columns = {name: getattr(label, name) for name in ItemSpeakerBody.model_fields if name != "suggestions"}
    suggestions = [SuggestionBody.model_validate(each, from_attributes=True) for each in suggested]
    return ItemSpeakerBody(**columns, suggestions=suggestions)
