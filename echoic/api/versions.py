"""The history of a transcript: who changed what and when, for members of its library."""

from typing import Annotated, Self

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from echoic import access
from echoic.access import Caller
from echoic.api.auth import Reader
from echoic.api.bodies import UtcTime
from echoic.api.context import ComponentsDep
from echoic.api.parameters import DEFAULT_LIMIT, MAX_ID, Id, Limit, Offset
from echoic.api.problems import Problem
from echoic.api.speakers import How
from echoic.db.connect import Database
from echoic.db.transcripts import corrections, label_edits, transcripts
from echoic.db.transcripts.corrections import SegmentChange, Version
from echoic.db.transcripts.edits import EditKind
from echoic.db.transcripts.label_edits import ShownLabelChange
from echoic.db.transcripts.transcripts import Transcript
from echoic.errors import VersionNotFound
from echoic.reading.lookup import readable_item
from echoic.reading.redacted import require_original

FIRST_CHANGES = 20
"""So many of a version's changes are shown in the list of versions; the version by itself has all."""

router = APIRouter(tags=["corrections"], responses={"default": {"model": Problem}})

Number = Annotated[int, Path(ge=1, le=MAX_ID)]


class AuthorBody(BaseModel):
    """An account."""

    account_id: int
    name: str


class ChangeBody(BaseModel):
    """The change that a version made in a segment."""

    id: int = Field(description="The segment's place in the transcript, from 0.")
    text_before: str = Field(description="The text before the change.")
    text_after: str = Field(description="The text after it.")
    speaker_before: str | None = Field(description="The label before the change; null where nobody was known.")
    speaker_after: str | None = Field(description="The label after it.")


class LabelChangeBody(BaseModel):
    """The change of person that a version made under a label; names are those that these people have now."""

    label: str
    speaker_id_before: int | None = Field(description="The person before the change; null where nobody was named.")
    name_before: str | None = Field(description="Their name.")
    how_before: How | None = Field(description="As in the list of an item's speakers.")
    speaker_id_after: int | None = Field(description="The person after it; null where nobody is named.")
    name_after: str | None = Field(description="Their name.")
    how_after: How | None = Field(description="How the person after it was found.")


class VersionBody(BaseModel):
    """An entry in the history of a transcript."""

    version: int
    author: AuthorBody | None = Field(description="Null where the engines made it, and once the account is gone.")
    created_at: UtcTime
    kind: EditKind = Field(
        description="`correction`: a person changed it; `transcription`: the item was transcribed again, and the version "
        "is what the engines made; `carried_over`: what people had corrected before was made again in that."
    )
    restores: int | None = Field(description="The version it is equal to, where it went back to one.")
    segments_changed: int = Field(description="The number of segments that it changed.")
    changes: list[ChangeBody] = Field(
        description=f"In the order of the transcript; in the list the first {FIRST_CHANGES}."
    )
    speakers: list[LabelChangeBody] = Field(description="Labels that were named otherwise, all of them.")

    @classmethod
    def of(cls, version: Version, changes: list[SegmentChange], labels: list[ShownLabelChange]) -> Self:
        author = None
        if version.account_id is not None and version.account_name is not None:
            author = AuthorBody(account_id=version.account_id, name=version.account_name)
        return cls(
            version=version.number,
            author=author,
            created_at=version.created_at,
            kind=version.kind,
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
            speakers=[LabelChangeBody.model_validate(label, from_attributes=True) for label in labels],
        )


class VersionList(BaseModel):
    """One page of an item's versions, the newest first. What the engines made at first is 0, and not in it."""

    versions: list[VersionBody]
    total: int = Field(description="Also the number of the present version.")
    limit: int
    offset: int


@router.get("/api/items/{item_id}/transcript/versions", operation_id="listTranscriptVersions")
async def list_versions(
    item_id: Id, caller: Reader, components: ComponentsDep, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> VersionList:
    """The edits of a transcript, with author and time, for members of the library; empty where there is no transcript."""

    async def work(database: Database) -> VersionList:
        async with database.snapshot() as session:
            transcript = await _transcript_with_history(session, item_id, caller)
            if transcript is None:
                return VersionList(versions=[], total=0, limit=limit, offset=offset)
            found = await corrections.list_versions(session, item_id, limit=limit, offset=offset)
            numbers = [version.number for version in found]
            changes = await corrections.list_changes(session, item_id, numbers, limit=FIRST_CHANGES)
            labels = await label_edits.list_label_changes(session, item_id, numbers)
        bodies = [VersionBody.of(version, changes[version.number], labels[version.number]) for version in found]
        return VersionList(versions=bodies, total=transcript.version, limit=limit, offset=offset)

    return await components.aside.run(work)


@router.get("/api/items/{item_id}/transcript/versions/{number}", operation_id="getTranscriptVersion")
async def get_version(
    item_id: Id,
    number: Number,
    *,
    caller: Reader,
    components: ComponentsDep,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> VersionBody:
    """The changes that one version made, for members of the library; `limit` and `offset` count changes."""

    async def work(database: Database) -> VersionBody:
        async with database.snapshot() as session:
            transcript = await _transcript_with_history(session, item_id, caller)
            if transcript is None:
                raise VersionNotFound
            found = await corrections.list_versions(session, item_id, number=number, limit=1)
            if not found:
                raise VersionNotFound
            changes = await corrections.list_changes(session, item_id, [number], limit=limit, offset=offset)
            labels = await label_edits.list_label_changes(session, item_id, [number])
        return VersionBody.of(found[0], changes[number], labels[number])

    return await components.aside.run(work)


async def _transcript_with_history(session: AsyncSession, item_id: int, caller: Caller) -> Transcript | None:
    view = await readable_item(session, item_id, caller)
    access.require_item_history(visibility=view.library.visibility, role=view.role, status=view.item.status)
    require_original(view, "Earlier versions are not redacted, and your role may not read the original.")
    return await transcripts.transcript_of(session, view.item)
