"""Fetching an episode's recording: into parts that rows name, and on from there where it broke off.

Bytes are durable part by part, so that a killed process costs one part. Whether they become an item is said in ``episodes``.
"""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

from echoic.db.connect import Database
from echoic.db.sources import entries
from echoic.db.sources.entries import FeedEntry, FeedEntryPart
from echoic.db.sources.feeds import Feed
from echoic.errors import FileTooLarge, UrlStatusUnusable, UrlTimedOut
from echoic.intake.body import Cap
from echoic.intake.egress import Egress
from echoic.intake.fetch import FileAhead, check_received, read_head
from echoic.intake.sweep import discard
from echoic.sources import answers
from echoic.sources.addresses import Address, address_within
from echoic.sources.answers import Followed, followed
from echoic.storage.blobs import Blobs, StagedBlob, StoredBlob
from echoic.storage.join import join
from echoic.units import MB

PART_BYTES = 8 * MB
"""The most that has to be fetched again after a kill."""
EPISODE_SECONDS = 3600.0
"""For one attempt at a recording; the next goes on from there."""
SILENCE_SECONDS = 60.0

_RANGE = re.compile(r"bytes\s+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})\s*", re.IGNORECASE)


class LeaseLost(Exception):
    """Somebody else fetches the entry by now."""


@dataclass(kw_only=True, slots=True)
class Fetching:
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

    def address(self) -> Address:
        """Return where the recording is asked for; the feed's credentials are for its own host alone."""
        return address_within(self.url, self.feed.url, self.feed.credentials)


class Fetcher:
    """Fetches recordings."""

    def __init__(self, database: Database, blobs: Blobs, egress: Egress) -> None:
        self._database = database
        self._blobs = blobs
        self._egress = egress

    async def fetch(self, fetching: Fetching, cap: Cap) -> StoredBlob:
        """Fetch what is missing of a recording; returns it as one blob, which may be its only part.

        Raises LeaseLost, FileTooLarge, a subclass of SourceUnusable, FetchProxyUnavailable, StorageUnavailable and
        DatabaseUnavailable.
        """
        try:
            async with asyncio.timeout(EPISODE_SECONDS):
                await self._fetch(fetching, cap)
        except TimeoutError as error:
            raise UrlTimedOut("The recording did not come in time.") from error
        return await self._whole(fetching)

    async def _fetch(self, fetching: Fetching, cap: Cap) -> None:
        if fetching.entry.is_whole and fetching.parts:
            return  # it was not taken in, for a process was killed or a part of the server was away
        validator = fetching.entry.validator
        offset = fetching.size_bytes() if validator else 0
        headers = {"Accept": "audio/*, */*;q=0.5"}
        if offset and validator:
            headers |= {"Range": f"bytes={offset}-", "If-Range": validator}
        async with followed(fetching.address(), self._egress, headers) as found:
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
            cap.check(whole_bytes)
            chunks = found.answer.aiter_stream()
            while await self._fetch_part(fetching, cap, chunks):
                pass
        check_received(FileAhead(declared_bytes=whole_bytes), fetching.size_bytes())
        async with self._database.transaction() as session:
            if not await entries.end_file(session, fetching.entry.id, lease=fetching.token):
                raise LeaseLost

    async def _fetch_part(self, fetching: Fetching, cap: Cap, chunks: AsyncIterator[bytes]) -> bool:
        """Make the next bytes durable; False at the end. Where they break off, what has come is kept."""
        before = fetching.size_bytes()
        async with self._blobs.stage() as staged:
            try:
                while staged.size_bytes < PART_BYTES:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        break
                    cap.check(before + staged.size_bytes + len(chunk))
                    await staged.write(chunk)
            except FileTooLarge:
                raise
            except Exception:
                await self._keep(fetching, staged)
                raise
            is_full = staged.size_bytes >= PART_BYTES
            await self._keep(fetching, staged)
        return is_full

    async def _keep(self, fetching: Fetching, staged: StagedBlob) -> None:
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
            raise LeaseLost
        fetching.parts = parts

    async def _begin(self, fetching: Fetching, validator: str | None) -> None:
        async with self._database.transaction() as session:
            keys = await entries.begin_file(session, fetching.entry.id, lease=fetching.token, validator=validator)
        if keys is None:
            raise LeaseLost
        fetching.parts = []
        await discard(self._blobs, keys)

    async def _whole(self, fetching: Fetching) -> StoredBlob:
        parts = fetching.parts
        if len(parts) == 1:
            return StoredBlob(key=parts[0].key, size_bytes=parts[0].size_bytes, sha256=parts[0].sha256)
        return await join(self._blobs, [part.key for part in parts], size_bytes=fetching.size_bytes())


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
