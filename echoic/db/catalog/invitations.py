"""Invitations to a library: links that make a member of whoever signs in with one. Only a hash of a link's token is stored."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.accounts.accounts import hash_key
from echoic.db.base import Base, CreatedAt, PrimaryKey, in_seconds
from echoic.db.catalog.libraries import LibraryMember, Role
from echoic.errors import InvitationNotFound

TOKEN_PREFIX = "ei_"  # noqa: S105 - what tells such a token from a key
TOKEN_BYTES = 32


class Invitation(Base):
    """An invitation as it is kept."""

    __tablename__ = "invitations"
    __table_args__ = (CheckConstraint("role IN ('owner', 'editor', 'viewer')", name="role"),)

    id: Mapped[PrimaryKey]
    library_id: Mapped[int] = mapped_column(ForeignKey("libraries.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    """The owner who made it."""
    role: Mapped[str]
    sha256: Mapped[str] = mapped_column(unique=True)
    max_uses: Mapped[int]
    uses: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]


# A link ends with the ownership of the account that made it.
_BY_OWNER = (
    select(LibraryMember.account_id)
    .where(
        LibraryMember.library_id == Invitation.library_id,
        LibraryMember.account_id == Invitation.account_id,
        LibraryMember.role == "owner",
    )
    .exists()
)
_OPEN = (Invitation.expires_at > func.now(), Invitation.uses < Invitation.max_uses, _BY_OWNER)


async def create(
    session: AsyncSession, *, library_id: int, account_id: int, role: Role, lifetime: timedelta, max_uses: int
) -> tuple[Invitation, str]:
    """Make an invitation; the second value is its token, which cannot be had again."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    row = Invitation(
        library_id=library_id,
        account_id=account_id,
        role=role,
        sha256=hash_key(token),
        max_uses=max_uses,
        expires_at=in_seconds(lifetime.total_seconds()),
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return row, token


async def list_open(
    session: AsyncSession, library_id: int, *, limit: int, offset: int
) -> tuple[Sequence[Invitation], int]:
    """Return a library's invitations that can still be used, the oldest first, and how many there are."""
    wanted = (Invitation.library_id == library_id, *_OPEN)
    total = await session.scalar(select(func.count()).select_from(Invitation).where(*wanted))
    rows = await session.scalars(select(Invitation).where(*wanted).order_by(Invitation.id).limit(limit).offset(offset))
    return rows.all(), total or 0


async def revoke(session: AsyncSession, *, library_id: int, invitation_id: int) -> bool:
    """End an invitation of a library; False where there is no such one."""
    ended = await session.scalar(
        delete(Invitation)
        .where(Invitation.id == invitation_id, Invitation.library_id == library_id)
        .returning(Invitation.id)
    )
    return ended is not None


async def find(session: AsyncSession, token: str) -> Invitation:
    """Return the invitation of a token that can still be used. Raises InvitationNotFound."""
    row = await session.scalar(select(Invitation).where(Invitation.sha256 == hash_key(token), *_OPEN))
    if row is None:
        raise InvitationNotFound
    return row


async def count_use(session: AsyncSession, invitation: Invitation) -> None:
    """Count a use. Raises InvitationNotFound where others have just used it up."""
    counted = await session.scalar(
        update(Invitation)
        .where(Invitation.id == invitation.id, *_OPEN)
        .values(uses=Invitation.uses + 1)
        .returning(Invitation.id)
        .execution_options(synchronize_session=False)
    )
    if counted is None:
        raise InvitationNotFound
