"""Sources of datasets: folders and bucket prefixes that are watched, how looking at them went, and the files found there."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from echoic import access
from echoic.access import Caller
from echoic.api.auth import Manager, Reader
from echoic.api.bodies import WHOLE, Body, UtcTime, read_json, read_optional_json, unset
from echoic.api.context import ComponentsDep
from echoic.api.openapi import json_body
from echoic.api.parameters import DEFAULT_LIMIT, Id, Limit, Offset
from echoic.api.patterns import NO_NUL
from echoic.api.problems import Problem
from echoic.db.catalog.libraries import DatasetView
from echoic.db.sources import watched, watched_files
from echoic.db.sources.watched import WatchedSource, WhenDone
from echoic.db.sources.watched_files import FileState, WatchedFile
from echoic.errors import Forbidden
from echoic.reading.lookup import changeable_dataset, readable_dataset
from echoic.reading.redacted import policy_for
from echoic.sources.watched.making import (
    asker_of,
    counts_of,
    make_source,
    require_place,
    source_of,
)
from echoic.sources.watched.permits import MAX_PLACE_CHARACTERS

MAX_PATTERNS = 50
MAX_PATTERN_CHARACTERS = 100
MIN_LOOK_SECONDS = 5
MAX_LOOK_SECONDS = 86_400
MAX_SETTLE_SECONDS = 3600

router = APIRouter(tags=["sources"], responses={"default": {"model": Problem}})

SOURCES = "/api/datasets/{dataset_id}/sources"
SOURCE = f"{SOURCES}/{{source_id}}"

PlaceText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PLACE_CHARACTERS, pattern=NO_NUL)]
Prefix = Annotated[str, StringConstraints(max_length=MAX_PLACE_CHARACTERS, pattern=NO_NUL)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PATTERN_CHARACTERS, pattern=NO_NUL)]
LookSeconds = Annotated[int, Field(ge=MIN_LOOK_SECONDS, le=MAX_LOOK_SECONDS), WHOLE]
SettleSeconds = Annotated[int, Field(ge=0, le=MAX_SETTLE_SECONDS), WHOLE]

FOLDER = "The whole path of a folder on the server's disk, below one that its operator allows."
BUCKET = "The name under which the operator's file has the bucket."
PREFIX = "The part of the bucket that is watched; empty: all of it."
WHEN_DONE = (
    "What is done with a file once it is accepted, durably, as an upload is: `move` it into the subfolder `done`, the default; "
    "`mark` it by a file beside it whose name ends in `.echoic.json`; `leave` it, and know it by its path, size and time."
)
LOOK_EVERY = "Seconds between two looks; default 30."
SETTLE = "Seconds for which a file's size and time must stay the same before it is taken; default 10."
RECURSIVE = "Whether folders within it count; default true."
PATTERNS = "Patterns of file names, as `*.wav`, in any case; empty: all names but hidden and temporary ones."
ERROR_FILES = (
    "Whether a file that cannot be taken gets one beside it that says why, `NAME.error.txt`; default true. Where nothing can "
    "be written, the list of files says it."
)
PAUSED = "Whether the source is left alone; default false."


class SourceChange(Body):
    """A change of a source; fields that are left out stay as they are. Its place stays: make another source for another."""

    when_done: WhenDone = Field(default_factory=unset, description=WHEN_DONE)
    look_every_seconds: LookSeconds = Field(default_factory=unset, description=LOOK_EVERY, examples=[30])
    settle_seconds: SettleSeconds = Field(default_factory=unset, description=SETTLE, examples=[10])
    recursive: bool = Field(default_factory=unset, description=RECURSIVE)
    patterns: Annotated[list[Pattern], Field(max_length=MAX_PATTERNS)] = Field(
        default_factory=unset, description=PATTERNS, examples=[["*.wav", "*.mp3"]]
    )
    error_files: bool = Field(default_factory=unset, description=ERROR_FILES)
    paused: bool = Field(default_factory=unset, description=PAUSED)


class NewSource(SourceChange):
    """A folder or a part of a bucket that a dataset is to take its recordings from; give one of the two."""

    folder: PlaceText = Field(default_factory=unset, description=FOLDER, examples=["/srv/calls/inbox"])
    bucket: PlaceText = Field(default_factory=unset, description=BUCKET, examples=["calls"])
    prefix: Prefix = Field(default_factory=unset, description=PREFIX, examples=["2026/"])


class LookWanted(Body):
    """A wish to have a source looked at now."""

    retry_failed: bool = Field(
        default=False, description="Whether files are tried again that could not be taken, although they are unchanged."
    )


class SourceFailure(BaseModel):
    """The reason why a source cannot be looked at, or why its files wait."""

    code: str = Field(description="Stable, for programs; docs/errors.md lists all.", examples=["source_unreachable"])
    message: str
    until: UtcTime | None = Field(description="When it is tried again.")


class SourceBody(BaseModel):
    """A source of a dataset, and how it goes."""

    id: int
    dataset_id: int
    folder: str | None = Field(
        description="The folder; null for a bucket, and for those who may not change the dataset.",
        examples=["/srv/calls/inbox"],
    )
    bucket: str | None = Field(description="The bucket, by the operator's name for it.", examples=["calls"])
    prefix: str | None = Field(description="The part of the bucket; null for a folder.", examples=["2026/"])
    state: Literal["new", "active", "held", "failing", "paused"] = Field(
        description="`new`: not looked at yet; `held`: its files wait for a reason that concerns all of them, as a quota; "
        "`failing`: the last look failed."
    )
    when_done: WhenDone = Field(description=WHEN_DONE)
    look_every_seconds: float = Field(description=LOOK_EVERY)
    settle_seconds: float = Field(description=SETTLE)
    recursive: bool = Field(description=RECURSIVE)
    patterns: list[str] = Field(description=PATTERNS, examples=[["*.wav"]])
    error_files: bool = Field(description=ERROR_FILES)
    looked_at: UtcTime | None = Field(description="When it was last looked at; null: never yet.")
    next_look_at: UtcTime | None = Field(description="When it is looked at next; null where it is paused.")
    files_seen: int | None = Field(description="Files that the last look saw, those included that were taken.")
    failed_in_a_row: int = Field(description="Looks that failed since one went well.")
    error: SourceFailure | None = Field(description="Why the last look failed; null where it went well.")
    hold: SourceFailure | None = Field(description="Why its files wait; null where they do not.")
    settling: int = Field(description="Files that may still grow.")
    waiting: int = Field(description="Files that are taken next.")
    taken: int = Field(description="Files that became items, or held what an item held already.")
    stay: int = Field(description="Of those, the ones that stay where they are.")
    failed: int = Field(description="Files that cannot be taken as they are.")
    created_at: UtcTime

    @classmethod
    async def of(cls, session: AsyncSession, source: WatchedSource, view: DatasetView) -> Self:
        """Return a source as members of its library see it. Where on the disk it lies is told those who may change it."""
        counts = await counts_of(session, source)
        shows = view.role in access.UPLOAD_ROLES
        return cls(
            id=source.id,
            dataset_id=source.dataset_id,
            folder=source.folder if shows else None,
            bucket=source.bucket,
            prefix=source.prefix if source.bucket is not None else None,
            state=_state(source),
            when_done=source.when_done,
            look_every_seconds=source.look_every_seconds,
            settle_seconds=source.settle_seconds,
            recursive=source.recursive,
            patterns=source.patterns,
            error_files=source.error_files,
            looked_at=source.looked_at,
            next_look_at=None if source.paused else source.next_look_at,
            files_seen=source.files_seen,
            failed_in_a_row=source.failed_in_a_row,
            error=_failure(source.error_code, source.error_message, source.next_look_at),
            hold=_failure(source.held_code, source.held_message, source.held_until) if _is_held(source) else None,
            settling=counts.settling,
            waiting=counts.waiting,
            taken=counts.taken,
            stay=counts.stay,
            failed=counts.failed,
            created_at=source.created_at,
        )


class SourceList(BaseModel):
    """One page of a dataset's sources, and where others may lie."""

    sources: list[SourceBody] = Field(description="The sources, the oldest first.")
    folders: list[str] = Field(
        description="Folders below which you may have this dataset watch one, by the operator's word.",
        examples=[["/srv/calls"]],
    )
    buckets: list[str] = Field(description="Buckets that you may have it watch, by name.", examples=[["calls"]])
    total: int
    limit: int
    offset: int


class SourceFile(BaseModel):
    """A file of a source, and what became of it."""

    id: int
    path: str | None = Field(
        description="Where it lies in the source; null where the dataset hides something from your role.",
        examples=["2026/call-17.wav"],
    )
    size_bytes: int = Field(examples=[1048576])
    modified_at: UtcTime = Field(description="When it was changed last, by the word of the folder or bucket.")
    state: FileState = Field(description="Where it stands.")
    reason: str | None = Field(
        description="Why it could not be taken, or stays where it is: a code. `duplicate_item`: the dataset holds its bytes.",
        examples=["not_audio"],
    )
    message: str | None = Field(description="The same in a sentence.")
    item_id: int | None = Field(description="The item that it became; null for none, or where that was deleted.")
    stays: bool = Field(description="Whether it was taken and stays where it is.", examples=[False])

    @classmethod
    def of(cls, file: WatchedFile, *, shows_path: bool) -> Self:
        """Return a file as members of the library see it. A name may be that of somebody whom the dataset hides."""
        return cls(
            id=file.id,
            path=file.path if shows_path else None,
            size_bytes=file.size_bytes,
            modified_at=file.modified_at,
            state=file.state,
            reason=file.reason,
            message=file.message if shows_path else None,
            item_id=file.item_id,
            stays=file.stays,
        )


class SourceFileList(BaseModel):
    """One page of a source's files."""

    files: list[SourceFile] = Field(description="The files, those first that were found last.")
    total: int
    limit: int
    offset: int


@router.post(SOURCES, status_code=201, openapi_extra=json_body(NewSource), operation_id="createSource")
async def create(dataset_id: Id, caller: Manager, components: ComponentsDep, request: Request) -> SourceBody:
    """Have a dataset watch a folder or a bucket. Your account's minutes pay for what is taken from there.

    The operator of the server says which places there are and for which libraries; without a library, for administrators.
    """
    wanted = (await read_json(request, NewSource)).model_dump(exclude_unset=True)
    async with components.database.transaction() as session:
        view = await changeable_dataset(session, dataset_id, caller)
    await require_place(
        components.watch_work.permits,
        wanted,
        content_type=view.dataset.content_type,
        asker=asker_of(view.library, caller),
    )
    async with components.database.transaction() as session:
        view = await changeable_dataset(session, dataset_id, caller)
        source = await make_source(session, view, caller, wanted)
        return await SourceBody.of(session, source, view)


@router.get(SOURCES, operation_id="listSources")
async def list_all(
    dataset_id: Id, *, caller: Reader, components: ComponentsDep, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> SourceList:
    """The sources of a dataset, and how they go; for members of its library."""
    async with components.database.transaction() as session:
        view = await _member_view(session, dataset_id, caller)
        found, total = await watched.list_sources(session, dataset_id, limit=limit, offset=offset)
        bodies = [await SourceBody.of(session, source, view) for source in found]
    permits, asker = components.watch_work.permits, asker_of(view.library, caller)
    may_add = view.role in access.UPLOAD_ROLES
    return SourceList(
        sources=bodies,
        folders=permits.folders_for(asker) if may_add else [],
        buckets=permits.buckets_for(asker) if may_add else [],
        total=total,
        limit=limit,
        offset=offset,
    )


@router.get(SOURCE, operation_id="getSource")
async def get(dataset_id: Id, source_id: Id, caller: Reader, components: ComponentsDep) -> SourceBody:
    """A source of a dataset, and how it goes; for members of its library."""
    async with components.database.transaction() as session:
        view = await _member_view(session, dataset_id, caller)
        return await SourceBody.of(session, await source_of(session, dataset_id, source_id), view)


@router.patch(SOURCE, openapi_extra=json_body(SourceChange), operation_id="updateSource")
async def change(
    dataset_id: Id, source_id: Id, caller: Manager, components: ComponentsDep, request: Request
) -> SourceBody:
    """Pause a source, or change how it is watched."""
    wanted = await read_json(request, SourceChange)
    async with components.database.transaction() as session:
        view = await changeable_dataset(session, dataset_id, caller)
        source = await source_of(session, dataset_id, source_id)
        await watched.change_source(session, source, **wanted.model_dump(exclude_unset=True))
        return await SourceBody.of(session, source, view)


@router.delete(SOURCE, status_code=204, operation_id="deleteSource")
async def delete(dataset_id: Id, source_id: Id, caller: Manager, components: ComponentsDep) -> None:
    """Watch a place no longer. Items that were made of its files stay, and so do its files."""
    async with components.database.transaction() as session:
        await changeable_dataset(session, dataset_id, caller)
        await watched.delete_source(session, await source_of(session, dataset_id, source_id))


@router.post(f"{SOURCE}/look", openapi_extra=json_body(LookWanted, required=False), operation_id="lookAtSource")
async def look(
    dataset_id: Id, source_id: Id, caller: Manager, components: ComponentsDep, request: Request
) -> SourceBody:
    """Have a source looked at now, not when it is due; files that are held back are tried, too."""
    wanted = await read_optional_json(request, LookWanted)
    async with components.database.transaction() as session:
        view = await changeable_dataset(session, dataset_id, caller)
        source = await source_of(session, dataset_id, source_id)
        if wanted.retry_failed:
            await watched_files.try_again(session, source.id)
        await watched.make_due(session, source)
        return await SourceBody.of(session, source, view)


@router.get(f"{SOURCE}/files", operation_id="listSourceFiles")
async def list_files(
    dataset_id: Id,
    source_id: Id,
    *,
    caller: Reader,
    components: ComponentsDep,
    state: Annotated[FileState | None, Query(description="Only those that stand so.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> SourceFileList:
    """The files that were found in a source, and what became of each; for members of its library."""
    async with components.database.transaction() as session:
        view = await _member_view(session, dataset_id, caller)
        source = await source_of(session, dataset_id, source_id)
        found, total = await watched_files.list_files(session, source.id, state=state, limit=limit, offset=offset)
    files = [SourceFile.of(one, shows_path=policy_for(view) is None) for one in found]
    return SourceFileList(files=files, total=total, limit=limit, offset=offset)


async def _member_view(session: AsyncSession, dataset_id: int, caller: Caller) -> DatasetView:
    view = await readable_dataset(session, dataset_id, caller)
    if not access.sees_unpublished(view.role):
        raise Forbidden("Only members of the library may see the sources of its dataset.")
    return view


def _failure(code: str | None, message: str | None, until: Any) -> SourceFailure | None:
    return None if code is None else SourceFailure(code=code, message=message or "", until=until)


def _is_held(source: WatchedSource) -> bool:
    """Return whether files wait now; a hold that has run out stays written down until a file is tried."""
    return source.held_until is not None and source.held_until > datetime.now(UTC)


def _state(source: WatchedSource) -> Literal["new", "active", "held", "failing", "paused"]:
    if source.paused:
        return "paused"
    if source.failed_in_a_row:
        return "failing"
    if _is_held(source):
        return "held"
    return "new" if source.looked_at is None else "active"
