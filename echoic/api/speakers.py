"""Speakers: the people a library knows by name, their voices, and where they speak."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from echoic.access import Caller, tells_of_its_own
from echoic.api.auth import Manager, Reader
from echoic.api.bodies import WHOLE, Body, read_json
from echoic.api.context import ComponentsDep
from echoic.api.names import Name, NamePart
from echoic.api.openapi import json_body
from echoic.api.parameters import DEFAULT_LIMIT, MAX_ID, Id, Limit, Offset, Slug
from echoic.api.patterns import NO_NUL
from echoic.api.problems import Problem
from echoic.corrections import speakers as editing
from echoic.db.catalog.libraries import LibraryView
from echoic.db.connect import Database
from echoic.db.speakers import appearances, speakers, voiceprints
from echoic.db.speakers.speakers import Speaker
from echoic.db.transcripts.transcripts import Transcript
from echoic.errors import FieldInvalid, SpeakerNotFound
from echoic.intake.body import Body as RequestBody, declared_bytes
from echoic.intake.multipart import FRAME_BYTES
from echoic.intake.voice_clip import CLIP_CAP, read_clip
from echoic.reading.lookup import changeable_item, changeable_people, readable_people
from echoic.reading.speakers import ShownSpeaker, list_appearances_of, list_shown, shown_speaker, whole_speaker
from echoic.voices.clip import voice_in
from echoic.voices.recognition import recognize_later

MAX_PEOPLE = 100
MAX_APPEARANCES = 1_000

SPEAKERS = "/api/libraries/{slug}/speakers"
SPEAKER = SPEAKERS + "/{speaker_id}"
CLIP: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "title": "VoiceClip",
                    "description": "A recording of the person's voice.",
                    "type": "object",
                    "required": ["audio"],
                    "properties": {"audio": {"type": "string", "format": "binary", "description": "One voice alone."}},
                }
            }
        },
    }
}

router = APIRouter(tags=["speakers"], responses={"default": {"model": Problem}})

How = Literal["enrolled", "matched", "by_hand"]
SpeakerId = Annotated[int, Field(ge=1, le=MAX_ID), WHOLE]


class NewSpeaker(Body):
    """Somebody to be known by name."""

    name: Name = Field(description="The person's name.")


class SpeakerChange(Body):
    """A change."""

    name: Name = Field(description="The person's name.")


class Merge(Body):
    """People who are one."""

    speaker_ids: list[SpeakerId] = Field(min_length=1, max_length=MAX_PEOPLE, description="They become this one.")


class Place(Body):
    """A label of an item."""

    item_id: SpeakerId
    label: Annotated[str, Field(max_length=200, pattern=NO_NUL)] = Field(
        description="The label of a speaker in the item."
    )


class Split(Body):
    """Appearances that are somebody else's."""

    name: Name = Field(description="Of the new speaker.")
    appearances: list[Place] = Field(
        min_length=1, max_length=MAX_APPEARANCES, description="The appearances that are another person's."
    )


class SampleBody(BaseModel):
    """A stretch of an item in which a voice is heard, for whoever wants to hear it."""

    item_id: int
    start: float = Field(description="Seconds from the start of the recording.")
    end: float


class SpeakerBody(BaseModel):
    """Somebody whom a library knows by name."""

    id: int
    name: str
    appearances: int = Field(description="In how many places they speak: labels of items.")
    items: int = Field(description="In how many items they speak.")
    voiceprints: int = Field(description="Samples that they are recognized by; 0: they are not recognized.")
    seconds: float = Field(description="The time they speak in all these places together.")
    sample: SampleBody | None = Field(
        description="A place where their voice can be heard; null where they speak nowhere."
    )


class SpeakerList(BaseModel):
    """One page of a library's speakers."""

    speakers: list[SpeakerBody]
    total: int
    limit: int
    offset: int


class AppearanceBody(BaseModel):
    """A label of an item under which a speaker speaks."""

    item_id: int
    title: str = Field(description="The item's.")
    label: str
    how: How = Field(
        description="`enrolled`: said by somebody, and the voice learned; `by_hand`: said, not learned; `matched`: by voice."
    )
    confidence: float | None = Field(description="Of a match: how alike the voices are, at most 1.")
    seconds: float = Field(description="The time they speak there.")
    start: float | None = Field(description="The time when they are first heard there, in seconds.")
    sample: SampleBody | None = Field(description="The longest that they say there at once.")


class AppearanceList(BaseModel):
    """One page of a speaker's appearances."""

    appearances: list[AppearanceBody]
    total: int
    limit: int
    offset: int


@router.get(SPEAKERS, operation_id="listSpeakers")
async def list_of_library(
    slug: Slug,
    caller: Reader,
    components: ComponentsDep,
    *,
    q: Annotated[NamePart | None, Query(description="Part of a name, in any case.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> SpeakerList:
    """The people a library knows, by name; those who are no members see who speaks in its published items."""
    async with components.database.transaction() as session:
        view = await readable_people(session, slug, caller)
        found, total = await list_shown(session, view, query=q, limit=limit, offset=offset)
    return SpeakerList(speakers=[_shown(one) for one in found], total=total, limit=limit, offset=offset)


@router.post(SPEAKERS, status_code=201, openapi_extra=json_body(NewSpeaker), operation_id="createSpeaker")
@tells_of_its_own
async def create(slug: Slug, caller: Manager, components: ComponentsDep, request: Request) -> SpeakerBody:
    """Make somebody known by name. 409 `speaker_name_taken`: names are told apart without regard to case."""
    wanted = await read_json(request, NewSpeaker)
    async with components.database.transaction() as session:
        view = await changeable_people(session, slug, caller)
        made = await speakers.create_speaker(session, library_id=view.library.id, name=wanted.name)
        return await _body(session, made)


@router.get(SPEAKER, operation_id="getSpeaker")
async def get(slug: Slug, speaker_id: Id, caller: Reader, components: ComponentsDep) -> SpeakerBody:
    """One speaker."""
    async with components.database.transaction() as session:
        return _shown(await shown_speaker(session, await readable_people(session, slug, caller), speaker_id))


@router.patch(SPEAKER, openapi_extra=json_body(SpeakerChange), operation_id="updateSpeaker")
async def change(
    slug: Slug, speaker_id: Id, caller: Manager, components: ComponentsDep, request: Request
) -> SpeakerBody:
    """Give a speaker another name; it is seen at once wherever they speak. 409 `speaker_name_taken`."""
    wanted = await read_json(request, SpeakerChange)
    async with components.database.transaction() as session:
        speaker = await _changeable(session, slug, speaker_id, caller)
        await speakers.rename_speaker(session, speaker, wanted.name)
        return await _body(session, speaker)


@router.delete(SPEAKER, status_code=204, operation_id="deleteSpeaker")
async def delete(slug: Slug, speaker_id: Id, caller: Manager, components: ComponentsDep) -> None:
    """Forget a speaker: the name, and every voiceprint that was taken for theirs, in items too.

    Wherever they spoke, the label stands again. Other items are looked through again in the background.
    """
    async with components.database.transaction() as session:
        speaker = await _changeable(session, slug, speaker_id, caller)
        await speakers.delete_speaker(session, speaker.id)
        await recognize_later(session, components.queue, speaker.library_id)


@router.get(SPEAKER + "/appearances", operation_id="listSpeakerAppearances")
async def list_appearances(
    slug: Slug,
    speaker_id: Id,
    *,
    caller: Reader,
    components: ComponentsDep,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> AppearanceList:
    """The items in which a speaker speaks, the newest first."""
    async with components.database.transaction() as session:
        view = await readable_people(session, slug, caller)
        found, total = await list_appearances_of(session, view, speaker_id, limit=limit, offset=offset)
    bodies = [AppearanceBody.model_validate(each, from_attributes=True) for each in found]
    return AppearanceList(appearances=bodies, total=total, limit=limit, offset=offset)


@router.post(SPEAKER + "/clips", status_code=201, openapi_extra=CLIP, operation_id="addVoiceClip")
async def add_clip(
    slug: Slug, speaker_id: Id, caller: Manager, components: ComponentsDep, request: Request
) -> SpeakerBody:
    """Learn a speaker's voice from a clip of at most 20 MB and 300 s in which they alone speak for at least 3 s.

    The voiceprint is kept, the clip is not. The library's items are then looked through in the background.
    400 `voice_unclear` where too little, or more than one voice, is heard.
    """
    async with components.database.transaction() as session:
        view = await changeable_people(session, slug, caller)
        await _speaker(session, view, speaker_id)
    cap = CLIP_CAP.widened(FRAME_BYTES)
    cap.check(declared_bytes(request.headers.get("content-length")))
    body = RequestBody(request.receive, cap=cap, idle_timeout_seconds=components.settings.upload_idle_timeout_seconds)
    clip = await read_clip(body, request.headers.get("content-type", ""), components.settings)
    voiceprint = await voice_in(clip, components.engines)
    async with components.database.transaction() as session:
        speaker = await _changeable(session, slug, speaker_id, caller)
        engine = components.engines.voice_encoder.id.label
        await voiceprints.keep_clip(session, speaker_id=speaker.id, voiceprint=voiceprint, engine=engine)
        await recognize_later(session, components.queue, speaker.library_id)
        return await _body(session, speaker)


@router.delete(SPEAKER + "/voiceprints", status_code=204, operation_id="forgetVoice")
async def forget_voice(slug: Slug, speaker_id: Id, caller: Manager, components: ComponentsDep) -> None:
    """Delete what a speaker is recognized by. Names that somebody gave stay; those that were matched go.

    Items are looked through again in the background: a voice may be nearer to somebody else's now.
    """
    async with components.database.transaction() as session:
        speaker = await _changeable(session, slug, speaker_id, caller)
        await speakers.forget_voice(session, speaker.id)
        await recognize_later(session, components.queue, speaker.library_id)


@router.post(SPEAKER + "/merge", openapi_extra=json_body(Merge), operation_id="mergeSpeakers")
async def merge(
    slug: Slug, speaker_id: Id, caller: Manager, components: ComponentsDep, request: Request
) -> SpeakerBody:
    """Make others this one: what they had is this speaker's, voices too, and they are gone."""
    wanted = await read_json(request, Merge)
    others = sorted(set(wanted.speaker_ids))
    if speaker_id in others:
        raise FieldInvalid("speaker_ids: a speaker cannot be merged into itself.")
    async with components.database.transaction() as session:
        speaker = await _changeable(session, slug, speaker_id, caller)
        found = await speakers.find_speakers(session, library_id=speaker.library_id, ids=others)
        if len(found) < len(others):
            raise SpeakerNotFound(f"The library has no speaker {min({*others} - {each.id for each in found})}.")
        await speakers.merge_speakers(session, into=speaker.id, ids=others)
        await recognize_later(session, components.queue, speaker.library_id)
        return await _body(session, speaker)


@router.post(SPEAKER + "/split", status_code=201, openapi_extra=json_body(Split), operation_id="splitSpeaker")
async def split(
    slug: Slug, speaker_id: Id, caller: Manager, components: ComponentsDep, request: Request
) -> SpeakerBody:
    """Take some appearances out into a new speaker, whose voice is learned from them; answers with the new one.

    In each of these items it is a version of the transcript.
    """
    wanted = await read_json(request, Split)
    places = {(place.item_id, place.label) for place in wanted.appearances}

    async def work(database: Database) -> SpeakerBody:
        async with database.transaction() as session:
            view = await changeable_people(session, slug, caller)
            await _appearances(session, await _speaker(session, view, speaker_id), places)
            # Items before voices, and in order, as everybody locks them.
            for item_id in sorted({item_id for item_id, _ in places}):
                await changeable_item(session, item_id, caller)
            speaker = await _changeable(session, slug, speaker_id, caller)
            found = await _appearances(session, speaker, places)
            made = await speakers.create_speaker(session, library_id=speaker.library_id, name=wanted.name)
            for transcript, labels in found:
                await editing.name(
                    session, transcript, labels, speaker_id=made.id, learn=True, account_id=caller.account_id
                )
            await recognize_later(session, components.queue, speaker.library_id)
            return await _body(session, made)

    return await components.aside.run(work)


async def _appearances(
    session: AsyncSession, speaker: Speaker, places: set[tuple[int, str]]
) -> list[tuple[Transcript, list[str]]]:
    """The transcripts with the labels of these items. Raises FieldInvalid where the speaker does not speak there."""
    found = await appearances.appearances_of(session, speaker.id, places)
    missing = places - {(transcript.item_id, label) for transcript, labels in found for label in labels}
    if missing:
        item_id, label = min(missing)
        raise FieldInvalid(f"appearances: the speaker does not speak as {label[:40]!r} in item {item_id}.")
    return found


async def _speaker(session: AsyncSession, view: LibraryView, speaker_id: int) -> Speaker:
    found = await speakers.find_speakers(session, library_id=view.library.id, ids=[speaker_id])
    if not found:
        raise SpeakerNotFound
    return found[0]


async def _changeable(session: AsyncSession, slug: str, speaker_id: int, caller: Caller) -> Speaker:
    """A speaker of a library that the caller may change, with the library's voices locked."""
    view = await changeable_people(session, slug, caller)
    await speakers.lock_voices(session, view.library.id)
    return await _speaker(session, view, speaker_id)


async def _body(session: AsyncSession, speaker: Speaker) -> SpeakerBody:
    return _shown(await whole_speaker(session, speaker.library_id, speaker.id))


def _shown(speaker: ShownSpeaker) -> SpeakerBody:
    return SpeakerBody.model_validate(speaker, from_attributes=True)
