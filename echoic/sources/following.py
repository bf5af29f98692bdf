"""Following a feed: its address is checked and kept, and it is due at once."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.catalog.libraries import Dataset
from echoic.db.sources import entries, feeds
from echoic.db.sources.feeds import Feed
from echoic.errors import AudioUrlInvalid, FeedNotFound, FieldInvalid
from echoic.sources.addresses import Address, parse_address, without_secrets

NEWEST = 10
"""Episodes that are taken of a feed that is new, where nobody says how many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """A wish for a dataset's feed; None changes nothing."""

    url: str | None = None
    newest: int | None = None
    is_private: bool | None = None
    paused: bool | None = None


async def follow(session: AsyncSession, dataset: Dataset, account_id: int, wish: Wish) -> Feed:
    """Make or change the feed of a dataset, in the caller's transaction.

    The account that gives an address pays for the episodes. Raises FieldInvalid for an address that is none and for a dataset
    of uploads, FeedNotFound where there is no feed and no address.
    """
    if wish.url is not None and dataset.content_type != "podcast":
        raise FieldInvalid("Only a dataset whose 'content_type' is 'podcast' can follow a feed.")
    feed = await feeds.find_feed(session, dataset.id, lock=True)
    columns: dict[str, object] = {}
    if wish.url is not None:
        address = address_of(wish.url)
        columns |= {
            "url": str(address.url),
            "credentials": address.credentials,
            "is_private": address.looks_private,
            "account_id": account_id,
            **dict.fromkeys(("etag", "last_modified", "ended_at", "error_code", "error_message")),
            "failed_in_a_row": 0,
        }
    if wish.is_private is not None:
        columns["is_private"] = wish.is_private
    if wish.newest is not None:
        columns["newest"] = wish.newest
    if wish.paused is not None:
        columns["paused"] = wish.paused
    if feed is None:
        if wish.url is None:
            raise FeedNotFound("The dataset has no feed yet; give its address as 'feed_url'.")
        return await feeds.create_feed(session, dataset_id=dataset.id, **{"newest": NEWEST, **columns})
    if columns.get("is_private"):
        columns["podcast"] = without_secrets(feed.podcast, feed.url)
    await feeds.change_feed(session, feed, **columns)
    if wish.url is not None:
        await feeds.make_due(session, feed)
    return feed


def address_of(text: str) -> Address:
    """Take the address of a feed apart. Raises FieldInvalid, which does not repeat it."""
    try:
        return parse_address(text)
    except AudioUrlInvalid as error:
        raise FieldInvalid("'feed_url' is no https:// address that can be read.") from error


async def feed_of(session: AsyncSession, dataset_id: int) -> Feed:
    """Return the feed of a dataset, locked. Raises FeedNotFound."""
    feed = await feeds.find_feed(session, dataset_id, lock=True)
    if feed is None:
        raise FeedNotFound
    return feed


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Numbers of entries of a feed."""

    seen: int
    waiting: int
    taken: int
    failed: int
    left_out: dict[str, int]
    """By reason."""


async def counts_of(session: AsyncSession, feed: Feed) -> Counts:
    """Count a feed's entries by what became of them."""
    counted = await entries.count_states(session, feed.id)

    def number(*states: str) -> int:
        return sum(count for (state, _), count in counted.items() if state in states)

    left_out = {reason or "older": count for (state, reason), count in counted.items() if state == "left_out"}
    if feed.repeated:
        left_out["repeated"] = left_out.get("repeated", 0) + feed.repeated
    return Counts(
        seen=number("new", "waiting", "taken", "failed", "left_out") + feed.repeated,
        waiting=number("waiting"),
        taken=number("taken"),
        failed=number("failed"),
        left_out=left_out,
    )
