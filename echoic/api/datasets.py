"""Datasets: the settings that say what may be uploaded, and what happens to it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, BackgroundTasks, Query
from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from echoic import access
from echoic.access import Caller, tells_of_its_own
from echoic.api.auth import Manager, Reader
from echoic.api.bodies import WHOLE, Body, UtcTime, read_json, unset
from echoic.api.context import ComponentsDep
from echoic.api.feeds import FEED_FIELDS, FEED_URL, NEWEST_EPISODES, PRIVATE, FeedUrl, Newest, wish_of
from echoic.api.names import MAX_NAME_CHARACTERS, Description, Name, SlugText
from echoic.api.openapi import json_body
from echoic.api.parameters import DEFAULT_LIMIT, MAX_SLUG_CHARACTERS, Id, Limit, Offset
from echoic.api.patterns import EXTENSION, NO_NUL, SLUG_CHARACTERS
from echoic.api.policies import REDACTION, RedactionBody, ShownRedaction, shown_policy
from echoic.api.problems import Problem
from echoic.api.run_options import (
    ENGINE,
    LIKELY_LANGUAGES,
    MODEL,
    TIER,
    EngineName,
    Language,
    Languages,
    SpeakerNumbers,
)
from echoic.api.watched_sources import NewSource
from echoic.db.catalog import datasets, libraries
from echoic.db.catalog.datasets import ItemCount
from echoic.db.catalog.libraries import DatasetView, Library
from echoic.db.receipts.receipts import by_request_of
from echoic.db.speakers.speakers import lock_voices
from echoic.db.speakers.voiceprints import forget_voices_of_dataset
from echoic.errors import FieldInvalid, LibraryNotFound
from echoic.intake.run_options import SPEAKER_NUMBERS, TRANSCRIBER, check_speaker_numbers, check_transcriber
from echoic.intake.sweep import discard
from echoic.reading.lookup import changeable_dataset, changeable_library, deletable_dataset, readable_dataset
from echoic.reading.redacted import policy_for, require_original
from echoic.records import Tier
from echoic.sources.following import follow
from echoic.sources.watched.making import asker_of, make_source, require_place
from echoic.voices.recognition import recognize_later

MAX_FILE_SIZE_MB = 102_400
MAX_FORMATS = 50
MAX_PROMPT_CHARACTERS = 1_000
"""The longest prompt in characters: more than the model takes notice of."""
MAX_VOCABULARY = 100
MAX_REPLACEMENTS = 500
VOCABULARY = ("initial_prompt", "vocabulary", "replacements")
"""Settings in which members write down names and terms of their own."""
MAX_KEPT_DAYS = 36_500
RETENTION = {"delete_after_days", "delete_audio_after_days", "delete_transcript_after_days", "legal_hold"}
DELETE_AFTER = (
    "Days from its publishing after which an item is deleted for good, with recording and transcript, unless it has a deadline of "
    "its own; null: never. Counts for the items that are there, too."
)
DELETE_AUDIO_AFTER = (
    "Days from its publishing after which the audio of an item is removed for good, unless it has a deadline of its own; its "
    "transcript stays. Null: never."
)
DELETE_TRANSCRIPT_AFTER = (
    "Days from its publishing after which the transcript of an item is removed for good, with all that was made of it, unless it has "
    "a deadline of its own; its audio stays. Null: never."
)
KeptDays = Annotated[int, Field(ge=1, le=MAX_KEPT_DAYS), WHOLE]
LEGAL_HOLD = "Keep everybody, and every deadline, from deleting the dataset or anything in it; default false."
FOR_MEMBERS = "Shown to members of its library who read the original; null for everybody else."

ContentType = Literal["uploads", "podcast"]

router = APIRouter(tags=["datasets"], responses={"default": {"model": Problem}})


def _each_once(formats: list[str]) -> list[str]:
    return list(dict.fromkeys(extension.lower().removeprefix(".") for extension in formats))


Extension = Annotated[str, StringConstraints(pattern=EXTENSION)]
Formats = Annotated[list[Extension], Field(min_length=1, max_length=MAX_FORMATS), AfterValidator(_each_once)]


class ReplacementBody(Body):
    """Words the transcriber gets wrong time and again, and what they are to be."""

    find: Name = Field(description="Whole words, exactly as they are written.")
    replace: Annotated[str, StringConstraints(max_length=MAX_NAME_CHARACTERS, pattern=NO_NUL)] = Field(
        description="The text written instead; empty leaves the words out."
    )


class DatasetSettings(SpeakerNumbers):
    """The settings of a dataset; fields that are left out stay as they are, or take their defaults."""

    description: Description = Field(default_factory=unset)
    content_type: ContentType = Field(
        default_factory=unset, description="Only `uploads`, the default, takes files; `podcast` refuses them."
    )
    require_metadata: bool = Field(
        default_factory=unset, description="Refuse uploads without title and description; default false."
    )
    auto_transcribe: bool = Field(
        default_factory=unset, description="Transcribe what comes in; default true. Otherwise it is only stored."
    )
    max_file_size_mb: Annotated[int, Field(ge=1, le=MAX_FILE_SIZE_MB), WHOLE] = Field(
        default_factory=unset,
        description="Largest file, in units of 1,048,576 bytes; the account's plan may set a smaller one.",
    )
    allowed_formats: Formats = Field(
        default_factory=unset, description="File extensions that are taken; default mp3, wav, m4a, ogg, flac."
    )
    language: Language | None = Field(
        default=None, description="The language spoken, as its ISO 639 code; null: found out for each item."
    )
    languages: Languages = Field(default_factory=unset, description=LIKELY_LANGUAGES)
    tier: Tier = Field(default_factory=unset, description=TIER)
    engine: EngineName | None = Field(default=None, description=f"{ENGINE} Null: the server's own.")
    model: EngineName | None = Field(default=None, description=f"{MODEL} Null: the engine's own.")
    initial_prompt: Annotated[str, StringConstraints(max_length=MAX_PROMPT_CHARACTERS, pattern=NO_NUL)] | None = Field(
        default=None, description="Text that the recordings may be thought to follow: it sets spelling and style."
    )
    vocabulary: Annotated[list[Name], Field(max_length=MAX_VOCABULARY)] = Field(
        default_factory=unset, description="Names and terms that are likely to be said."
    )
    replacements: Annotated[list[ReplacementBody], Field(max_length=MAX_REPLACEMENTS)] = Field(
        default_factory=unset, description="Made in every new transcript, in this order."
    )
    identify_speakers: bool = Field(
        default_factory=unset,
        description="Keep speakers' voices and recognize known ones; default true. Set to false, all voiceprints of the "
        "dataset's items are deleted at once, with the names that came from them.",
    )
    chapters_by_model: bool = Field(
        default_factory=unset,
        description="Let members have titles and summaries of chapters written by the server's language model, which is sent what "
        "is said; default false (docs/ask.md).",
    )
    redaction: RedactionBody | None = Field(default=None, description=REDACTION)
    delete_after_days: KeptDays | None = Field(default=None, description=DELETE_AFTER)
    delete_audio_after_days: KeptDays | None = Field(default=None, description=DELETE_AUDIO_AFTER)
    delete_transcript_after_days: KeptDays | None = Field(default=None, description=DELETE_TRANSCRIPT_AFTER)
    legal_hold: bool = Field(default_factory=unset, description=LEGAL_HOLD)


class NewDataset(DatasetSettings):
    """A dataset to be made."""

    name: Name = Field(description="The dataset's name, for people.")
    library: SlugText | None = Field(default=None, description="Its library's slug; default: your own first library.")
    feed_url: FeedUrl = Field(
        default_factory=unset,
        description=f"{FEED_URL} With one, `content_type` is `podcast`.",
        examples=["https://feeds.example.com/talks.xml"],
    )
    newest: Newest = Field(default_factory=unset, description=NEWEST_EPISODES)
    private: bool = Field(default_factory=unset, description=f"With `feed_url`: {PRIVATE[0].lower()}{PRIVATE[1:]}")
    source: NewSource = Field(
        default_factory=unset,
        description="A folder or a part of a bucket to take recordings from, as `POST /api/datasets/{dataset_id}/sources` makes one.",
    )


class DatasetChange(DatasetSettings):
    """A change; fields that are left out stay as they are."""

    name: Name = Field(default_factory=unset, description="The dataset's name, for people.")


class DatasetBody(BaseModel):
    """A dataset and its settings."""

    id: int
    library: str = Field(description="The slug of its library.")
    name: str = Field(examples=["Interviews"])
    description: str | None
    content_type: ContentType = Field(description="`uploads` takes uploads, `podcast` does not.")
    require_metadata: bool = Field(description="Whether an upload needs a title and a description.", examples=[False])
    auto_transcribe: bool = Field(description="Whether an upload is transcribed at once; else it is on hold.")
    max_file_size_mb: int = Field(
        description="The largest file, in units of 1,048,576 bytes; the plan may allow less.", examples=[500]
    )
    allowed_formats: list[str] = Field(description="The extensions of file names that are taken, without the dot.")
    language: str | None = Field(description="The language of its recordings, as its ISO 639 code; null finds it out.")
    languages: list[str] = Field(
        description="The languages that are likely to be spoken: a doubtful one is one of these; empty leaves it open.",
        examples=[["de", "en"]],
    )
    tier: Tier = Field(description="`fast` or `careful`: how much time a transcription takes for fewer errors.")
    engine: str | None = Field(description="The engine that transcribes; null is the server's.")
    model: str | None = Field(description="The engine's model; null is the engine's usual one.")
    initial_prompt: str | None = Field(description=FOR_MEMBERS)
    vocabulary: list[str] | None = Field(description=FOR_MEMBERS)
    replacements: list[ReplacementBody] | None = Field(description=FOR_MEMBERS)
    num_speakers: int | None = Field(description="The number of people who speak in each recording; null finds it out.")
    min_speakers: int | None = Field(description="The least number of people; null sets none.")
    max_speakers: int | None = Field(description="The greatest number of people; null sets none.")
    identify_speakers: bool = Field(description="Whether people whom the library knows are recognized by their voices.")
    chapters_by_model: bool = Field(
        description="Whether titles and summaries of chapters may be written by the server's language model."
    )
    redaction: ShownRedaction | None = Field(
        description="The policy by which things are hidden from some roles; null hides nothing."
    )
    delete_after_days: int | None = Field(
        description="Days from its publishing after which an item is deleted for good; null: never.", examples=[365]
    )
    delete_audio_after_days: int | None = Field(description="The same for its audio alone.", examples=[30])
    delete_transcript_after_days: int | None = Field(description="The same for its transcript alone.", examples=[None])
    legal_hold: bool | None = Field(
        description="Whether nothing of it can be deleted; null for those who are not members.", examples=[False]
    )
    item_count: int = Field(description="Items in all states for members of its library, else published ones.")
    role: Literal["owner", "editor", "viewer"] | None = Field(description="Yours in its library; null: no member.")
    created_at: UtcTime


class DatasetList(BaseModel):
    """One page of the datasets you may see."""

    datasets: list[DatasetBody]
    total: int
    limit: int
    offset: int


@router.post("/api/datasets", status_code=201, openapi_extra=json_body(NewDataset), operation_id="createDataset")
@tells_of_its_own
async def create(caller: Manager, components: ComponentsDep, request: Request) -> DatasetBody:
    """Make a dataset in a library that you may change; with `feed_url` one that follows a podcast.

    With `source` it watches a folder or a bucket. Where that cannot be, no dataset is made.
    """
    wanted = await read_json(request, NewDataset)
    check_speaker_numbers(wanted.model_dump(include=set(SPEAKER_NUMBERS)))
    check_transcriber(components.settings, wanted.model_dump(include=set(TRANSCRIBER)))
    columns: dict[str, Any] = {"max_file_size_mb": components.settings.upload_default_max_mb}
    columns |= _columns(wanted)
    feed = wanted.model_dump(include=set(FEED_FIELDS), exclude_unset=True)
    if feed and "feed_url" not in feed:
        raise FieldInvalid(
            f"{next(iter(feed))}: only a dataset with 'feed_url' has it; give the address of its feed, too."
        )
    if feed:
        columns.setdefault("content_type", "podcast")
    source = wanted.model_dump(include={"source"}, exclude_unset=True).get("source")
    if source is not None:
        # Before the transaction that makes both: looking there may take long.
        async with components.database.transaction() as session:
            library, _ = await _library(session, wanted.library, caller)
        await require_place(
            components.watch_work.permits,
            source,
            content_type=columns.get("content_type", "uploads"),
            asker=asker_of(library, caller),
        )
    async with components.database.transaction() as session:
        library, role = await _library(session, wanted.library, caller)
        if wanted.redaction is not None:
            access.require_policy_change(role)
        if not RETENTION.isdisjoint(columns):
            access.require_retention_change(role)
        made = await libraries.create_dataset(session, library_id=library.id, **columns)
        if feed:
            await follow(session, made, caller.account_id, wish_of(feed))
        view = await readable_dataset(session, made.id, caller)
        if source is not None:
            await make_source(session, view, caller, source)
        (body,) = await bodies(session, [view])
    return body


@router.get("/api/datasets", operation_id="listDatasets")
async def list_visible(
    caller: Reader,
    components: ComponentsDep,
    library: Annotated[
        str | None,
        Query(
            description="Only those of the library with this slug.",
            max_length=MAX_SLUG_CHARACTERS,
            pattern=SLUG_CHARACTERS,
        ),
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> DatasetList:
    """The datasets of your libraries and of the public ones, the oldest first."""
    async with components.database.transaction() as session:
        page = await datasets.list_datasets(
            session, account_id=caller.account_id, library_slug=library, limit=limit, offset=offset
        )
        found = await bodies(session, page.views)
    return DatasetList(datasets=found, total=page.total, limit=limit, offset=offset)


@router.get("/api/datasets/{dataset_id}", operation_id="getDataset")
async def get(dataset_id: Id, caller: Reader, components: ComponentsDep) -> DatasetBody:
    """A dataset and its settings."""
    async with components.database.transaction() as session:
        (body,) = await bodies(session, [await readable_dataset(session, dataset_id, caller)])
    return body


@router.patch("/api/datasets/{dataset_id}", openapi_extra=json_body(DatasetChange), operation_id="updateDataset")
async def change(dataset_id: Id, caller: Manager, components: ComponentsDep, request: Request) -> DatasetBody:
    """Change a dataset's settings. They count for uploads that begin afterwards; its items stay as they are.

    The deadlines and `legal_hold` count for the items that are there as well; only an owner of the library may set them.
    """
    wanted = await read_json(request, DatasetChange)
    async with components.database.transaction() as session:
        view = await changeable_dataset(session, dataset_id, caller)
        if "redaction" in wanted.model_fields_set:
            access.require_policy_change(view.role)
        if not RETENTION.isdisjoint(wanted.model_fields_set):
            access.require_retention_change(view.role)
        if not wanted.model_fields_set.isdisjoint(VOCABULARY):
            require_original(view, "These settings hold names and terms, and change what is found to be hidden.")
        if wanted.identify_speakers is False:
            await lock_voices(session, view.library.id)
            await forget_voices_of_dataset(session, dataset_id)
            await recognize_later(session, components.queue, view.library.id)
        changes = _columns(wanted)
        check_speaker_numbers({name: changes.get(name, getattr(view.dataset, name)) for name in SPEAKER_NUMBERS})
        if not wanted.model_fields_set.isdisjoint(TRANSCRIBER):
            # Only then: a transcriber that is offered no more must not keep everything else from being changed.
            asked = {name: changes.get(name, getattr(view.dataset, name)) for name in TRANSCRIBER}
            check_transcriber(components.settings, asked)
        await libraries.change_dataset(session, view.dataset, **changes)
        (body,) = await bodies(session, [view])
    return body


@router.delete("/api/datasets/{dataset_id}", status_code=204, operation_id="deleteDataset")
async def delete(dataset_id: Id, caller: Manager, components: ComponentsDep, background: BackgroundTasks) -> None:
    """Remove a dataset and all its items for good; only an owner of its library may. Their bytes follow at once.

    409 `legal_hold` where it, or one of its items, is under legal hold.
    """
    async with components.database.transaction() as session:
        await deletable_dataset(session, dataset_id, caller)
        keys = await datasets.delete_dataset(session, dataset_id, by_request_of(caller.account_id))
    # There may be thousands; those that a crash leaves are swept.
    background.add_task(discard, components.blobs, keys)


def _columns(wanted: DatasetSettings) -> dict[str, Any]:
    """Return what was said of a dataset as its columns have it."""
    columns = wanted.model_dump(exclude_unset=True, exclude={"library", "source", *FEED_FIELDS})
    if wanted.redaction is not None:
        # What is left out within the policy has its default, not what was said before.
        columns["redaction"] = wanted.redaction.model_dump()
    return columns


async def bodies(session: AsyncSession, views: "list[DatasetView] | tuple[DatasetView, ...]") -> list[DatasetBody]:
    """Datasets as the API shows them."""
    counts = await datasets.count_items(session, [view.dataset.id for view in views])
    return [_body(view, counts.get(view.dataset.id, ItemCount())) for view in views]


def _body(view: DatasetView, count: ItemCount) -> DatasetBody:
    item_count = count.total if access.sees_unpublished(view.role) else count.published
    columns = {name: getattr(view.dataset, name) for name in DatasetBody.model_fields if hasattr(view.dataset, name)}
    columns["redaction"] = shown_policy(view.redaction, role=view.role)
    if not access.sees_vocabulary(view.role) or policy_for(view) is not None:
        columns |= dict.fromkeys(VOCABULARY)
    if not access.sees_work(view.role):
        columns["legal_hold"] = None
    return DatasetBody(**columns, library=view.library.slug, item_count=item_count, role=view.role)


async def _library(session: AsyncSession, slug: str | None, caller: Caller) -> tuple[Library, str | None]:
    if slug is None:
        own = await libraries.first_own_library(session, caller.account_id)
        if own is None:
            raise LibraryNotFound("You own no library yet; make one with POST /api/libraries.")
        slug = own.slug
    view = await changeable_library(session, slug, caller)
    return view.library, view.role
