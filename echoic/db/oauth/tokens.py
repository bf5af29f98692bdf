"""Access and refresh tokens of grants. Only a hash of a token is stored."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.accounts.accounts import IS_OPEN, Account, hash_key
from echoic.db.base import Base, CreatedAt, in_seconds
from echoic.db.connect import Database
from echoic.db.oauth.clients import Client
from echoic.db.oauth.grants import IDLE_SECONDS, WORKS, Grant
from echoic.db.reads import Query

Kind = Literal["access", "refresh"]

ACCESS_PREFIX, REFRESH_PREFIX = "ea_", "er_"
TOKEN_BYTES = 32
ACCESS_SECONDS = 3600


class Token(Base):
    """A token as it is kept. A refresh token that was used stays, so that a second use is noticed."""

    __tablename__ = "oauth_tokens"
    __table_args__ = (CheckConstraint("kind IN ('access', 'refresh')", name="kind"),)

    sha256: Mapped[str] = mapped_column(primary_key=True)
    grant_id: Mapped[int] = mapped_column(ForeignKey("oauth_grants.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    scopes: Mapped[list[str]]
    """Of an access token: a client may ask for fewer than it was granted."""
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class FoundToken:
    """An access token that opens, and what it opens."""

    grant_id: int
    account_id: int
    plan: str
    is_admin: bool
    client_id: str
    scopes: list[str]
    resource: str
    expires_at: datetime
    last_used_at: datetime
    """Of the grant."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnToken:
    """A token, and whose it is."""

    sha256: str
    kind: str
    grant: Grant
    was_used: bool


# Made once: every request with such a token asks it.
_FIND_ACCESS = Query(
    select(
        Token.grant_id,
        Grant.account_id,
        Account.plan,
        Account.is_admin,
        Client.client_id,
        Token.scopes,
        Grant.resource,
        Token.expires_at,
        Grant.last_used_at,
    )
    .join(Grant, Grant.id == Token.grant_id)
    .join(Client, Client.id == Grant.client_id)
    .join(Account, Account.id == Grant.account_id)
    .where(
        Token.sha256 == bindparam("sha256"),
        Token.kind == "access",
        Token.expires_at > func.now(),
        Grant.resource == bindparam("resource"),
        WORKS,
        IS_OPEN,
    )
)


async def create(session: AsyncSession, *, grant_id: int, kind: Kind, scopes: Sequence[str]) -> str:
    """Make a token of a grant, which cannot be had again."""
    is_access = kind == "access"
    token = (ACCESS_PREFIX if is_access else REFRESH_PREFIX) + secrets.token_urlsafe(TOKEN_BYTES)
    seconds = float(ACCESS_SECONDS) if is_access else IDLE_SECONDS
    row = Token(
        sha256=hash_key(token), grant_id=grant_id, kind=kind, scopes=list(scopes), expires_at=in_seconds(seconds)
    )
    session.add(row)
    await session.flush()
    return token


async def find_access(database: Database, token: str, *, resource: str) -> FoundToken | None:
    """Return the access token for a resource, where neither it nor its grant has run out and the account is not locked."""
    for row in await database.read(_FIND_ACCESS, sha256=hash_key(token), resource=resource):
        return FoundToken(*row)
    return None


async def find(session: AsyncSession, token: str) -> OwnToken | None:
    """Return whose a token is that has not run out, whether or not it was used; its grant is locked.

    So of two who use a refresh token at the same time, the second sees that it was used.
    """
    sha256 = hash_key(token)
    of_token = select(Token.grant_id).where(Token.sha256 == sha256).scalar_subquery()
    held = (
        select(Grant)
        .join(Account, Account.id == Grant.account_id)
        .where(Grant.id == of_token, WORKS, IS_OPEN)
        .with_for_update(of=Grant)
    )
    grant = await session.scalar(held)
    if grant is None:
        return None
    wanted = select(Token.kind, Token.used_at.is_not(None)).where(Token.sha256 == sha256, Token.expires_at > func.now())
    row = (await session.execute(wanted)).first()
    return None if row is None else OwnToken(sha256=sha256, kind=row[0], grant=grant, was_used=row[1])


async def mark_used(session: AsyncSession, token: OwnToken) -> None:
    """Use a refresh token up."""
    await session.execute(update(Token).where(Token.sha256 == token.sha256).values(used_at=func.now()))


async def end(session: AsyncSession, token: OwnToken) -> None:
    """End one token; its grant goes on."""
    await session.execute(delete(Token).where(Token.sha256 == token.sha256))


async def forget_expired(session: AsyncSession) -> None:
    """Remove the tokens that have run out."""
    await session.execute(delete(Token).where(Token.expires_at < func.now()))
