"""Roles in libraries that accounts have because of a group at their OpenID Connect provider."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from sqlalchemy import CheckConstraint, ForeignKey, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base
from echoic.db.catalog.libraries import Library, LibraryMember, Role


class GroupRole(Base):
    """A role that a group has given. The membership itself is kept with all others."""

    __tablename__ = "group_roles"
    __table_args__ = (CheckConstraint("role IN ('owner', 'editor', 'viewer')", name="role"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    library_id: Mapped[int] = mapped_column(
        ForeignKey("libraries.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str]
    before: Mapped[str | None]
    """The role that the account had without the group; None: it was no member."""


@dataclass(frozen=True, slots=True)
class Given:
    """The role that a group has given, and the role before."""

    role: Role
    before: Role | None


async def list_given(session: AsyncSession, account_id: int) -> Mapping[int, Given]:
    """Return the roles that groups have given an account, by library."""
    query = select(GroupRole.library_id, GroupRole.role, GroupRole.before).where(GroupRole.account_id == account_id)
    rows = await session.execute(query)
    return {row[0]: Given(cast("Role", row[1]), cast("Role | None", row[2])) for row in rows}


async def put_given(session: AsyncSession, *, account_id: int, library_id: int, given: Given | None) -> None:
    """Keep the role that a group gives an account in a library; None: none any more."""
    if given is None:
        kept = (GroupRole.account_id == account_id, GroupRole.library_id == library_id)
        await session.execute(delete(GroupRole).where(*kept))
        return
    values = {"role": given.role, "before": given.before}
    added = insert(GroupRole).values(account_id=account_id, library_id=library_id, **values)
    await session.execute(added.on_conflict_do_update(index_elements=["account_id", "library_id"], set_=values))


async def role_of(session: AsyncSession, *, account_id: int, library_id: int) -> Role | None:
    """Return the role that an account has in a library, wherever from."""
    member = (LibraryMember.account_id == account_id, LibraryMember.library_id == library_id)
    return cast("Role | None", await session.scalar(select(LibraryMember.role).where(*member)))


async def library_of(session: AsyncSession, slug: str) -> int | None:
    """Return the id of a library that a setting names."""
    library_id: int | None = await session.scalar(select(Library.id).where(Library.slug == slug))
    return library_id
