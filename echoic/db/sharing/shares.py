"""Share links, and the moments that each of them shows.

A token is computed from a row's seed and a secret that is not in the row; the row has its hash alone, to be found by. A link
ends with the key or the grant that made it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Text, and_, case, delete, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.accounts.accounts import IS_OPEN, KEY_WORKS, Account, ApiKey, hash_key
from echoic.db.base import Base, CreatedAt, PrimaryKey, among, in_seconds
from echoic.db.catalog.libraries import Dataset, Library, LibraryMember, reads_original
from echoic.db.items.items import Item
from echoic.db.oauth.grants import Grant

ShareKind = Literal["item", "span", "search"]
ShareState = Literal["open", "expired", "maker_ended", "unreadable"]
"""Whether a link opens; else it ran out, the key or program that made it has ended, or its maker may read nothing of it."""
KEPT_AFTER_END = timedelta(days=30)
"""For so long, a link that ran out is still listed."""


class Share(Base):
    """A link as it is kept."""

    __tablename__ = "shares"
    __table_args__ = (CheckConstraint("kind IN ('item', 'span', 'search')", name="kind"),)

    id: Mapped[PrimaryKey]
    seed: Mapped[bytes]
    """Random; the token is made of it and of the server's secret."""
    sha256: Mapped[str] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    """Its maker, by whose rights it is read."""
    key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"), index=True)
    """The key that made it, if one did."""
    grant_id: Mapped[int | None] = mapped_column(ForeignKey("oauth_grants.id", ondelete="CASCADE"), index=True)
    """The grant of the program that made it, if one did."""
    kind: Mapped[ShareKind] = mapped_column(Text)
    title: Mapped[str | None]
    """Shown in place of the recording's own title."""
    query: Mapped[str | None]
    """Of a search, the words that were searched for."""
    password_hash: Mapped[str | None]
    with_audio: Mapped[bool] = mapped_column(server_default=text("true"))
    with_names: Mapped[bool] = mapped_column(server_default=text("true"))
    embed_origins: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    """Origins whose pages may show its player."""
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime | None]


class SharedMoment(Base):
    """A recording, or a span of one, that a link shows. Without times it is the whole recording."""

    __tablename__ = "shared_moments"

    share_id: Mapped[int] = mapped_column(ForeignKey("shares.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    """From 0."""
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), index=True)
    start: Mapped[float | None] = mapped_column("start_seconds")
    end: Mapped[float | None] = mapped_column("end_seconds")


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A recording, or a span of one in seconds; both times or none."""

    item_id: int
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewShare:
    """The terms of a link to be made."""

    account_id: int
    key_id: int | None
    grant_id: int | None
    kind: ShareKind
    moments: Sequence[Moment]
    title: str | None = None
    query: str | None = None
    password_hash: str | None = None
    with_audio: bool = True
    with_names: bool = True
    embed_origins: Sequence[str] = ()
    lifetime: timedelta | None = None
    """None: until it is revoked."""


@dataclass(frozen=True, slots=True)
class FoundShare:
    """A link that works, and what its maker is called by."""

    share: Share
    plan: str


_LASTS = or_(Share.expires_at.is_(None), Share.expires_at > func.now())
_MAKER_WORKS = and_(
    or_(Share.key_id.is_(None), and_(*KEY_WORKS)), or_(Share.grant_id.is_(None), Grant.expires_at > func.now())
)


async def create(session: AsyncSession, wanted: NewShare, *, seed: bytes, token_of: Callable[[bytes], str]) -> Share:
    """Make a link. Those that ran out long ago are removed."""
    await session.execute(delete(Share).where(Share.expires_at < in_seconds(-KEPT_AFTER_END.total_seconds())))
    row = Share(
        seed=seed,
        sha256=hash_key(token_of(seed)),
        account_id=wanted.account_id,
        key_id=wanted.key_id,
        grant_id=wanted.grant_id,
        kind=wanted.kind,
        title=wanted.title,
        query=wanted.query,
        password_hash=wanted.password_hash,
        with_audio=wanted.with_audio,
        with_names=wanted.with_names,
        embed_origins=list(wanted.embed_origins),
        expires_at=None if wanted.lifetime is None else in_seconds(wanted.lifetime.total_seconds()),
    )
    session.add(row)
    await session.flush()
    session.add_all(
        SharedMoment(share_id=row.id, place=place, item_id=moment.item_id, start=moment.start, end=moment.end)
        for place, moment in enumerate(wanted.moments)
    )
    await session.flush()
    await session.refresh(row)
    return row


async def find(session: AsyncSession, token: str) -> FoundShare | None:
    """Return the link of a token; None where there is none, it ran out, or what made it works no more."""
    rows = await session.execute(
        select(Share, Account.plan)
        .join(Account, Account.id == Share.account_id)
        .outerjoin(ApiKey, ApiKey.id == Share.key_id)
        .outerjoin(Grant, Grant.id == Share.grant_id)
        .where(Share.sha256 == hash_key(token), IS_OPEN, _LASTS, _MAKER_WORKS)
    )
    row = rows.one_or_none()
    return None if row is None else FoundShare(row[0], row[1])


async def list_of(
    session: AsyncSession, account_id: int, *, item_id: int | None, limit: int, offset: int
) -> tuple[list[Share], int]:
    """Return the links that an account made, the newest first, and how many there are; ``item_id``: those that show it."""
    wanted: list[Any] = [Share.account_id == account_id]
    if item_id is not None:
        wanted.append(Share.id.in_(select(SharedMoment.share_id).where(SharedMoment.item_id == item_id)))
    total = await session.scalar(select(func.count()).select_from(Share).where(*wanted))
    rows = await session.scalars(select(Share).where(*wanted).order_by(Share.id.desc()).limit(limit).offset(offset))
    return list(rows), total or 0


async def states_of(session: AsyncSession, account_id: int, share_ids: Collection[int]) -> Mapping[int, ShareState]:
    """Return whether links of an account open, by their ids: by the rules of ``find`` and of what a link shows."""
    is_member = LibraryMember.account_id == account_id
    is_readable = (
        select(SharedMoment.share_id)
        .join(Item, Item.id == SharedMoment.item_id)
        .join(Dataset, Dataset.id == Item.dataset_id)
        .join(Library, Library.id == Dataset.library_id)
        .outerjoin(LibraryMember, and_(LibraryMember.library_id == Library.id, is_member))
        .where(SharedMoment.share_id == Share.id, Item.status == "published")
        .where(Item.transcript_removed_at.is_(None))
        .where(or_(Library.visibility == "public", is_member))
        .where(or_(Share.query.is_(None), reads_original(account_id)))
        .correlate(Share)
        .exists()
    )
    state = case((~_LASTS, "expired"), (~_MAKER_WORKS, "maker_ended"), (~is_readable, "unreadable"), else_="open")
    rows = await session.execute(
        select(Share.id, state)
        .outerjoin(ApiKey, ApiKey.id == Share.key_id)
        .outerjoin(Grant, Grant.id == Share.grant_id)
        .where(among(Share.id, share_ids))
    )
    return {row[0]: row[1] for row in rows}


async def moments_of(session: AsyncSession, share_ids: Collection[int]) -> Mapping[int, list[Moment]]:
    """Return the moments of links in their order."""
    found: dict[int, list[Moment]] = {share_id: [] for share_id in share_ids}
    rows = await session.scalars(
        select(SharedMoment)
        .where(among(SharedMoment.share_id, share_ids))
        .order_by(SharedMoment.share_id, SharedMoment.place)
    )
    for row in rows:
        found[row.share_id].append(Moment(item_id=row.item_id, start=row.start, end=row.end))
    return found


async def revoke(session: AsyncSession, *, account_id: int, share_id: int) -> bool:
    """End a link of an account for good; False where it has no such link."""
    ended = delete(Share).where(Share.id == share_id, Share.account_id == account_id).returning(Share.id)
    return await session.scalar(ended) is not None
