"""One item: reading and changing it, and the start and end of the work on it."""

from dataclasses import asdict
from typing import Any, Self

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from echoic import access
from echoic.access import Caller
from echoic.api.auth import Manager, Reader, Uploader
from echoic.api.bodies import Body, FutureTime, UtcTime, read_json, read_optional_json, unset
from echoic.api.context import ComponentsDep, base_url
from echoic.api.names import Description
from echoic.api.openapi import json_body
from echoic.api.parameters import Id
from echoic.api.patterns import NOT_BLANK
from echoic.api.problems import Problem
from echoic.api.run_options import RunOptions
from echoic.compose import Components
from echoic.db.catalog import libraries
from echoic.db.connect import Database
from echoic.db.items import items, parts, shown_items
from echoic.db.items.items import Item, ItemView
from echoic.db.items.shown_items import ShownItem
from echoic.db.receipts import receipts
from echoic.db.runs import runs
from echoic.db.search import index_write
from echoic.errors import FieldInvalid, ItemNotFound, MetadataRequired, RunNotActive
from echoic.intake.fields import MAX_TITLE_CHARACTERS, clean_title
from echoic.intake.quota import Payer, reserve_minutes, seconds_to_reserve
from echoic.intake.removal import confirm_removed
from echoic.intake.run_options import SPEAKER_NUMBERS, TRANSCRIBER, check_transcriber, options_of_json
from echoic.reading.details import Details, details
from echoic.reading.item_states import ON_HOLD, STATUS, ShownStatus, is_on_hold, shown_status
from echoic.reading.lookup import changeable_item, shown_item
from echoic.reading.redacted import policy_for, require_original
from echoic.reading.titles import with_shown_titles
from echoic.records import EntityType
from echoic.redaction.policy import Policy
from echoic.settings import Settings

PUBLISHED_ALREADY = (
    'The item is published already. To transcribe it again, say {"again": true}: its transcript with all versions stays '
    "readable, and what people corrected is carried over where the new transcript says the same."
)

RETENTION = {"expires_at", "audio_expires_at", "transcript_expires_at", "legal_hold"}

RECEIPT_HEADER = "Deletion-Receipt"
RECEIPTED: dict[int | str, dict[str, Any]] = {
    204: {"headers": {RECEIPT_HEADER: {"description": "The id of the receipt.", "schema": {"type": "string"}}}}
}

router = APIRouter(tags=["items"], responses={"default": {"model": Problem}})


class Failure(BaseModel):
    """The error of an item."""

    code: str = Field(description="Stable, for programs; docs/errors.md lists all.")
    stage: str | None = Field(description="The stage of the pipeline that failed.")
    message: str | None

    @classmethod
    def of(cls, item: Item | ShownItem) -> Self | None:
        """None where nothing went wrong."""
        if item.error_code is None:
            return None
        return cls(code=item.error_code, stage=item.error_stage, message=item.error_message)


class NoticeBody(BaseModel):
    """Something that was left out, guessed or cut."""

    code: str = Field(description="Stable, for programs; docs/notices.md lists all.")
    message: str = Field(description="The same in a sentence for people.")
    detail: dict[str, Any] = Field(description="The figures of the message.")


class EntityBody(BaseModel):
    """Somebody or something that is named in an item."""

    id: int
    type: EntityType = Field(description="What kind of thing is named.")
    name: str = Field(description="The name as it is said most often.")
    mentions: int = Field(description="The number of times it is named.")


class ItemFields(BaseModel):
    """One piece of audio, and where it stands."""

    id: int
    dataset_id: int
    title: str
    description: str | None
    source_type: str
    publish_date: UtcTime | None = Field(description="When its publisher brought it out, by the word of its feed.")
    status: ShownStatus = Field(description=STATUS)
    on_hold: bool = Field(description=ON_HOLD)
    error: Failure | None = Field(
        description="Also set on a published item that one stage could do nothing for; null for those who are not members."
    )
    notices: list[NoticeBody] = Field(
        description="Notices about the transcript although nothing failed: parts that were left out, guessed or cut."
    )
    stage: str | None = Field(
        description="The stage that is being worked on or waited for; null for those who are not members."
    )
    progress_seconds: float | None = Field(description="Seconds of audio this stage is through with.")
    language: str | None
    duration_seconds: float | None
    size_bytes: int
    sha256: str
    audio_url: str = Field(description="The recording as it was uploaded; needs the API key.")
    transcript_url: str = Field(description="The address of the transcript.")
    created_at: UtcTime
    published_at: UtcTime | None
    expires_at: UtcTime | None = Field(
        description="When it is deleted for good, by a deadline of its own or of its dataset; null: never. A legal hold beats it."
    )
    audio_expires_at: UtcTime | None = Field(
        description="When its audio alone is removed, or was to be, likewise; null: never.", examples=[None]
    )
    transcript_expires_at: UtcTime | None = Field(
        description="When its transcript alone is removed, or was to be, likewise; null: never.", examples=[None]
    )
    audio_removed_at: UtcTime | None = Field(
        description="When its audio was removed at its deadline: 410 `audio_removed` answers whoever asks for it; null: it is there.",
        examples=[None],
    )
    transcript_removed_at: UtcTime | None = Field(
        description="When its transcript was removed at its deadline, with all that was made of it; null: it was not.",
        examples=[None],
    )
    legal_hold: bool | None = Field(
        description="Whether it, or its dataset, is under legal hold, so that nobody can delete it; null for those who are not "
        "members."
    )


class ItemDetails(ItemFields):
    """An item with what was found in it."""

    entities: list[EntityBody] = Field(description="The most mentioned first; empty until the item is published.")
    has_transcript: bool = Field(
        description="Whether its transcript can be read now; also of one that failed, or was cancelled, after it had been "
        "transcribed."
    )


class ItemChange(Body):
    """A change; fields that are left out stay as they are."""

    title: str = Field(
        default_factory=unset,
        description="Not blank.",
        json_schema_extra={"maxLength": MAX_TITLE_CHARACTERS, "pattern": NOT_BLANK},
    )
    description: Description = Field(default=None, description="Null or blank: none.")
    expires_at: FutureTime | None = Field(
        default=None,
        strict=False,
        description="When the item is deleted for good; null: as its dataset says. Only an owner of the library may say so.",
        examples=["2027-01-31T12:00:00Z"],
    )
    audio_expires_at: FutureTime | None = Field(
        default=None,
        strict=False,
        description="When its audio alone is removed for good, likewise; its transcript stays.",
        examples=["2027-01-31T12:00:00Z"],
    )
    transcript_expires_at: FutureTime | None = Field(
        default=None,
        strict=False,
        description="When its transcript alone is removed for good, likewise; its audio stays.",
        examples=["2027-01-31T12:00:00Z"],
    )
    legal_hold: bool = Field(
        default_factory=unset,
        description="Whether nobody can delete the item, at any deadline; only an owner of the library may say so.",
    )


@router.get("/api/items/{item_id}", operation_id="getItem")
async def get(item_id: Id, caller: Reader, components: ComponentsDep, request: Request) -> ItemDetails:
    """An item's state, and once it is published what was found in it."""

    async def look(database: Database) -> Details:
        item, policy = await shown_item(database, item_id, caller)
        return await details(database, components.aside, item, policy)

    return _details_body(await components.reads.run(look), base_url(request, components))


@router.patch("/api/items/{item_id}", openapi_extra=json_body(ItemChange), operation_id="updateItem")
async def change(item_id: Id, caller: Uploader, components: ComponentsDep, request: Request) -> ItemDetails:
    """Give an item another title or description, a deadline or a legal hold.

    400 `metadata_required` where its dataset does not do without a description.
    """
    wanted = await read_json(request, ItemChange)
    title, description = clean_title(wanted.title), wanted.description
    if "title" in wanted.model_fields_set and title is None:
        raise FieldInvalid("title: must not be blank.")
    async with components.database.transaction() as session:
        view = await changeable_item(session, item_id, caller)
        item = view.item
        changes: dict[str, object] = {} if title is None else {"title": title}
        retention = wanted.model_dump(include=RETENTION, exclude_unset=True)
        if retention:
            access.require_retention_change(view.role)
            changes |= retention
        if "description" in wanted.model_fields_set:
            dataset = await libraries.get_dataset(session, item.dataset_id)
            if dataset.require_metadata and description is None:
                raise MetadataRequired
            changes["description"] = description
        await items.change_item(session, item, **changes)
        if item.transcript_id is not None:
            await index_write.index_title(session, item=item)
        return await _changed(session, view, components, request)


@router.delete("/api/items/{item_id}", status_code=204, responses=RECEIPTED, operation_id="deleteItem")
async def delete(item_id: Id, caller: Manager, components: ComponentsDep, response: Response) -> None:
    """Remove an item for good: its recording, its transcript and all that was found in it; work on it ends.

    409 `legal_hold` where it, or its dataset, is under legal hold.
    The header `Deletion-Receipt` names the signed receipt, `GET /api/deletions/{receipt_id}`. Bytes that the storage does not give
    up at once are removed within minutes of its return.
    """
    async with components.database.transaction() as session:
        await changeable_item(session, item_id, caller)
        await items.delete_item(session, item_id, receipts.by_request_of(caller.account_id))
        receipt_id = await receipts.newest_of(session, item_id)
    await confirm_removed(components.database, components.blobs, item_id=item_id)
    if receipt_id is not None:
        response.headers[RECEIPT_HEADER] = receipt_id


@router.post("/api/items/{item_id}/cancel", operation_id="cancelItem")
async def cancel(item_id: Id, caller: Uploader, components: ComponentsDep, request: Request) -> ItemDetails:
    """End the work on an item: at once where it waits, else as soon as its worker notices.

    409 `run_not_active` where nothing is going on.
    """
    async with components.database.transaction() as session:
        view = await changeable_item(session, item_id, caller)
        await components.runs.cancel(session, item_id)
        return await _changed(session, view, components, request)


@router.post(
    "/api/items/{item_id}/transcribe",
    openapi_extra=json_body(RunOptions, required=False),
    operation_id="transcribeItem",
)
async def transcribe(item_id: Id, caller: Uploader, components: ComponentsDep, request: Request) -> ItemDetails:
    """Start the work on a stored item, or take it up again where it failed or was cancelled; finished stages stay done.

    What the body asks for counts before what the upload or the dataset says; it counts for the stages still to be done.
    The minutes are those of your account; 403 `quota_exhausted` where too few are left this month.
    409 `run_active` while the item is being processed, `run_not_active` where it is published, unless the body says
    `again`. 410 `audio_removed` where its audio was removed at its deadline, `transcript_removed` where its transcript was,
    until an owner of the library gives it a later deadline.
    """
    wanted = await read_optional_json(request, RunOptions)
    options = options_of_run(wanted, components.settings)
    async with components.database.transaction() as session:
        view = await start_again(session, components, caller, item_id, options, again=wanted.again)
        return await _changed(session, view, components, request)


def options_of_run(wanted: RunOptions, settings: Settings) -> dict[str, Any]:
    """Return what a request asks of the work on an item. Raises TranscriberNotOffered and FieldInvalid."""
    options = options_of_json(wanted.model_dump(include=set(RunOptions.model_fields)))
    check_transcriber(settings, options)
    if not options.keys().isdisjoint(SPEAKER_NUMBERS):
        # All or none: a number from here and one from the upload need not go together.
        options = dict.fromkeys(SPEAKER_NUMBERS) | options
    if not options.keys().isdisjoint(TRANSCRIBER):
        options = dict.fromkeys(TRANSCRIBER) | options
    return options


async def start_again(
    session: AsyncSession,
    components: Components,
    caller: Caller,
    item_id: int,
    options: dict[str, Any],
    *,
    again: bool,
) -> ItemView:
    """Start or take up the work on an item; ``again`` also where it is published.

    Raises:
        ItemNotFound, Forbidden: the caller may not see, or not change it.
        OriginalWithheld: it is to be transcribed again, and the caller may read it redacted only.
        RunActive, RunNotActive: it is being processed, or is published already.
        AudioRemoved: its audio was removed.
        TranscriptRemoved: its transcript was removed, and is past its deadline still.
        QuotaExhausted: the caller's plan has too few minutes left.
    """
    payer = Payer.of(caller, components.plans)
    view = await changeable_item(session, item_id, caller)
    if again or (options and view.item.status == "published"):
        # What is asked of the work, as another language, decides what is found to be hidden.
        require_original(view)
    await parts.require_transcribable(session, view.item)
    newest = await runs.newest_run(session, item_id)
    if newest is not None and newest.state == "succeeded" and not again:
        raise RunNotActive(PUBLISHED_ALREADY)
    if newest is None or (again and view.item.status == "published"):
        run = await components.runs.start(session, view.item, options=options)
    else:
        run = await components.runs.retry(session, item_id, options=options)
    await reserve_minutes(session, payer, run, await _seconds(session, view.item, components.settings))
    return view


async def _seconds(session: AsyncSession, item: Item, settings: Settings) -> float:
    blob = await items.get_blob(session, item.audio_blob_id)
    if blob is None:
        raise ItemNotFound  # deleted meanwhile
    return seconds_to_reserve(
        duration_seconds=item.duration_seconds,
        size_bytes=blob.size_bytes,
        longest_seconds=settings.max_duration_seconds,
    )


async def _changed(session: AsyncSession, view: ItemView, components: Components, request: Request) -> ItemDetails:
    item = await shown_items.show_item(session, view.item.id)
    if item is None:
        raise ItemNotFound  # deleted meanwhile
    policy = policy_for(view)
    (shown,) = await with_shown_titles(components.database, [(item, policy)])
    # Nothing that is done to an item here changes what was found in it.
    return await _details(components, shown, policy, base_url(request, components))


async def _details(components: Components, item: ShownItem, policy: Policy | None, base: str) -> ItemDetails:
    return _details_body(await details(components.database, components.aside, item, policy), base)


def _details_body(found: Details, base: str) -> ItemDetails:
    return ItemDetails(
        **item_fields(found.item, base),
        entities=[EntityBody(**asdict(entity)) for entity in found.entities],
        has_transcript=found.has_transcript,
    )


def item_fields(item: ShownItem, base: str) -> dict[str, Any]:
    """Return the fields of an ``ItemFields``; ``base`` is the address of the server."""
    return {
        "id": item.id,
        "dataset_id": item.dataset_id,
        "title": item.title,
        "description": item.description,
        "source_type": item.source_type,
        "publish_date": item.publish_date,
        "status": shown_status(item.status),
        "on_hold": is_on_hold(item.status),
        "error": Failure.of(item),
        "notices": item.notices,
        "stage": item.stage,
        "progress_seconds": item.progress_seconds,
        "language": item.language,
        "duration_seconds": item.duration_seconds,
        "size_bytes": item.size_bytes,
        "sha256": item.sha256,
        "audio_url": f"{base}/api/items/{item.id}/audio",
        "transcript_url": f"{base}/api/items/{item.id}/transcript",
        "created_at": item.created_at,
        "published_at": item.published_at,
        "expires_at": item.expires_at,
        "audio_expires_at": item.audio_expires_at,
        "transcript_expires_at": item.transcript_expires_at,
        "audio_removed_at": item.audio_removed_at,
        "transcript_removed_at": item.transcript_removed_at,
        "legal_hold": item.legal_hold,
    }
