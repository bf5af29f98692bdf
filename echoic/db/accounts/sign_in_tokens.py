"""One-time tokens that let somebody in without a password. Only a hash of a token is stored, and using it removes it."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.accounts.accounts import IS_OPEN, Account, hash_key
from echoic.db.base import Base, CreatedAt, in_seconds

TOKEN_PREFIX = "et_"  # noqa: S105 - what tells such a token from a key
TOKEN_BYTES = 32
LIFETIME = timedelta(minutes=10)


class SignInToken(Base):
    """A token as it is kept."""

    __tablename__ = "sign_in_tokens"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]


_OPEN = SignInToken.account_id.in_(select(Account.id).where(IS_OPEN))


async def create(session: AsyncSession, account_id: int) -> tuple[str, datetime]:
    """Make a token for an account, and when it runs out; those that ran out are removed."""
    await session.execute(delete(SignInToken).where(SignInToken.expires_at < func.now()))
    token = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    row = SignInToken(sha256=hash_key(token), account_id=account_id, expires_at=in_seconds(LIFETIME.total_seconds()))
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return token, row.expires_at


async def use(session: AsyncSession, token: str) -> int | None:
    """Return the account that a token lets in, once: of two who use it at the same time one gets None."""
    account_id: int | None = await session.scalar(
        delete(SignInToken)
        .where(SignInToken.sha256 == hash_key(token), SignInToken.expires_at > func.now(), _OPEN)
        .returning(SignInToken.account_id)
    )
    return account_id
