"""Asking feeds: the one that is due is leased, read as it comes, and its entries are written down; then it says when next.

Any number of processes may do so. What was read before a feed broke off counts; the fault is shown beside it. A poll that is
killed is made again by whoever finds its lease at an end, and finds each entry where it was.
"""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from echoic.db.connect import Database
from echoic.db.outbox import telling
from echoic.db.sources import entries, feeds, published
from echoic.db.sources.feeds import Feed
from echoic.errors import (
    AudioUrlInvalid,
    EchoicError,
    FeedAskedTooOften,
    FeedGone,
    FeedLoginRequired,
    FetchProxyUnavailable,
    SourceUnusable,
    UrlTimedOut,
)
from echoic.intake.audio_url import AudioUrl
from echoic.intake.egress import Egress
from echoic.intake.fetch import read_head
from echoic.intake.leases import renewed
from echoic.logs import get_logger
from echoic.records import JsonObject
from echoic.sources import answers
from echoic.sources.addresses import Address, parse_address, without_secrets
from echoic.sources.answers import Followed, followed
from echoic.sources.feed.reader import FeedReader
from echoic.sources.feed.records import Episode, Podcast
from echoic.sources.identity import identity_of, without_tracking
from echoic.sources.schedule import DATES, seconds_after_failure, seconds_until_next

INTERVAL_SECONDS = 15.0
LEASE_SECONDS = 60.0
RENEW_SECONDS = 20.0
POLL_SECONDS = 300.0
"""For a whole feed, however slowly it comes."""
BATCH_ENTRIES = 500
TELL_AFTER_FAILURES = 5
"""Failures in a row after which those who want to know are told, once: about an hour and a quarter."""
MOVES_APART = timedelta(days=1)
MAX_HEADER_CHARACTERS = 1000

logger = get_logger(__name__)


@dataclass(kw_only=True, slots=True)
class Poll:
    """One feed as it is being asked."""

    feed: Feed
    token: uuid.UUID
    address: Address
    seen: set[str] = field(default_factory=set)
    """Identities that it has named."""
    repeated: int = 0
    unchanged: bool = False
    podcast: Podcast | None = None
    etag: str | None = None
    last_modified: str | None = None
    moved_to: AudioUrl | None = None
    told_seconds: float | None = None
    """How long its host wants not to be asked."""
    fault: EchoicError | None = None


class Polls:
    """Asks feeds that are due."""

    def __init__(self, database: Database, egress: Egress) -> None:
        self._database = database
        self._egress = egress

    async def poll_next(self) -> bool:
        """Ask the feed that has been due for longest; returns whether there was one. Raises DatabaseUnavailable."""
        token = uuid.uuid4()
        async with self._database.transaction() as session:
            feed = await feeds.take_due(session, lease=token, seconds=LEASE_SECONDS)
        if feed is None:
            return False

        async def renew() -> bool:
            async with self._database.transaction() as session:
                return await feeds.renew_lease(session, feed.id, lease=token, seconds=LEASE_SECONDS)

        poll = Poll(
            feed=feed, token=token, address=Address(url=parse_address(feed.url).url, credentials=feed.credentials)
        )
        async with renewed(renew, every_seconds=RENEW_SECONDS):
            await self._ask(poll)
        await self._conclude(poll)
        return True

    async def _ask(self, poll: Poll) -> None:
        feed = poll.feed
        headers = {"Accept": "application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5"}
        headers["Accept-Encoding"] = "gzip"
        if feed.etag is not None:
            headers["If-None-Match"] = feed.etag
        if feed.last_modified is not None:
            headers["If-Modified-Since"] = feed.last_modified
        try:
            async with asyncio.timeout(POLL_SECONDS), followed(poll.address, self._egress, headers) as found:
                await self._read(poll, found)
        except TimeoutError:
            poll.fault = UrlTimedOut(f"The feed did not come within {POLL_SECONDS:g} seconds.")
        except (SourceUnusable, AudioUrlInvalid, FetchProxyUnavailable) as error:
            poll.fault = error

    async def _read(self, poll: Poll, found: Followed) -> None:
        poll.moved_to = found.moved_to
        status = found.answer.status
        if found.is_to_wait:
            poll.told_seconds = found.retry_after_seconds(datetime.now(UTC))
            raise FeedAskedTooOften
        if status == answers.GONE:
            raise FeedGone
        if status == answers.LOGIN_REQUIRED:
            raise FeedLoginRequired
        if status == answers.UNCHANGED and (poll.feed.etag or poll.feed.last_modified):
            poll.unchanged = True
            return
        if status != answers.OK:
            read_head(found.answer)
        # Relative addresses are those of where it came from.
        reader = FeedReader(base_url=str(found.url), charset=found.charset)
        try:
            async for piece in found.pieces():
                await self._put(poll, await asyncio.to_thread(reader.feed, piece))
            await self._put(poll, await asyncio.to_thread(reader.close))
            poll.etag = _kept(found.header("etag"))
            poll.last_modified = _kept(found.header("last-modified"))
        finally:
            await self._put(poll, reader.rest())
            if reader.podcast.format is not None:
                poll.podcast = reader.podcast

    async def _put(self, poll: Poll, episodes: Sequence[Episode]) -> None:
        rows: list[JsonObject] = []
        for episode in episodes:
            identity = identity_of(episode)
            if identity in poll.seen:
                poll.repeated += 1
                continue
            poll.seen.add(identity)
            rows.append(_row(identity, episode))
        for start in range(0, len(rows), BATCH_ENTRIES):
            async with self._database.transaction() as session:
                await entries.put_entries(session, poll.feed.id, rows[start : start + BATCH_ENTRIES])

    async def _conclude(self, poll: Poll) -> None:
        feed = poll.feed
        # A feed whose episodes were read in part was read; its fault is told as well, and it is read whole next time.
        moved = _moved(poll)
        was_read = poll.unchanged or (poll.podcast is not None and (poll.fault is None or bool(poll.seen)))
        fault = poll.fault
        failed = 0 if was_read else feed.failed_in_a_row + 1
        columns: dict[str, Any] = {
            "failed_in_a_row": failed,
            "error_code": None if fault is None else fault.code,
            "error_message": None if fault is None else told(fault),
        }
        async with self._database.transaction() as session:
            if not await feeds.hold_leased(session, feed.id, lease=poll.token):
                logger.info("feed_lease_lost", feed_id=feed.id)
                return
            if poll.podcast is not None and was_read:
                await entries.decide(session, feed, newest=feed.newest)
                await published.expect(session, feed.id)
                columns |= {
                    "podcast": _kept_of(
                        poll.podcast,
                        feed_url=str(poll.address.url),
                        is_private=moved.get("is_private", feed.is_private),
                    ),
                    "newest_at": await entries.newest_known(session, feed.id),
                    "repeated": poll.repeated,
                    "etag": poll.etag,
                    "last_modified": poll.last_modified,
                }
            if was_read:
                columns["read_at"] = datetime.now(UTC)
                columns |= moved
                dates = await entries.last_dates(session, feed.id, limit=DATES)
                ttl = poll.podcast.ttl_minutes if poll.podcast is not None else feed.podcast.get("ttl_minutes")
                wait = seconds_until_next(dates, datetime.now(UTC), ttl_minutes=ttl)
            else:
                wait = seconds_after_failure(failed, told_seconds=poll.told_seconds)
            if isinstance(fault, FeedGone):
                columns["ended_at"] = datetime.now(UTC)
            if fault is not None and (failed == TELL_AFTER_FAILURES or isinstance(fault, FeedGone)):
                data = {"dataset_id": feed.dataset_id, "error": {"code": fault.code, "message": told(fault)}}
                await telling.tell(session, "feed.failed", data, dataset_id=feed.dataset_id)
            if columns.pop("at_once", False):
                wait = 0.0
            await feeds.conclude(session, feed.id, lease=poll.token, next_in_seconds=wait, **columns)
        logger.info(
            "feed_polled",
            feed_id=feed.id,
            dataset_id=feed.dataset_id,
            entries=len(poll.seen),
            unchanged=poll.unchanged,
            error=None if fault is None else fault.code,
            again_in_seconds=round(wait),
        )


def told(error: EchoicError) -> str:
    """Return the message of an error for those who know of a feed, not of an audio URL."""
    return error.message.replace("audio URL", "address").replace("audio_url", "The address")


def _kept(value: str | None) -> str | None:
    return value if value and len(value) <= MAX_HEADER_CHARACTERS and value.isprintable() else None


def _row(identity: str, episode: Episode) -> JsonObject:
    file = episode.enclosure
    details = {
        "duration_seconds": episode.duration_seconds,
        "season": episode.season,
        "number": episode.number,
        "kind": episode.kind,
        "explicit": episode.explicit,
        "image_url": episode.image_url,
        "chapters_url": episode.chapters_url,
        "transcripts": [asdict(transcript) for transcript in episode.transcripts],
        "persons": [asdict(person) for person in episode.persons],
    }
    return {
        "identity": identity,
        "guid": episode.guid,
        "title": episode.title,
        "description": episode.description,
        "published_at": None if episode.published_at is None else episode.published_at.isoformat(),
        "link": episode.link,
        "enclosure_url": None if file is None else file.url,
        "enclosure_key": None if file is None else without_tracking(file.url),
        "enclosure_type": None if file is None else file.type,
        "enclosure_bytes": None if file is None else file.size_bytes,
        "details": {name: value for name, value in details.items() if value not in (None, [])},
    }


def _kept_of(podcast: Podcast, *, feed_url: str, is_private: bool) -> dict[str, Any]:
    """Return what is kept of a podcast; addresses that may hold a secret are not."""
    kept = {name: value for name, value in asdict(podcast).items() if name not in ("new_feed_url", "next_page_url")}
    return without_secrets(kept, feed_url) if is_private else {k: v for k, v in kept.items() if v is not None}


def _moved(poll: Poll) -> dict[str, Any]:
    """Return where the feed lies from now on, where it has moved: by its host's word, or else by its own."""
    url = poll.moved_to
    at_once = False
    # Two feeds that name each other must not send us to and fro.
    rests = poll.feed.moved_at is not None and datetime.now(UTC) - poll.feed.moved_at < MOVES_APART
    if url is None and poll.podcast is not None and poll.podcast.new_feed_url and not rests:
        try:
            named = parse_address(poll.podcast.new_feed_url).url
        except AudioUrlInvalid:
            return {}
        url, at_once = named, True
    if url is None or url == poll.address.url:
        return {}
    is_elsewhere = (url.host, url.port) != (poll.address.url.host, poll.address.url.port)
    validators = {"etag": None, "last_modified": None} if at_once else {}
    return {
        "url": str(url),
        "credentials": None if is_elsewhere else poll.feed.credentials,
        "is_private": poll.feed.is_private or Address(url=url).looks_private,
        "moved_at": datetime.now(UTC),
        "at_once": at_once,
        **validators,
    }
