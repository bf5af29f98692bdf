"""Feeds of podcasts: the address that a dataset follows, how asking it went, and the episodes found there."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from echoic import access
from echoic.access import Caller
from echoic.api.auth import Manager, Reader, Uploader
from echoic.api.bodies import WHOLE, Body, UtcTime, read_json, unset
from echoic.api.context import ComponentsDep
from echoic.api.openapi import json_body
from echoic.api.parameters import DEFAULT_LIMIT, MAX_ID, Id, Limit, Offset
from echoic.api.patterns import NO_NUL
from echoic.api.problems import Problem
from echoic.db.catalog.libraries import DatasetView
from echoic.db.sources import entries
from echoic.db.sources.entries import EntryState, FeedEntry
from echoic.db.sources.feeds import Feed, make_due
from echoic.errors import FieldInvalid, Forbidden
from echoic.intake.audio_url import MAX_URL_CHARACTERS
from echoic.reading.lookup import changeable_dataset, readable_dataset
from echoic.reading.redacted import policy_for
from echoic.sources.addresses import Address, parse_address
from echoic.sources.following import Wish, counts_of, feed_of, follow

MAX_NEWEST = 1000
MAX_ENTRIES = 1000
MAX_NAMED_ENTRIES = 10

router = APIRouter(tags=["feeds"], responses={"default": {"model": Problem}})

FeedUrl = Annotated[str, StringConstraints(min_length=1, max_length=MAX_URL_CHARACTERS, pattern=NO_NUL)]
FEED_URL = (
    "The address of a podcast's feed, RSS or Atom; it may hold a user name and a password. It is asked over https alone, and "
    "where it seems to hold a secret it is never shown again."
)
NEWEST_EPISODES = "How many of the newest episodes are taken when the feed is read for the first time; default 10."
PRIVATE = "Whether the address is shown to nobody; default: where it seems to hold a secret."
FEED_FIELDS = ("feed_url", "newest", "private")
"""Fields of a new dataset that are those of its feed."""
Newest = Annotated[int, Field(ge=0, le=MAX_NEWEST), WHOLE]


class FeedChange(Body):
    """A change of a dataset's feed; fields that are left out stay as they are."""

    feed_url: FeedUrl = Field(
        default_factory=unset, description=FEED_URL, examples=["https://feeds.example.com/talks.xml"]
    )
    newest: Newest = Field(default_factory=unset, description=NEWEST_EPISODES)
    private: bool = Field(default_factory=unset, description=PRIVATE)
    paused: bool = Field(default_factory=unset, description="Whether the feed is left alone; default false.")


class EntriesWanted(Body):
    """Episodes that are to be taken although they were left out or failed: some of them, or the newest ones."""

    entries: Annotated[list[Annotated[int, Field(ge=1, le=MAX_ID), WHOLE]], Field(max_length=MAX_ENTRIES)] = Field(
        default_factory=unset, description="Their ids.", examples=[[17, 18]]
    )
    newest: Newest = Field(default_factory=unset, description="So many of the newest ones.", examples=[25])


class FeedFailure(BaseModel):
    """The error of the last attempt to read a feed."""

    code: str = Field(description="Stable, for programs; docs/errors.md lists all.", examples=["feed_malformed"])
    message: str


class FeedPodcast(BaseModel):
    """A podcast by the words of its feed."""

    title: str | None = Field(default=None, examples=["Talks by the sea"])
    description: str | None = None
    language: str | None = Field(default=None, description="As the feed writes it.", examples=["en-us"])
    link: str | None = Field(default=None, description="The podcast's own page.")
    author: str | None = Field(default=None, description="The people or the house behind it.", examples=["Ruth Sander"])
    image_url: str | None = Field(default=None, description="The address of its cover.")
    explicit: bool | None = Field(default=None, description="Whether it is for adults, where the feed tells.")


class FeedBody(BaseModel):
    """The feed of a dataset, and how it goes."""

    dataset_id: int
    feed_url: str = Field(
        description="The address; of a private one the host alone.", examples=["https://feeds.example.com/talks.xml"]
    )
    private: bool = Field(description="Whether the address is shown to nobody.", examples=[False])
    state: Literal["new", "active", "failing", "paused", "ended"] = Field(
        description="`new`: not read yet; `ended`: gone for good by its host's word, until an address is given again."
    )
    podcast: FeedPodcast = Field(description="The podcast, by the feed's words.")
    newest: int = Field(description="Episodes taken when it was read for the first time.")
    polled_at: UtcTime | None = Field(description="When it was asked last; null: never yet.")
    read_at: UtcTime | None = Field(description="When it was last read, or found unchanged.")
    next_poll_at: UtcTime | None = Field(description="When it is asked next; null where it is not.")
    moved_at: UtcTime | None = Field(description="When it last moved to another address.")
    ended_at: UtcTime | None = Field(description="When its host said that it is gone for good.")
    failed_in_a_row: int = Field(description="Attempts since it could be read.")
    error: FeedFailure | None = Field(description="The error of the last attempt; null where it went well.")
    seen: int = Field(description="Episodes that the feed has ever named.")
    waiting: int = Field(description="Episodes that are to be fetched.")
    taken: int = Field(description="Episodes that became items.")
    failed: int = Field(description="Episodes whose recording could not be fetched after several attempts.")
    left_out: dict[str, int] = Field(
        description="Episodes that are not fetched, by reason: `older` than what was wanted, `no_enclosure`, `repeated` under "
        "one GUID, or the code of a refusal such as `format_not_allowed`.",
        examples=[{"older": 240}],
    )

    @classmethod
    async def of(cls, session: AsyncSession, feed: Feed) -> Self:
        """Return a feed as members of its library see it."""
        counts = await counts_of(session, feed)
        is_asked = feed.ended_at is None and not feed.paused
        error = None
        if feed.error_code is not None:
            error = FeedFailure(code=feed.error_code, message=feed.error_message or "")
        return cls(
            dataset_id=feed.dataset_id,
            feed_url=Address(url=parse_address(feed.url).url).shown(is_private=feed.is_private),
            private=feed.is_private,
            state=_state(feed),
            podcast=FeedPodcast(**{name: feed.podcast.get(name) for name in FeedPodcast.model_fields}),
            newest=feed.newest,
            polled_at=feed.polled_at,
            read_at=feed.read_at,
            next_poll_at=feed.next_poll_at if is_asked else None,
            moved_at=feed.moved_at,
            ended_at=feed.ended_at,
            failed_in_a_row=feed.failed_in_a_row,
            error=error,
            seen=counts.seen,
            waiting=counts.waiting,
            taken=counts.taken,
            failed=counts.failed,
            left_out=counts.left_out,
        )


class FeedEntryBody(BaseModel):
    """An episode as its feed names it, and what became of it."""

    id: int
    title: str | None = Field(description="By the feed's word; null where the dataset hides something from your role.")
    publish_date: UtcTime | None = Field(description="When it was published, by the feed's word.")
    state: Literal["waiting", "taken", "left_out", "failed"] = Field(description="Where it stands.")
    reason: str | None = Field(description="Why it waits again, is left out or failed: a code.", examples=["older"])
    message: str | None = Field(description="The same in a sentence.")
    item_id: int | None = Field(description="The item that it became; null for none, or where that was deleted.")
    duration_seconds: float | None = Field(description="Its length, by the feed's word.")
    changed_at: UtcTime | None = Field(
        description="When the feed last named another recording under the same GUID; the item keeps the first."
    )
    retry_at: UtcTime | None = Field(description="When it is fetched at the earliest; null where it is not to be.")

    @classmethod
    def of(cls, entry: FeedEntry, *, shows_title: bool) -> Self:
        """Return an entry as members of the library see it. A title may name whom the dataset hides."""
        return cls(
            id=entry.id,
            title=entry.title if shows_title else None,
            publish_date=entry.published_at,
            state="waiting" if entry.state == "new" else entry.state,
            reason=entry.reason,
            message=entry.message,
            item_id=entry.item_id,
            duration_seconds=entry.details.get("duration_seconds"),
            changed_at=entry.enclosure_changed_at,
            retry_at=entry.retry_at if entry.state == "waiting" else None,
        )


class FeedEntryList(BaseModel):
    """One page of a feed's episodes."""

    entries: list[FeedEntryBody] = Field(description="The episodes, the newest first.")
    total: int
    limit: int
    offset: int


class EntriesTaken(BaseModel):
    """The answer to a wish for episodes."""

    waiting: int = Field(description="How many of them are to be fetched now.", examples=[2])


@router.get("/api/datasets/{dataset_id}/feed", operation_id="getFeed")
async def get(dataset_id: Id, caller: Reader, components: ComponentsDep) -> FeedBody:
    """The feed that a dataset follows, and how asking it went; for members of its library."""
    async with components.database.transaction() as session:
        await _member_view(session, dataset_id, caller)
        return await FeedBody.of(session, await feed_of(session, dataset_id))


@router.patch("/api/datasets/{dataset_id}/feed", openapi_extra=json_body(FeedChange), operation_id="updateFeed")
async def change(dataset_id: Id, caller: Manager, components: ComponentsDep, request: Request) -> FeedBody:
    """Give a dataset a feed, or change it. Your account's minutes pay for its episodes once you give an address."""
    wanted = await read_json(request, FeedChange)
    async with components.database.transaction() as session:
        view = await changeable_dataset(session, dataset_id, caller)
        feed = await follow(session, view.dataset, caller.account_id, wish_of(wanted.model_dump(exclude_unset=True)))
        return await FeedBody.of(session, feed)


@router.post("/api/datasets/{dataset_id}/feed/poll", operation_id="pollFeed")
async def poll(dataset_id: Id, caller: Uploader, components: ComponentsDep) -> FeedBody:
    """Have the feed asked now, not when it is due."""
    async with components.database.transaction() as session:
        await changeable_dataset(session, dataset_id, caller)
        feed = await feed_of(session, dataset_id)
        await make_due(session, feed)
        return await FeedBody.of(session, feed)


@router.get("/api/datasets/{dataset_id}/feed/entries", operation_id="listFeedEntries")
async def list_entries(
    dataset_id: Id,
    *,
    caller: Reader,
    components: ComponentsDep,
    state: Annotated[EntryState | None, Query(description="Only those that stand so.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> FeedEntryList:
    """The episodes that the feed has named, the newest first; for members of its library."""
    async with components.database.transaction() as session:
        view = await _member_view(session, dataset_id, caller)
        feed = await feed_of(session, dataset_id)
        found, total = await entries.list_entries(session, feed.id, state=state, limit=limit, offset=offset)
    bodies = [FeedEntryBody.of(one, shows_title=policy_for(view) is None) for one in found]
    return FeedEntryList(entries=bodies, total=total, limit=limit, offset=offset)


@router.post(
    "/api/datasets/{dataset_id}/feed/take", openapi_extra=json_body(EntriesWanted), operation_id="takeFeedEntries"
)
async def take(dataset_id: Id, caller: Uploader, components: ComponentsDep, request: Request) -> EntriesTaken:
    """Have episodes fetched that were left out or failed; 400 where the feed has none of an id that is named."""
    wanted = await read_json(request, EntriesWanted)
    given = wanted.model_fields_set
    async with components.database.transaction() as session:
        await changeable_dataset(session, dataset_id, caller)
        feed = await feed_of(session, dataset_id)
        if "entries" in given and (unknown := await entries.unknown(session, feed.id, wanted.entries)):
            raise FieldInvalid(_no_entries(unknown))
        count = await entries.want(
            session,
            feed.id,
            entry_ids=wanted.entries if "entries" in given else None,
            newest=wanted.newest if "newest" in given else (None if "entries" in given else 0),
        )
    return EntriesTaken(waiting=count)


def _no_entries(ids: Sequence[int]) -> str:
    named = ", ".join(str(one) for one in ids[:MAX_NAMED_ENTRIES])
    more = f" and {len(ids) - MAX_NAMED_ENTRIES:,} more" if len(ids) > MAX_NAMED_ENTRIES else ""
    return f"entries: the feed of this dataset has no episodes {named}{more}; none was taken. /feed/entries lists them."


def wish_of(given: dict[str, Any]) -> Wish:
    """Return what is wanted of a feed by the fields of a body."""
    return Wish(
        url=given.get("feed_url"),
        newest=given.get("newest"),
        is_private=given.get("private"),
        paused=given.get("paused"),
    )


async def _member_view(session: AsyncSession, dataset_id: int, caller: Caller) -> DatasetView:
    view = await readable_dataset(session, dataset_id, caller)
    if not access.sees_unpublished(view.role):
        raise Forbidden("Only members of the library may see the feed of its dataset.")
    return view


def _state(feed: Feed) -> Literal["new", "active", "failing", "paused", "ended"]:
    if feed.ended_at is not None:
        return "ended"
    if feed.paused:
        return "paused"
    if feed.failed_in_a_row:
        return "failing"
    return "new" if feed.read_at is None else "active"
