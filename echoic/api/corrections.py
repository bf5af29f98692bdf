"""Corrections: people change what a transcript says and who said it; what it said before can be read and restored."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Path
from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from echoic import access
from echoic.access import Caller
from echoic.api.auth import Reader, Uploader
from echoic.api.bodies import NO_NUL, WHOLE, Body, UtcTime, read_json, read_optional_json, unset
from echoic.api.context import ComponentsDep
from echoic.api.lookup import DEFAULT_LIMIT, MAX_ID, Id, Limit, Offset, changeable_item, readable_item
from echoic.api.names import Name, NamePart, without_nul
from echoic.api.openapi import json_body
from echoic.api.problems import Problem
from echoic.api.transcripts import SegmentBody, why_not_published
from echoic.corrections import edit
from echoic.corrections.edit import MAX_SEGMENT_CHARACTERS, Correction, Edited
from echoic.corrections.replacing import Replacement
from echoic.db import corrections, transcripts
from echoic.db.corrections import SegmentChange, Version
from echoic.db.items import Item
from echoic.db.transcripts import Selection, Transcript
from echoic.errors import FieldInvalid, NotPublished, TranscriptChanged, VersionNotFound
from echoic.formats.json_out import to_object

MAX_CORRECTIONS = 1000
MAX_REPLACEMENT_CHARACTERS = 1000
FIRST_CHANGES = 20
"""So many of a version's changes are shown in the list of versions; the version by itself has all."""

router = APIRouter(tags=["corrections"], responses={"default": {"model": Problem}})

CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {
        "model": Problem,
        "description": "`not_published`, or `transcript_changed`: it is not at the version that was given.",
    }
}

Position = Annotated[int, Path(ge=0, le=MAX_ID, description="The segment's `id`.")]
Number = Annotated[int, Path(ge=1, le=MAX_ID)]
NumberOrOriginal = Annotated[int, Path(ge=0, le=MAX_ID, description="0 is what the engines made.")]
ExpectedVersion = Annotated[int, Field(ge=0, le=MAX_ID), WHOLE]
Text = Annotated[str, StringConstraints(max_length=MAX_SEGMENT_CHARACTERS), AfterValidator(without_nul)]

EXPECTED = "Only if the transcript is at this version, else 409; null or left out: whatever it says now."
NEW_TEXT = "White space is made single blanks; empty: nothing is shown there. Left out: stays."
NEW_SPEAKER = "One of the transcript's speakers or a new name; null: nobody. Left out: stays."


class ExpectedBody(Body):
    """What the transcript is taken to be at."""

    version: ExpectedVersion | None = Field(default=None, description=EXPECTED)


class OneCorrection(ExpectedBody):
    """What a segment is to say."""

    text: Text = Field(default_factory=unset, description=NEW_TEXT, json_schema_extra={"pattern": NO_NUL})
    speaker: Name | None = Field(default=None, description=NEW_SPEAKER)


class SegmentCorrection(Body):
    """Which segment, and what it is to say."""

    id: Annotated[int, Field(ge=0, le=MAX_ID), WHOLE]
    text: Text = Field(default_factory=unset, description=NEW_TEXT, json_schema_extra={"pattern": NO_NUL})
    speaker: Name | None = Field(default=None, description=NEW_SPEAKER)


class Corrections(ExpectedBody):
    """Several segments that become one version."""

    segments: list[SegmentCorrection] = Field(min_length=1, max_length=MAX_CORRECTIONS, description="Each named once.")


class ReplacementBody(ExpectedBody):
    """What is to be replaced, wherever a segment says it."""

    find: NamePart = Field(description="A blank in it is any white space.", json_schema_extra={"pattern": NO_NUL})
    replace: Annotated[str, StringConstraints(max_length=MAX_REPLACEMENT_CHARACTERS), AfterValidator(without_nul)] = (
        Field(json_schema_extra={"pattern": NO_NUL})
    )
    match_case: bool = False
    whole_words: bool = Field(default=False, description="Not within longer words.")


class EditedBody(BaseModel):
    """What became of the transcript."""

    version: int = Field(description="The present one; the same as before where nothing changed.")
    segments_changed: int


class CorrectedBody(EditedBody):
    """The same, with the segments that the call named as they are now."""

    segments: list[SegmentBody]


class ReplacedBody(EditedBody):
    """The same, with how often something was replaced."""

    replacements: int


class AuthorBody(BaseModel):
    """An account."""

    account_id: int
    name: str


class ChangeBody(BaseModel):
    """What a version changed in a segment."""

    id: int
    text_before: str
    text_after: str
    speaker_before: str | None
    speaker_after: str | None


class VersionBody(BaseModel):
    """An entry in the history of a transcript."""

    version: int
    author: AuthorBody | None = Field(description="Null once the account is gone.")
    created_at: UtcTime
    restores: int | None = Field(description="The version it is equal to, where it went back to one.")
    segments_changed: int
    changes: list[ChangeBody] = Field(
        description=f"In the order of the transcript; in the list the first {FIRST_CHANGES}."
    )

    @classmethod
    def of(cls, version: Version, changes: list[SegmentChange]) -> Self:
        author = None
        if version.account_id is not None and version.account_name is not None:
            author = AuthorBody(account_id=version.account_id, name=version.account_name)
        return cls(
            version=version.number,
            author=author,
            created_at=version.created_at,
            restores=version.restores,
            segments_changed=version.segments,
            changes=[
                ChangeBody(
                    id=change.position,
                    text_before=change.text_before,
                    text_after=change.text_after,
                    speaker_before=change.speaker_before,
                    speaker_after=change.speaker_after,
                )
                for change in changes
            ],
        )


class VersionList(BaseModel):
    """One page of a transcript's versions, the newest first. What the engines made is 0, and not in it."""

    versions: list[VersionBody]
    total: int = Field(description="Also the number of the present version.")
    limit: int
    offset: int


@router.patch("/api/items/{item_id}/transcript/segments", openapi_extra=json_body(Corrections), responses=CONFLICT)
async def correct(item_id: Id, caller: Uploader, components: ComponentsDep, request: Request) -> CorrectedBody:
    """Change texts and speakers of several segments at once, as one version."""
    wanted = await read_json(request, Corrections)
    by_place = {one.id: _correction(one) for one in wanted.segments}
    if len(by_place) < len(wanted.segments):
        raise FieldInvalid("segments: a segment is named twice.")
    async with components.database.transaction() as session:
        item, transcript = await _correctable(session, item_id, caller, wanted)
        edited = await edit.correct(session, transcript, by_place, account_id=caller.account_id)
        return await _corrected(session, item, edited, tuple(by_place))


@router.patch(
    "/api/items/{item_id}/transcript/segments/{position}", openapi_extra=json_body(OneCorrection), responses=CONFLICT
)
async def correct_one(
    item_id: Id, position: Position, caller: Uploader, components: ComponentsDep, request: Request
) -> CorrectedBody:
    """Change the text or the speaker of a segment."""
    wanted = await read_json(request, OneCorrection)
    async with components.database.transaction() as session:
        item, transcript = await _correctable(session, item_id, caller, wanted)
        edited = await edit.correct(session, transcript, {position: _correction(wanted)}, account_id=caller.account_id)
        return await _corrected(session, item, edited, (position,))


@router.post("/api/items/{item_id}/transcript/replace", openapi_extra=json_body(ReplacementBody), responses=CONFLICT)
async def replace(item_id: Id, caller: Uploader, components: ComponentsDep, request: Request) -> ReplacedBody:
    """Replace a text wherever the transcript says it, as one version. What is split between two segments is not found."""
    body = await read_json(request, ReplacementBody)
    wanted = Replacement(find=body.find, replace=body.replace, match_case=body.match_case, whole_words=body.whole_words)
    async with components.database.transaction() as session:
        _, transcript = await _correctable(session, item_id, caller, body)
        edited, count = await edit.replace_text(session, transcript, wanted, account_id=caller.account_id)
    return ReplacedBody(version=edited.version, segments_changed=len(edited.positions), replacements=count)


@router.post(
    "/api/items/{item_id}/transcript/versions/{number}/restore",
    openapi_extra=json_body(ExpectedBody, required=False),
    responses=CONFLICT,
)
async def restore(
    item_id: Id, number: NumberOrOriginal, caller: Uploader, components: ComponentsDep, request: Request
) -> EditedBody:
    """Make the transcript say again what it said in an earlier version; that, too, is a new version."""
    wanted = await read_optional_json(request, ExpectedBody)
    async with components.database.transaction() as session:
        _, transcript = await _correctable(session, item_id, caller, wanted)
        edited = await edit.restore(session, transcript, number, account_id=caller.account_id)
    return EditedBody(version=edited.version, segments_changed=len(edited.positions))


@router.get("/api/items/{item_id}/transcript/versions")
async def list_versions(
    item_id: Id, caller: Reader, components: ComponentsDep, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> VersionList:
    """Who changed what and when, for members of the library; empty where there is no transcript."""
    async with components.database.snapshot() as session:
        transcript = await _transcript_with_history(session, item_id, caller)
        if transcript is None:
            return VersionList(versions=[], total=0, limit=limit, offset=offset)
        found = await corrections.list_versions(session, transcript.id, limit=limit, offset=offset)
        numbers = [version.number for version in found]
        changes = await corrections.list_changes(session, transcript.id, numbers, limit=FIRST_CHANGES)
    bodies = [VersionBody.of(version, changes[version.number]) for version in found]
    return VersionList(versions=bodies, total=transcript.version, limit=limit, offset=offset)


@router.get("/api/items/{item_id}/transcript/versions/{number}")
async def get_version(
    item_id: Id,
    number: Number,
    *,
    caller: Reader,
    components: ComponentsDep,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> VersionBody:
    """What one version changed, `limit` and `offset` being those of its changes; for members of the library."""
    async with components.database.snapshot() as session:
        transcript = await _transcript_with_history(session, item_id, caller)
        if transcript is None:
            raise VersionNotFound
        found = await corrections.list_versions(session, transcript.id, number=number, limit=1)
        if not found:
            raise VersionNotFound
        changes = await corrections.list_changes(session, transcript.id, [number], limit=limit, offset=offset)
    return VersionBody.of(found[0], changes[number])


def _correction(body: OneCorrection | SegmentCorrection) -> Correction:
    return Correction(text=body.text, speaker=body.speaker, reassigned="speaker" in body.model_fields_set)


async def _correctable(
    session: AsyncSession, item_id: int, caller: Caller, wanted: ExpectedBody
) -> tuple[Item, Transcript]:
    """The item, locked, and its transcript. While the item may still be worked on, the work would undo corrections.

    Raises:
        ItemNotFound, Forbidden: the caller may not see, or not change it.
        NotPublished: it is not published.
        TranscriptChanged: it is at another version than is expected.
    """
    item = (await changeable_item(session, item_id, caller)).item
    transcript = await transcripts.transcript_of(session, item)
    if item.status != "published" or transcript is None:
        raise NotPublished(why_not_published(item))
    if wanted.version is not None and wanted.version != transcript.version:
        raise TranscriptChanged(transcript.version)
    return item, transcript


async def _corrected(session: AsyncSession, item: Item, edited: Edited, positions: tuple[int, ...]) -> CorrectedBody:
    found = await transcripts.load_transcript(session, item, Selection(positions=positions))
    segments: Any = [] if found is None else to_object(found.transcript)["segments"]
    return CorrectedBody(version=edited.version, segments_changed=len(edited.positions), segments=segments)


async def _transcript_with_history(session: AsyncSession, item_id: int, caller: Caller) -> Transcript | None:
    view = await readable_item(session, item_id, caller)
    access.require_item_history(visibility=view.library.visibility, role=view.role)
    return await transcripts.transcript_of(session, view.item)
