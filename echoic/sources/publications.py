"""Fetching the transcripts and chapters that publishers give with their episodes: read to see that they can be, then kept.

One that cannot be used says so in its row and breaks nothing. Any number of processes may fetch, each text under a lease.
"""

import asyncio
import codecs
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from echoic.db.connect import Database
from echoic.db.sources import published
from echoic.db.sources.feeds import Feed
from echoic.db.sources.published import PublishedText
from echoic.errors import (
    AudioUrlInvalid,
    FetchProxyUnavailable,
    PublishedTextTooLarge,
    PublishedTextUnusable,
    SourceUnusable,
    UrlForbidden,
    UrlStatusUnusable,
    UrlTimedOut,
)
from echoic.intake.egress import Egress
from echoic.intake.fetch import read_head
from echoic.logs import get_logger
from echoic.sources import answers
from echoic.sources.addresses import Address, address_within, parse_address
from echoic.sources.answers import followed
from echoic.sources.feed.published import form_of, read_chapters, read_transcript
from echoic.sources.poll import told
from echoic.units import MB

INTERVAL_SECONDS = 15.0
LEASE_SECONDS = 120.0
FETCH_SECONDS = 60.0
MAX_TEXT_BYTES = 8 * MB
"""Ten hours with a time for each word have about 6 MB as JSON."""
RETRY_SECONDS = (300.0, 3600.0, 21_600.0, 86_400.0)
"""Waits after failures that may pass; after the last of them it has failed."""
_FOR_GOOD = (PublishedTextUnusable, UrlForbidden, AudioUrlInvalid)

logger = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """A text that came and could be read."""

    form: str
    body: str
    size_bytes: int


class Publications:
    """Fetches what publishers give beside recordings."""

    def __init__(self, database: Database, egress: Egress) -> None:
        self._database = database
        self._egress = egress

    async def fetch_next(self) -> bool:
        """Fetch a text whose turn it is; returns whether there was one. Raises DatabaseUnavailable."""
        token = uuid.uuid4()
        async with self._database.transaction() as session:
            taken = await published.take_waiting(session, lease=token, seconds=LEASE_SECONDS)
        if taken is None:
            return False
        text, feed = taken
        wait, columns = 0.0, dict[str, object](error_code=None, error_message=None, fetched_at=datetime.now(UTC))
        try:
            read = await self._fetch(text, feed)
            columns |= {"state": "kept", "form": read.form, "body": read.body, "size_bytes": read.size_bytes}
        except (SourceUnusable, AudioUrlInvalid, FetchProxyUnavailable) as error:
            columns |= {"error_code": error.code, "error_message": told(error), "attempts": text.attempts + 1}
            if isinstance(error, _FOR_GOOD) or text.attempts >= len(RETRY_SECONDS):
                columns["state"] = "failed"
            else:
                wait = RETRY_SECONDS[text.attempts]
        async with self._database.transaction() as session:
            await published.end(session, text.id, lease=token, retry_in_seconds=wait, **columns)
        logger.info(
            "published_text_fetched",
            text_id=text.id,
            item_id=text.item_id,
            error=columns["error_code"],
            again_in_seconds=round(wait),
        )
        return True

    async def _fetch(self, text: PublishedText, feed: Feed | None) -> _Read:
        body = bytearray()
        try:
            async with (
                asyncio.timeout(FETCH_SECONDS),
                followed(_address(text, feed), self._egress, {"Accept-Encoding": "gzip"}) as found,
            ):
                if found.answer.status != answers.OK:
                    read_head(found.answer)
                    raise UrlStatusUnusable(f"The address answered with status {found.answer.status}.")
                async for piece in found.pieces():
                    body += piece
                    if len(body) > MAX_TEXT_BYTES:
                        raise PublishedTextTooLarge(f"It has more than {MAX_TEXT_BYTES // MB} MB.")
                charset = found.charset
        except TimeoutError as error:
            raise UrlTimedOut(f"The text did not come within {FETCH_SECONDS:g} seconds.") from error
        return await asyncio.to_thread(_read, bytes(body), text, charset)


def _address(text: PublishedText, feed: Feed | None) -> Address:
    return parse_address(text.url) if feed is None else address_within(text.url, feed.url, feed.credentials)


def _read(body: bytes, text: PublishedText, charset: str | None) -> _Read:
    decoded = _decoded(body, charset)
    if text.kind == "chapters":
        read_chapters(decoded)
        form = "json"
    else:
        form = form_of(decoded, text.media_type)
        read_transcript(decoded, form)
    return _Read(form=form, body=decoded, size_bytes=len(body))


def _decoded(body: bytes, charset: str | None) -> str:
    """Return the text of bytes, without what PostgreSQL cannot hold."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", "replace").replace("\0", "")
    try:
        decoded = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            decoded = body.decode(charset or "windows-1252", "replace")
        except (LookupError, UnicodeError):
            decoded = body.decode("windows-1252", "replace")
    return decoded.replace("\0", "")
