"""Sessions of people who signed in. Only a hash of a session's token is stored."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.accounts.accounts import IS_OPEN, Account, hash_key
from echoic.db.base import Base, CreatedAt, PrimaryKey, in_seconds
from echoic.db.connect import Database
from echoic.db.reads import Query

TOKEN_PREFIX = "es_"  # noqa: S105 - what tells a session's token from an API key
TOKEN_BYTES = 32
LIFETIME = timedelta(days=90)
"""A session ends so long after its sign-in, however much it is used."""
IDLE_LIFETIME = timedelta(days=14)
"""A session ends that was not used for so long."""
MAX_SESSIONS = 50
"""Of one account; beyond, those end that were not used for longest."""


class Session(Base):
    """A session as it is kept: the hash of its token, and what its browser says of itself."""

    __tablename__ = "sessions"

    id: Mapped[PrimaryKey]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    sha256: Mapped[str] = mapped_column(unique=True)
    program: Mapped[str]
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    issuer: Mapped[str | None]
    """The OpenID Connect provider at which the person signed in; None: by a password or a link."""


SESSION_WORKS = (Session.expires_at > func.now(), Session.last_used_at > in_seconds(-IDLE_LIFETIME.total_seconds()))


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeSession:
    """A session that has just begun; its token cannot be had again."""

    id: int
    account_id: int
    token: str


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A session that is open, and whose it is."""

    id: int
    account_id: int
    plan: str
    last_used_at: datetime
    is_admin: bool


# Made once: every request of a browser asks it.
_FIND = Query(
    select(Session.id, Session.account_id, Account.plan, Session.last_used_at, Account.is_admin)
    .join(Account, Account.id == Session.account_id)
    .where(Session.sha256 == bindparam("sha256"), *SESSION_WORKS, IS_OPEN)
)


async def create(session: AsyncSession, *, account_id: int, program: str, issuer: str | None = None) -> MadeSession:
    """Begin a session of an account; those of it that ran out are removed."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    row = Session(
        account_id=account_id,
        sha256=hash_key(token),
        program=program,
        issuer=issuer,
        expires_at=in_seconds(LIFETIME.total_seconds()),
    )
    session.add(row)
    await session.flush()
    of_account = Session.account_id == account_id
    newest = (
        select(Session.id).where(of_account, *SESSION_WORKS).order_by(Session.last_used_at.desc(), Session.id.desc())
    )
    await session.execute(delete(Session).where(of_account, Session.id.not_in(newest.limit(MAX_SESSIONS))))
    return MadeSession(id=row.id, account_id=account_id, token=token)


async def find(database: Database, token: str) -> FoundSession | None:
    """Return the session that a token opens, where it has neither ended nor run out."""
    for row in await database.read(_FIND, sha256=hash_key(token)):
        return FoundSession(*row)
    return None


async def touch(session: AsyncSession, session_id: int) -> None:
    """Note that a session was used now; at most one write a minute, since most requests only read."""
    await session.execute(
        update(Session)
        .where(Session.id == session_id, Session.last_used_at < in_seconds(-60.0))
        .values(last_used_at=func.now())
    )


async def list_open(session: AsyncSession, account_id: int, *, limit: int, offset: int) -> tuple[list[Session], int]:
    """Return an account's open sessions, that of the last use first, and how many there are."""
    wanted = (Session.account_id == account_id, *SESSION_WORKS)
    total = await session.scalar(select(func.count()).select_from(Session).where(*wanted))
    order = (Session.last_used_at.desc(), Session.id.desc())
    rows = await session.scalars(select(Session).where(*wanted).order_by(*order).limit(limit).offset(offset))
    return list(rows), total or 0


async def issuer_of(session: AsyncSession, session_id: int) -> str | None:
    """Return the OpenID Connect provider at which somebody signed in for a session."""
    issuer: str | None = await session.scalar(select(Session.issuer).where(Session.id == session_id))
    return issuer


async def end(session: AsyncSession, *, account_id: int, session_id: int) -> bool:
    """End a session of an account; False where it has no such session."""
    ended = await session.scalar(
        delete(Session)
        .where(Session.id == session_id, Session.account_id == account_id, *SESSION_WORKS)
        .returning(Session.id)
    )
    return ended is not None


async def end_of_issuer(session: AsyncSession, *, account_id: int, issuer: str) -> None:
    """End the sessions of an account that were begun at a provider."""
    await session.execute(delete(Session).where(Session.account_id == account_id, Session.issuer == issuer))


async def end_all(session: AsyncSession, *, account_id: int, but: int | None) -> None:
    """End all sessions of an account but one."""
    ended = delete(Session).where(Session.account_id == account_id)
    await session.execute(ended if but is None else ended.where(Session.id != but))
