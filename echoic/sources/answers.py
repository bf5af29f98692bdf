"""Answers of strangers' hosts to what is asked for feeds: every hop is guarded as those of audio URLs are."""

import re
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType

import httpcore

from echoic import __version__
from echoic.errors import FeedTooLarge, UrlAnswerUnusable, UrlEncoded, UrlRedirectsTooMany, UrlStatusUnusable
from echoic.intake.audio_url import AudioUrl
from echoic.intake.egress import Egress, targets_of
from echoic.intake.fetch import answer_of, header
from echoic.sources.addresses import Address, next_url
from echoic.units import MB

MAX_HOPS = 10
"""Between a feed and a recording three to six counters of downloads are usual."""
MAX_FEED_BYTES = 32 * MB
"""Of a feed, received and inflated; the largest that are known have about 25 MB."""
PIECE_BYTES = 65_536

OK = 200
PARTIAL = 206
UNCHANGED = 304
LOGIN_REQUIRED = 401
GONE = 410
NOT_SATISFIABLE = 416
_MOVED = frozenset({301, 308})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WAIT = frozenset({429, 503})
_CODED = frozenset({"gzip", "x-gzip", "deflate"})
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """The last answer of a chain of redirects."""

    answer: httpcore.Response
    url: AudioUrl
    """Whose answer it is."""
    moved_to: AudioUrl | None
    """Where the first address has moved to for good, as far as redirects in a row from the first on say so."""
    hops: int

    def header(self, name: str) -> str | None:
        """Return a header's value; None where it is missing."""
        return header(self.answer, name.encode())

    @property
    def charset(self) -> str | None:
        """The charset that the header Content-Type names."""
        found = _CHARSET.search(self.header("content-type") or "")
        return found[1] if found else None

    @property
    def is_to_wait(self) -> bool:
        """Return whether the host wants to be asked later."""
        return self.answer.status in _WAIT

    def retry_after_seconds(self, now: datetime) -> float | None:
        """Return the wait that the host asks for: seconds, or until a date (RFC 9110, section 10.2.3)."""
        told = (self.header("retry-after") or "").strip()
        if told.isascii() and told.isdigit():
            return float(told[:9])
        try:
            moment = parsedate_to_datetime(told)
        except ValueError:
            return None
        return max(((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds(), 0.0)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body, inflated where it is coded. Raises FeedTooLarge, UrlEncoded and UrlAnswerUnusable."""
        coding = (self.header("content-encoding") or "identity").strip().lower()
        if coding != "identity" and coding not in _CODED:
            raise UrlEncoded
        inflated = None if coding == "identity" else Inflated()
        received = 0
        async for chunk in self.answer.aiter_stream():
            received += len(chunk)
            if received > MAX_FEED_BYTES:
                raise too_large()
            for piece in [chunk] if inflated is None else inflated.add(chunk):
                yield piece
        if inflated is not None and not inflated.is_whole:
            raise UrlAnswerUnusable("The compressed answer broke off.")


class Inflated:
    """Inflates a body in pieces of bounded size, whatever a few bytes of it may become."""

    def __init__(self, max_bytes: int = MAX_FEED_BYTES) -> None:
        self._inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        self._max_bytes = max_bytes
        self._size_bytes = 0

    @property
    def is_whole(self) -> bool:
        """Return whether the end was reached."""
        return self._inflate.eof

    def add(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what the next bytes become. Raises FeedTooLarge and UrlAnswerUnusable."""
        while chunk and not self._inflate.eof:
            try:
                piece = self._inflate.decompress(chunk, PIECE_BYTES)
            except zlib.error as error:
                raise UrlAnswerUnusable("The compressed answer cannot be inflated.") from error
            chunk = self._inflate.unconsumed_tail
            self._size_bytes += len(piece)
            if self._size_bytes > self._max_bytes:
                raise too_large()
            if piece:
                yield piece


def too_large() -> FeedTooLarge:
    """Return the error for a feed that is longer than is read."""
    return FeedTooLarge(f"The feed has more than {MAX_FEED_BYTES // MB} MB.")


@asynccontextmanager
async def followed(
    address: Address, egress: Egress, headers: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Followed]:
    """Ask an address and follow where it redirects to; the body is read within the block.

    Raises the subclass of SourceUnusable that says what is wrong with a hop, and FetchProxyUnavailable.
    """
    url, moved_to, only_moved = address.url, None, True
    agent = {"User-Agent": f"Echoic/{__version__} (podcast reader; self-hosted)"}
    for hop in range(MAX_HOPS + 1):
        more = {**agent, **headers, **address.headers(url)}
        async with answer_of(url, await targets_of(url, egress), egress, more) as answer:
            if answer.status not in _REDIRECTS:
                yield Followed(answer=answer, url=url, moved_to=moved_to, hops=hop)
                return
            location = header(answer, b"location")
            only_moved = only_moved and answer.status in _MOVED
        if not location:
            raise UrlStatusUnusable("The address redirects and does not say where to go on.")
        url = next_url(url, location)
        if only_moved:
            moved_to = url
    raise UrlRedirectsTooMany(f"The address redirects more than {MAX_HOPS} times.")
