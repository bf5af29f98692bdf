"""Many items of a dataset at once: deleted, moved, transcribed. Each is done by itself; those that cannot be are named."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Self

from fastapi import APIRouter, BackgroundTasks
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from echoic import access
from echoic.access import Caller
from echoic.api.auth import Manager, Uploader
from echoic.api.bodies import WHOLE, Body, read_json
from echoic.api.context import ComponentsDep
from echoic.api.items import options_of_run, start_again
from echoic.api.openapi import json_body
from echoic.api.parameters import MAX_ID, Id
from echoic.api.problems import Problem
from echoic.api.run_options import RunOptions
from echoic.compose import Components
from echoic.db.catalog import libraries
from echoic.db.catalog.libraries import DatasetView
from echoic.db.connect import Database
from echoic.db.items import items
from echoic.db.receipts.receipts import by_request_of
from echoic.db.runs import runs
from echoic.db.runs.runs import ACTIVE_STATES
from echoic.db.search import index_write
from echoic.db.speakers.speakers import lock_voices
from echoic.db.speakers.voiceprints import forget_voices_of_item
from echoic.errors import (
    Conflict,
    DatasetElsewhere,
    DatasetNotFound,
    DatasetRejectsUploads,
    EchoicError,
    InvalidInput,
    ItemNotFound,
    LegalHold,
    MetadataRequired,
    NotAllowed,
    NotFound,
    RunActive,
)
from echoic.intake.sweep import discard
from echoic.reading.lookup import changeable_item, readable_dataset
from echoic.reading.redacted import require_original
from echoic.voices.recognition import recognize_later

MAX_ITEMS = 100
"""Most items of one request, so that it is answered within seconds."""
REFUSALS: tuple[type[EchoicError], ...] = (NotFound, NotAllowed, Conflict, InvalidInput)
"""Errors of one item that leave the others alone."""

router = APIRouter(tags=["items"], responses={"default": {"model": Problem}})

ItemId = Annotated[int, Field(ge=1, le=MAX_ID), WHOLE]
Act = Callable[[AsyncSession, int], Awaitable[None]]


class SomeItems(Body):
    """Items of the dataset; one that is named twice counts once."""

    items: Annotated[list[ItemId], Field(min_length=1, max_length=MAX_ITEMS)] = Field(
        description="The ids of the items, all of this dataset."
    )


class WhereTo(SomeItems):
    """Items, and where they are to go."""

    dataset_id: ItemId = Field(description="A dataset of the same library.")


class WorkOnSome(RunOptions, SomeItems):
    """Items, and what is asked of the work on them."""


class RefusedItem(BaseModel):
    """An item that stayed as it was, and why."""

    item_id: int
    code: str = Field(description="Stable, for programs; docs/errors.md lists all.")
    message: str

    @classmethod
    def of(cls, item_id: int, error: EchoicError) -> Self:
        """Tell what was refused, and why."""
        return cls(item_id=item_id, code=error.code, message=error.message)


class BatchBody(BaseModel):
    """The outcome for each item."""

    done: list[int] = Field(description="The ids of the items on which it was done.")
    refused: list[RefusedItem]


@router.post("/api/datasets/{dataset_id}/items/delete", openapi_extra=json_body(SomeItems), operation_id="deleteItems")
async def delete_some(
    dataset_id: Id, caller: Manager, components: ComponentsDep, request: Request, background: BackgroundTasks
) -> BatchBody:
    """Remove items for good, as `DELETE /api/items/{item_id}` does.

    404 `item_not_found` where none of them is in the dataset.
    """
    wanted = await read_json(request, SomeItems)
    keys: list[str] = []

    async def act(session: AsyncSession, item_id: int) -> None:
        await changeable_item(session, item_id, caller)
        keys.extend(await items.delete_item(session, item_id, by_request_of(caller.account_id)))

    await _require_change(components.database, dataset_id, caller)
    done = await _each(components.database, dataset_id, wanted.items, act)
    background.add_task(discard, components.blobs, keys)
    return done


@router.post("/api/datasets/{dataset_id}/items/move", openapi_extra=json_body(WhereTo), operation_id="moveItems")
async def move(dataset_id: Id, caller: Uploader, components: ComponentsDep, request: Request) -> BatchBody:
    """Move items into another dataset of the same library; transcripts, versions and links to them stay.

    The other dataset's settings count for what is done with them from now on: one that keeps no voices forgets theirs.
    409 `dataset_elsewhere` where it belongs to another library.
    """
    wanted = await read_json(request, WhereTo)
    source = await _require_change(components.database, dataset_id, caller)
    target = await _require_change(components.database, wanted.dataset_id, caller)
    if target.dataset.id != source.dataset.id:
        # Elsewhere it might not be redacted.
        require_original(source)
    if source.library.id != target.library.id:
        raise DatasetElsewhere
    if target.dataset.content_type != "uploads":
        raise DatasetRejectsUploads
    if source.dataset.legal_hold and not target.dataset.legal_hold:
        raise LegalHold("The dataset is under legal hold, and its items would leave it.")

    async def act(session: AsyncSession, item_id: int) -> None:
        await _move(session, components, caller, item_id, target)

    # The search entries of a long recording take seconds.
    return await components.aside.run(lambda database: _each(database, dataset_id, wanted.items, act))


@router.post(
    "/api/datasets/{dataset_id}/items/transcribe", openapi_extra=json_body(WorkOnSome), operation_id="transcribeItems"
)
async def transcribe_some(dataset_id: Id, caller: Uploader, components: ComponentsDep, request: Request) -> BatchBody:
    """Start or take up the work on items, as `POST /api/items/{item_id}/transcribe` does."""
    wanted = await read_json(request, WorkOnSome)
    options = options_of_run(wanted, components.settings)

    async def act(session: AsyncSession, item_id: int) -> None:
        await start_again(session, components, caller, item_id, options, again=wanted.again)

    await _require_change(components.database, dataset_id, caller)
    return await _each(components.database, dataset_id, wanted.items, act)


async def _require_change(database: Database, dataset_id: int, caller: Caller) -> DatasetView:
    """Return a dataset whose items the caller may change. Raises DatasetNotFound and Forbidden."""
    async with database.transaction() as session:
        view = await readable_dataset(session, dataset_id, caller)
    access.require_dataset_change(visibility=view.library.visibility, role=view.role)
    return view


async def _each(database: Database, dataset_id: int, item_ids: Sequence[int], act: Act) -> BatchBody:
    """Do the same with each item, in a transaction of its own. Raises ItemNotFound where none of them is in the dataset."""
    done: list[int] = []
    refused: list[RefusedItem] = []
    async with database.transaction() as session:
        if not await items.ids_in_dataset(session, dataset_id, among_ids=item_ids):
            raise ItemNotFound
    for item_id in dict.fromkeys(item_ids):
        try:
            async with database.transaction() as session:
                if not await items.ids_in_dataset(session, dataset_id, among_ids=[item_id]):
                    raise ItemNotFound
                await act(session, item_id)
        except REFUSALS as error:
            refused.append(RefusedItem.of(item_id, error))
        else:
            done.append(item_id)
    return BatchBody(done=done, refused=refused)


async def _move(
    session: AsyncSession, components: Components, caller: Caller, item_id: int, target: DatasetView
) -> None:
    dataset = target.dataset
    item = (await changeable_item(session, item_id, caller)).item
    if not await libraries.hold_dataset(session, dataset.id):
        raise DatasetNotFound
    newest = await runs.newest_run(session, item_id)
    if newest is not None and newest.state in ACTIVE_STATES:
        raise RunActive("The item is being processed; move it afterwards, or cancel the work first.")
    if dataset.require_metadata and item.description is None:
        raise MetadataRequired
    if not dataset.identify_speakers:
        await lock_voices(session, target.library.id)
        await forget_voices_of_item(session, item_id)
        await recognize_later(session, components.queue, target.library.id)
    await items.change_item(session, item, dataset_id=dataset.id)
    if item.transcript_id is not None:
        await index_write.index_item(session, item_id=item_id)
