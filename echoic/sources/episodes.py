"""Recordings of episodes: fetched one after the other, resumed where they broke off, and taken in as uploads are.

The work is a row: whoever leases it fetches on from the bytes that are durable, so that a killed process costs one part. The
entry and its item are committed together, so that no episode becomes an item twice.
"""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.access import Caller
from echoic.db.connect import Database
from echoic.db.sources import entries, feeds
from echoic.db.sources.entries import EntryState, FeedEntry, FeedEntryPart
from echoic.db.sources.feeds import Feed
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
    UrlStatusUnusable,
    UrlTimedOut,
)
from echoic.intake.accept import Accepted, Acceptor, Wanted
from echoic.intake.admission import Admission, Admissions, Head
from echoic.intake.egress import Egress
from echoic.intake.fetch import FileAhead, check_received, read_head
from echoic.intake.fields import MAX_DESCRIPTION_CHARACTERS, MAX_TITLE_CHARACTERS, FileMetadata
from echoic.intake.file_names import check_extension
from echoic.intake.leases import renewed
from echoic.intake.sweep import discard
from echoic.logs import get_logger
from echoic.sources import answers
from echoic.sources.addresses import Address, parse_address
from echoic.sources.answers import Followed, followed
from echoic.sources.poll import told
from echoic.sources.recordings import HEAD_BYTES, file_name
from echoic.storage.blobs import Blobs, StagedBlob, StoredBlob
from echoic.storage.join import join
from echoic.units import MB

INTERVAL_SECONDS = 15.0
LEASE_SECONDS = 60.0
RENEW_SECONDS = 20.0
PART_BYTES = 8 * MB
"""The most that has to be fetched again after a kill."""
EPISODE_SECONDS = 3600.0
"""For one attempt at a recording; the next goes on from there."""
SILENCE_SECONDS = 60.0
RETRY_SECONDS = (60.0, 300.0, 1800.0, 7200.0, 21_600.0, 86_400.0, 86_400.0)
"""Waits after attempts in a row that brought nothing new; after the last of them it has failed."""
LATER_SECONDS = 6 * 3600.0
"""Until minutes, room or rights may be there again."""
SOON_SECONDS = 120.0
"""Until a part of the server that is away may be there again."""
SOURCE_TYPE = "podcast_episode"

_RANGE = re.compile(r"bytes\s+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})\s*", re.IGNORECASE)
_UNFIT = (FormatNotAllowed, NotAudio, FileTooLarge, DuplicateItem, MetadataRequired)
"""Refusals of the recording itself, which stay."""
_LATER = (QuotaExhausted, StorageExhausted, DatasetNotFound, DatasetRejectsUploads, Forbidden)

logger = get_logger(__name__)


class _LeaseLost(Exception):
    """Somebody else fetches the entry by now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodeHead(Head):
    """An episode that is about to be fetched."""

    fills: str = "podcast"

    def file_bytes(self) -> int:
        """Return the least size of its file: nothing that is said of it can be relied on."""
        return 1


@dataclass(kw_only=True, slots=True)
class _Fetching:
    """One entry as it is being fetched."""

    entry: FeedEntry
    feed: Feed
    token: uuid.UUID
    parts: list[FeedEntryPart]
    told_seconds: float | None = None
    """How long the host wants not to be asked."""
    began_with_bytes: int = 0
    """The bytes that were durable before this attempt."""

    @property
    def url(self) -> str:
        """The address of the recording."""
        return self.entry.enclosure_url or ""

    def size_bytes(self) -> int:
        """Return how many bytes are durable."""
        return sum(part.size_bytes for part in self.parts)


class Episodes:
    """Fetches what entries of feeds name."""

    def __init__(
        self, database: Database, blobs: Blobs, *, admissions: Admissions, acceptor: Acceptor, egress: Egress
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._admissions = admissions
        self._acceptor = acceptor
        self._egress = egress

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

        fetching = _Fetching(entry=entry, feed=feed, token=token, parts=parts)
        fetching.began_with_bytes = fetching.size_bytes()
        try:
            async with renewed(renew, every_seconds=RENEW_SECONDS):
                await self._take(fetching)
        except _LeaseLost:
            logger.info("feed_entry_lease_lost", entry_id=entry.id)
        except DatabaseUnavailable:
            raise
        except EchoicError as error:
            await self._end_by(fetching, error)
        return True

    async def _end_by(self, fetching: _Fetching, error: EchoicError) -> None:
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

    async def _take(self, fetching: _Fetching) -> None:
        entry = fetching.entry
        admission = await self._admitted(fetching)
        try:
            async with asyncio.timeout(EPISODE_SECONDS):
                await self._fetch(fetching, admission)
        except TimeoutError as error:
            raise UrlTimedOut("The recording did not come in time.") from error
        stored = await self._whole(fetching)
        head = await self._blobs.read_range(stored.key, 0, HEAD_BYTES)
        name = file_name(head, fetching.url, entry.enclosure_type)
        metadata = FileMetadata(
            file_name=name,
            title=(entry.title or "")[:MAX_TITLE_CHARACTERS] or None,
            description=(entry.description or "")[:MAX_DESCRIPTION_CHARACTERS] or None,
            source_url=self._address(fetching).shown(is_private=fetching.feed.is_private),
        )
        done: list[str] = []

        async def commit(session: AsyncSession, accepted: Accepted) -> None:
            keys = await entries.end_taken(session, entry.id, lease=fetching.token, item_id=accepted.item_id)
            if keys is None:
                raise _LeaseLost
            done.extend(keys)

        try:
            check_extension(name, admission.allowed_formats)
            self._admissions.check_fields(admission, metadata)
        except EchoicError:
            await discard(self._blobs, [stored.key])
            raise
        wanted = Wanted(source_type=SOURCE_TYPE, publish_date=entry.published_at)
        await self._acceptor.accept(admission, stored, metadata, wanted=wanted, committing=commit)
        await discard(self._blobs, [key for key in done if key != stored.key])

    async def _admitted(self, fetching: _Fetching) -> Admission:
        async with self._database.transaction() as session:
            payer = await feeds.payer_of(session, fetching.feed)
        if payer is None:
            raise Forbidden("The account that gave the feed's address is gone or locked; give the address again.")
        caller = Caller(account_id=payer.account_id, key_id=None, plan=payer.plan, scopes=frozenset({"upload"}))
        return await self._admissions.admit(caller, fetching.feed.dataset_id, EpisodeHead())

    @staticmethod
    def _address(fetching: _Fetching) -> Address:
        """Return where the recording is asked for; the feed's credentials are for its own host alone."""
        address = parse_address(fetching.url)
        feed = parse_address(fetching.feed.url).url
        is_same_host = (feed.host, feed.port) == (address.url.host, address.url.port)
        if address.credentials is None and is_same_host:
            return Address(url=address.url, credentials=fetching.feed.credentials)
        return address

    async def _fetch(self, fetching: _Fetching, admission: Admission) -> None:
        validator = fetching.entry.validator
        offset = fetching.size_bytes() if validator else 0
        headers = {"Accept": "audio/*, */*;q=0.5"}
        if offset and validator:
            headers |= {"Range": f"bytes={offset}-", "If-Range": validator}
        async with followed(self._address(fetching), self._egress, headers) as found:
            if found.is_to_wait:
                fetching.told_seconds = found.retry_after_seconds(datetime.now(UTC))
                raise UrlStatusUnusable("The host was asked too often, or is overloaded.")
            if found.answer.status == answers.NOT_SATISFIABLE:
                # All bytes may be there, or others than those of today: from the beginning, next time.
                await self._begin(fetching, None)
            whole_bytes: int | None
            if offset and found.answer.status == answers.PARTIAL:
                whole_bytes = _whole_bytes(found, offset)
            else:
                ahead = read_head(found.answer)
                if not isinstance(ahead, FileAhead):
                    raise UrlStatusUnusable("The address redirects.")
                whole_bytes = ahead.declared_bytes
                await self._begin(fetching, _validator(found))
            admission.cap.check(whole_bytes)
            chunks = found.answer.aiter_stream()
            while await self._fetch_part(fetching, admission, chunks):
                pass
        check_received(FileAhead(declared_bytes=whole_bytes), fetching.size_bytes())

    async def _fetch_part(self, fetching: _Fetching, admission: Admission, chunks: AsyncIterator[bytes]) -> bool:
        """Make the next bytes durable; False at the end. Where they break off, what has come is kept."""
        before = fetching.size_bytes()
        async with self._blobs.stage() as staged:
            try:
                while staged.size_bytes < PART_BYTES:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        break
                    admission.cap.check(before + staged.size_bytes + len(chunk))
                    await staged.write(chunk)
            except FileTooLarge:
                raise
            except Exception:
                await self._keep(fetching, staged)
                raise
            is_full = staged.size_bytes >= PART_BYTES
            await self._keep(fetching, staged)
        return is_full

    async def _keep(self, fetching: _Fetching, staged: StagedBlob) -> None:
        if not staged.size_bytes:
            return
        stored = await staged.finish()
        async with self._database.transaction() as session:
            kept = await entries.add_part(
                session,
                fetching.entry.id,
                lease=fetching.token,
                key=stored.key,
                size_bytes=stored.size_bytes,
                sha256=stored.sha256,
            )
            parts = await entries.list_parts(session, fetching.entry.id)
        if not kept:
            await discard(self._blobs, [stored.key])
            raise _LeaseLost
        fetching.parts = parts

    async def _begin(self, fetching: _Fetching, validator: str | None) -> None:
        async with self._database.transaction() as session:
            keys = await entries.begin_file(session, fetching.entry.id, lease=fetching.token, validator=validator)
        if keys is None:
            raise _LeaseLost
        fetching.parts = []
        await discard(self._blobs, keys)

    async def _whole(self, fetching: _Fetching) -> StoredBlob:
        parts = fetching.parts
        if len(parts) == 1:
            return StoredBlob(key=parts[0].key, size_bytes=parts[0].size_bytes, sha256=parts[0].sha256)
        return await join(self._blobs, [part.key for part in parts], size_bytes=fetching.size_bytes())

    async def _try_again(self, fetching: _Fetching, error: SourceUnusable) -> None:
        # An attempt that came further than the one before is the first of a new row.
        attempts = (0 if fetching.size_bytes() > fetching.began_with_bytes else fetching.entry.attempts) + 1
        if attempts > len(RETRY_SECONDS):
            await self._end(fetching, error, state="failed")
            return
        wait = max(RETRY_SECONDS[attempts - 1], min(fetching.told_seconds or 0.0, RETRY_SECONDS[-1]))
        await self._end(fetching, error, retry_in_seconds=wait, attempts=attempts, keeps_parts=True)

    async def _end(
        self,
        fetching: _Fetching,
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


def _validator(found: Followed) -> str | None:
    """Return what tells whether a rest belongs to these bytes; None where the host offers no ranges or no validator."""
    if (found.header("accept-ranges") or "").strip().lower() != "bytes":
        return None
    etag = (found.header("etag") or "").strip()
    return etag if etag.startswith('"') else found.header("last-modified")


def _whole_bytes(found: Followed, offset: int) -> int:
    ranged = _RANGE.fullmatch((found.header("content-range") or "").strip())
    if ranged is None or int(ranged[1]) != offset or int(ranged[2]) + 1 != int(ranged[3]):
        raise UrlStatusUnusable("The host answered with another part of the recording than the rest.")
    return int(ranged[3])
