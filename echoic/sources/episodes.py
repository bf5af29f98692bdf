"""Recordings of episodes: fetched one after the other, resumed where they broke off, and taken in as uploads are.

The work is a row: whoever leases it fetches on from the bytes that are durable, so that a killed process costs one part. The
entry and its item are committed together, so that no episode becomes an item twice.
"""

import uuid
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.connect import Database
from echoic.db.sources import entries, feeds, published
from echoic.db.sources.entries import EntryState
from echoic.errors import (
    BlobNotFound,
    DatabaseUnavailable,
    DatasetNotFound,
    DatasetRejectsUploads,
    DuplicateItem,
    EchoicError,
    FileTooLarge,
    Forbidden,
    FormatNotAllowed,
    MetadataRequired,
    NotAudio,
    QuotaExhausted,
    SourceUnusable,
    StorageExhausted,
    Unavailable,
    UrlForbidden,
)
from echoic.intake.accept import Accepted, Acceptor, Wanted
from echoic.intake.admission import Admissions, Head
from echoic.intake.egress import Egress
from echoic.intake.fields import MAX_DESCRIPTION_CHARACTERS, MAX_TITLE_CHARACTERS, FileMetadata
from echoic.intake.leases import renewed
from echoic.intake.sweep import discard
from echoic.logs import get_logger
from echoic.sources.fetching import Fetcher, Fetching, LeaseLost
from echoic.sources.poll import told
from echoic.sources.recordings import HEAD_BYTES, file_name
from echoic.sources.taking import Taking
from echoic.storage.blobs import Blobs

INTERVAL_SECONDS = 15.0
LEASE_SECONDS = 60.0
RENEW_SECONDS = 20.0
RETRY_SECONDS = (60.0, 300.0, 1800.0, 7200.0, 21_600.0, 86_400.0, 86_400.0)
"""Waits after attempts in a row that brought nothing new; after the last of them it has failed."""
LATER_SECONDS = 6 * 3600.0
"""Until minutes, room or rights may be there again."""
SOON_SECONDS = 120.0
"""Until a part of the server that is away may be there again."""
SOURCE_TYPE = "podcast_episode"

_UNFIT = (FormatNotAllowed, NotAudio, FileTooLarge, DuplicateItem, MetadataRequired)
"""Refusals of the recording itself, which stay."""
_LATER = (QuotaExhausted, StorageExhausted, DatasetNotFound, DatasetRejectsUploads, Forbidden)

logger = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodeHead(Head):
    """An episode that is about to be fetched."""

    fills: str = "podcast"

    def file_bytes(self) -> int:
        """Return the least size of its file: nothing that is said of it can be relied on."""
        return 1


class Episodes:
    """Fetches what entries of feeds name."""

    def __init__(
        self, database: Database, blobs: Blobs, *, admissions: Admissions, acceptor: Acceptor, egress: Egress
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._taking = Taking(admissions, acceptor, blobs)
        self._fetcher = Fetcher(database, blobs, egress)

    async def fetch_next(self) -> bool:
        """Fetch the entry whose turn it is; returns whether there was one. Raises DatabaseUnavailable."""
        token = uuid.uuid4()
        async with self._database.transaction() as session:
            taken = await entries.take_waiting(session, lease=token, seconds=LEASE_SECONDS)
            if taken is None:
                return False
            entry, feed = taken
            parts = await entries.list_parts(session, entry.id)

        async def renew() -> bool:
            async with self._database.transaction() as session:
                return await entries.renew_lease(session, entry.id, lease=token, seconds=LEASE_SECONDS)

        fetching = Fetching(entry=entry, feed=feed, token=token, parts=parts)
        fetching.began_with_bytes = fetching.size_bytes()
        try:
            async with renewed(renew, every_seconds=RENEW_SECONDS):
                await self._take(fetching)
        except LeaseLost:
            logger.info("feed_entry_lease_lost", entry_id=entry.id)
        except DatabaseUnavailable:
            raise
        except EchoicError as error:
            await self._end_by(fetching, error)
        return True

    async def _end_by(self, fetching: Fetching, error: EchoicError) -> None:
        if isinstance(error, _UNFIT):
            await self._end(fetching, error, state="left_out")
        elif isinstance(error, _LATER):
            await self._end(fetching, error, retry_in_seconds=LATER_SECONDS)
        elif isinstance(error, (Unavailable, BlobNotFound)):
            await self._end(fetching, error, retry_in_seconds=SOON_SECONDS)
        elif isinstance(error, SourceUnusable) and not isinstance(error, UrlForbidden):
            await self._try_again(fetching, error)
        else:
            await self._end(fetching, error, state="failed")

    async def _take(self, fetching: Fetching) -> None:
        entry = fetching.entry
        async with self._database.transaction() as session:
            payer = await feeds.payer_of(session, fetching.feed)
        if payer is None:
            raise Forbidden("The account that gave the feed's address is gone or locked; give the address again.")
        admission = await self._taking.admit(payer, fetching.feed.dataset_id, EpisodeHead())
        stored = await self._fetcher.fetch(fetching, admission.cap)
        head = await self._blobs.read_range(stored.key, 0, HEAD_BYTES)
        metadata = FileMetadata(
            file_name=file_name(head, fetching.url, entry.enclosure_type),
            title=(entry.title or "")[:MAX_TITLE_CHARACTERS] or None,
            description=(entry.description or "")[:MAX_DESCRIPTION_CHARACTERS] or None,
            source_url=fetching.address().shown(is_private=fetching.feed.is_private),
        )
        done: list[str] = []

        async def commit(session: AsyncSession, accepted: Accepted) -> None:
            keys = await entries.end_taken(session, entry.id, lease=fetching.token, item_id=accepted.item_id)
            if keys is None:
                raise LeaseLost
            done.extend(keys)
            await published.expect(session, entry.feed_id, entry_id=entry.id)

        wanted = Wanted(source_type=SOURCE_TYPE, publish_date=entry.published_at)
        await self._taking.take(admission, stored, metadata, wanted=wanted, committing=commit)
        await discard(self._blobs, [key for key in done if key != stored.key])

    async def _try_again(self, fetching: Fetching, error: SourceUnusable) -> None:
        # An attempt that came further than the one before is the first of a new row.
        attempts = (0 if fetching.size_bytes() > fetching.began_with_bytes else fetching.entry.attempts) + 1
        if attempts > len(RETRY_SECONDS):
            await self._end(fetching, error, state="failed")
            return
        wait = max(RETRY_SECONDS[attempts - 1], min(fetching.told_seconds or 0.0, RETRY_SECONDS[-1]))
        await self._end(fetching, error, retry_in_seconds=wait, attempts=attempts, keeps_parts=True)

    async def _end(
        self,
        fetching: Fetching,
        error: EchoicError,
        *,
        state: EntryState = "waiting",
        retry_in_seconds: float = 0.0,
        attempts: int | None = None,
        keeps_parts: bool = False,
    ) -> None:
        entry = fetching.entry
        keys: list[str] | None = []
        async with self._database.transaction() as session:
            if not keeps_parts:
                keys = await entries.begin_file(session, entry.id, lease=fetching.token, validator=None)
            await entries.end_otherwise(
                session,
                entry.id,
                lease=fetching.token,
                state=state,
                reason=error.code,
                message=told(error),
                retry_in_seconds=retry_in_seconds,
                attempts=entry.attempts if attempts is None else attempts,
            )
        await discard(self._blobs, keys or [])
        logger.info(
            "feed_entry_not_taken",
            entry_id=entry.id,
            feed_id=entry.feed_id,
            code=error.code,
            state=state,
            again_in_seconds=round(retry_in_seconds),
        )
