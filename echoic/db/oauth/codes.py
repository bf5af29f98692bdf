"""Authorization codes: each is bound to all that was agreed on, and is used once. Only a hash of a code is stored."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.accounts.accounts import IS_OPEN, Account, hash_key
from echoic.db.base import Base, CreatedAt, in_seconds
from echoic.db.oauth.grants import Agreed, Grant

CODE_PREFIX = "ec_"
CODE_BYTES = 32
LIFETIME_SECONDS = 60.0


class Code(Base):
    """A code as it is kept. One that was used stays as long as what it gave, which ends when it is used again."""

    __tablename__ = "oauth_codes"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("oauth_clients.id", ondelete="CASCADE"), index=True)
    redirect_uri: Mapped[str]
    challenge: Mapped[str]
    """The code challenge of PKCE, S256."""
    scopes: Mapped[list[str]]
    resource: Mapped[str]
    issuer: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
    grant_id: Mapped[int | None] = mapped_column(ForeignKey("oauth_grants.id", ondelete="CASCADE"), index=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class UsedCode:
    """A code that has just been used up, with all that it stood for."""

    sha256: str
    agreed: Agreed
    challenge: str


async def create(session: AsyncSession, agreed: Agreed, *, challenge: str) -> str:
    """Make a code, which cannot be had again."""
    code = CODE_PREFIX + secrets.token_urlsafe(CODE_BYTES)
    row = Code(
        sha256=hash_key(code),
        account_id=agreed.account_id,
        client_id=agreed.client_id,
        redirect_uri=agreed.redirect_uri,
        challenge=challenge,
        scopes=list(agreed.scopes),
        resource=agreed.resource,
        issuer=agreed.issuer,
        expires_at=in_seconds(LIFETIME_SECONDS),
    )
    session.add(row)
    await session.flush()
    return code


async def use(session: AsyncSession, code: str) -> UsedCode | None:
    """Use a code up: of two who use it at the same time one gets None. One that ran out, or of a locked account, is None."""
    sha256 = hash_key(code)
    is_open = Code.account_id.in_(select(Account.id).where(IS_OPEN))
    row = await session.scalar(
        update(Code)
        .where(Code.sha256 == sha256, Code.used_at.is_(None), Code.expires_at > func.now(), is_open)
        .values(used_at=func.now())
        .returning(Code)
    )
    if row is None:
        return None
    agreed = Agreed(
        account_id=row.account_id,
        client_id=row.client_id,
        redirect_uri=row.redirect_uri,
        scopes=row.scopes,
        resource=row.resource,
        issuer=row.issuer,
    )
    return UsedCode(sha256=sha256, agreed=agreed, challenge=row.challenge)


async def end_given(session: AsyncSession, code: str) -> None:
    """End what a code gave that was used before.

    In a transaction of its own: one that has just tried to use the code may hold its row, for which the end of the grant waits.
    """
    given = select(Code.grant_id).where(Code.sha256 == hash_key(code), Code.used_at.is_not(None))
    await session.execute(delete(Grant).where(Grant.id.in_(given)))


async def note_given(session: AsyncSession, used: UsedCode, grant: Grant) -> None:
    """Keep which grant a code gave."""
    await session.execute(update(Code).where(Code.sha256 == used.sha256).values(grant_id=grant.id))


async def forget_expired(session: AsyncSession) -> None:
    """Remove the codes that ran out and gave nothing."""
    await session.execute(delete(Code).where(Code.expires_at < func.now(), Code.grant_id.is_(None)))
