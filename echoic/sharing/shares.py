"""Share links: made by people who may read what they share, listed, revoked, and found by their tokens."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from echoic import access
from echoic.access import Caller
from echoic.accounts.guessing import PER_NAME, Pace, count_request
from echoic.accounts.passwords import Passwords
from echoic.db import server_secrets
from echoic.db.connect import Database
from echoic.db.sharing import shares
from echoic.db.sharing.shares import Moment, NewShare, Share, ShareKind, ShareState
from echoic.errors import ShareNotFound, SharePasswordNeeded, SharePasswordWrong, ShareUnfit
from echoic.intake.muted_audio import MutedAudio
from echoic.reading.lookup import readable_item
from echoic.reading.transcripts import no_transcript
from echoic.search.answer import Hit
from echoic.sharing import tokens
from echoic.sharing.rate_limiter import RateLimiter

SHARED_PATH = "/share/to"
"""Before a token, the address of a link's page."""
SECRET = "shares"  # noqa: S105 - the name of the purpose
MAX_MOMENTS = 50
"""Moments of one search that are shared."""
MIN_SPAN_SECONDS = 0.1
REQUESTS_PER_MINUTE = 600
"""Of one link, in one process: a page with its sound, for some hundred readers at once."""

PER_LINK = Pace(at_once=100, seconds_each=6.0)
"""Tries of a link's password by everybody: ten times as many as of one address."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """The choices of somebody who shares."""

    title: str | None = None
    lifetime: timedelta | None = None
    password: str | None = None
    with_audio: bool = True
    with_names: bool = True
    embed_origins: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeShare:
    """A link as its maker sees it."""

    share: Share
    token: str
    moments: Sequence[Moment]
    state: ShareState = "open"


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenShare:
    """A link that works."""

    share: Share
    token: str
    moments: Sequence[Moment]
    maker: Caller
    """By whose rights it is read."""


class Shares:
    """The links of an installation."""

    def __init__(self, database: Database, passwords: Passwords, audio: MutedAudio) -> None:
        self._database = database
        self._passwords = passwords
        self._requests = RateLimiter(REQUESTS_PER_MINUTE)
        self.audio = audio
        """Decodes for those who have a link; others who listen do not wait for them."""
        self._secret: bytes | None = None

    async def share_item(
        self, caller: Caller, item_id: int, terms: Terms, *, start: float | None = None, end: float | None = None
    ) -> MadeShare:
        """Make a link to a published recording, or to a span of it.

        Raises ItemNotFound, NotPublished, TranscriptRemoved, and ShareUnfit where the span is none of the recording.
        """
        async with self._database.transaction() as session:
            item = (await readable_item(session, item_id, caller)).item
        if item.status != access.PUBLISHED or item.transcript_removed_at is not None:
            raise no_transcript(item)
        if start is None and end is None:
            return await self._make(caller, "item", [Moment(item_id=item_id)], terms)
        begin, stop = span_within(item.duration_seconds or 0.0, start, end)
        return await self._make(caller, "span", [Moment(item_id=item_id, start=begin, end=stop)], terms)

    async def share_found(self, caller: Caller, query: str, hits: Sequence[Hit], terms: Terms) -> MadeShare:
        """Make a link to the moments that a search of the caller has found; those found later are not added.

        Raises ShareUnfit where nothing was found that is said.
        """
        moments = [
            Moment(item_id=hit.item_id, start=hit.start, end=hit.end) for hit in hits if hit.segment_id is not None
        ][:MAX_MOMENTS]
        if not moments:
            raise ShareUnfit("The search finds nothing that is said: there is nothing to share.")
        return await self._make(caller, "search", moments, terms, query=query)

    async def list_of(
        self, caller: Caller, *, item_id: int | None, limit: int, offset: int
    ) -> tuple[list[MadeShare], int]:
        """Return the links that the caller's account made, the newest first, and how many there are."""
        secret = await self._signing()
        async with self._database.transaction() as session:
            rows, total = await shares.list_of(session, caller.account_id, item_id=item_id, limit=limit, offset=offset)
            ids = [row.id for row in rows]
            moments = await shares.moments_of(session, ids)
            states = await shares.states_of(session, caller.account_id, ids)
        made = [
            MadeShare(
                share=row,
                token=tokens.token_of(secret, row.seed),
                moments=moments[row.id],
                state=states.get(row.id, "unreadable"),
            )
            for row in rows
        ]
        return made, total

    async def revoke(self, caller: Caller, share_id: int) -> None:
        """End a link at once and for good. Raises ShareNotFound."""
        async with self._database.transaction() as session:
            if not await shares.revoke(session, account_id=caller.account_id, share_id=share_id):
                raise ShareNotFound

    async def find(self, token: str) -> OpenShare:
        """Return the link of a token, whether or not it has a password. Raises ShareNotFound and RateLimited."""
        async with self._database.transaction() as session:
            found = await shares.find(session, token)
            moments = [] if found is None else (await shares.moments_of(session, [found.share.id]))[found.share.id]
        if found is None:
            raise ShareNotFound
        self._requests.admit(found.share.id)
        maker = Caller(account_id=found.share.account_id, key_id=None, plan=found.plan, scopes=frozenset({access.READ}))
        return OpenShare(share=found.share, token=token, moments=moments, maker=maker)

    async def require_unlocked(self, opened: OpenShare, mark: str | None) -> None:
        """Raise SharePasswordNeeded where a link has a password and the mark of the browser is not one of it."""
        hashed = opened.share.password_hash
        if hashed is None:
            return
        secret = await self._signing()
        if mark is None or not tokens.is_unlocked(
            secret, mark, sha256=opened.share.sha256, password_hash=hashed, now=time.time()
        ):
            raise SharePasswordNeeded

    async def unlock(self, opened: OpenShare, password: str, *, address: str | None) -> str:
        """Return the mark of a browser in which the password of a link was given.

        Tries are counted before the password is looked at: of each address, and of the link as a whole. The link takes ten
        times as many, so that no single address shuts it for everybody else.

        Raises RateLimited and SharePasswordWrong.
        """
        share = opened.share
        await count_request(self._database, kind="share-address", of=address, pace=PER_NAME)
        await count_request(self._database, kind="share", of=share.sha256, pace=PER_LINK)
        hashed = share.password_hash
        if hashed is None or not await self._passwords.matches(password, hashed):
            raise SharePasswordWrong
        secret = await self._signing()
        return tokens.unlocked_mark(secret, sha256=share.sha256, password_hash=hashed, now=time.time())

    async def _make(
        self, caller: Caller, kind: ShareKind, moments: Sequence[Moment], terms: Terms, *, query: str | None = None
    ) -> MadeShare:
        if terms.password is not None and terms.embed_origins:
            raise ShareUnfit(
                "A link with a password cannot be embedded: browsers keep no mark of it in another's page."
            )
        hashed = None if terms.password is None else await self._passwords.hashed(terms.password)
        secret = await self._signing()
        wanted = NewShare(
            account_id=caller.account_id,
            key_id=caller.key_id,
            grant_id=caller.grant_id,
            kind=kind,
            moments=moments,
            title=terms.title,
            query=query,
            password_hash=hashed,
            with_audio=terms.with_audio,
            with_names=terms.with_names,
            embed_origins=terms.embed_origins,
            lifetime=terms.lifetime,
        )
        async with self._database.transaction() as session:
            row = await shares.create(
                session, wanted, seed=tokens.new_seed(), token_of=lambda seed: tokens.token_of(secret, seed)
            )
        return MadeShare(share=row, token=tokens.token_of(secret, row.seed), moments=moments)

    async def _signing(self) -> bytes:
        if self._secret is None:
            self._secret = await server_secrets.secret(self._database, SECRET)
        return self._secret


def span_within(length: float, start: float | None, end: float | None) -> tuple[float, float]:
    """Return the beginning and the end of a span of a recording of so many seconds. Raises ShareUnfit where it is none."""
    begin, stop = start or 0.0, length if end is None else min(end, length)
    if stop - begin < MIN_SPAN_SECONDS:
        raise ShareUnfit(
            f"The span must last {MIN_SPAN_SECONDS} seconds or longer, and begin within the recording, which is {length:g} seconds "
            "long."
        )
    return begin, stop
