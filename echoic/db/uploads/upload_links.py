"""Links under which somebody uploads one recording without a key: an agent hands them to a program that has the file.

Only a hash of a link's token is stored. A link ends with the key or the grant that made it.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, and_, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.accounts.accounts import IS_OPEN, KEY_WORKS, Account, ApiKey, hash_key
from echoic.db.base import Base, CreatedAt, PrimaryKey, in_seconds
from echoic.db.oauth.grants import Grant

TOKEN_PREFIX = "el_"  # noqa: S105 - what tells such a token from a key
TOKEN_BYTES = 32
LIFETIME = timedelta(hours=1)


class UploadLink(Base):
    """A link as it is kept."""

    __tablename__ = "upload_links"

    id: Mapped[PrimaryKey]
    sha256: Mapped[str] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"), index=True)
    key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"), index=True)
    """The key that made it, if one did."""
    grant_id: Mapped[int | None] = mapped_column(ForeignKey("oauth_grants.id", ondelete="CASCADE"), index=True)
    """The grant of the program that made it, if one did."""
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class FoundLink:
    """A link that works."""

    id: int
    account_id: int
    dataset_id: int
    plan: str


async def create(
    session: AsyncSession, *, account_id: int, dataset_id: int, key_id: int | None, grant_id: int | None
) -> tuple[str, datetime]:
    """Make a link to a dataset; returns its token and when it runs out. Those that ran out are removed."""
    await session.execute(delete(UploadLink).where(UploadLink.expires_at < func.now()))
    token = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    row = UploadLink(
        sha256=hash_key(token),
        account_id=account_id,
        dataset_id=dataset_id,
        key_id=key_id,
        grant_id=grant_id,
        expires_at=in_seconds(LIFETIME.total_seconds()),
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return token, row.expires_at


async def find(session: AsyncSession, token: str) -> FoundLink | None:
    """Return the link of a token; None where there is none, it ran out, or what made it works no more."""
    rows = await session.execute(
        select(UploadLink.id, UploadLink.account_id, UploadLink.dataset_id, Account.plan)
        .join(Account, Account.id == UploadLink.account_id)
        .outerjoin(ApiKey, ApiKey.id == UploadLink.key_id)
        .outerjoin(Grant, Grant.id == UploadLink.grant_id)
        .where(UploadLink.sha256 == hash_key(token), UploadLink.expires_at > func.now(), IS_OPEN)
        .where(or_(UploadLink.key_id.is_(None), and_(*KEY_WORKS)))
        .where(or_(UploadLink.grant_id.is_(None), Grant.expires_at > func.now()))
    )
    row = rows.one_or_none()
    return None if row is None else FoundLink(*row)
