"""The libraries that an account owns, as those need to see them who decide about the account."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from echoic.db.catalog.libraries import Dataset, Library, LibraryMember
from echoic.db.items.items import Item


@dataclass(frozen=True, slots=True)
class OwnedLibrary:
    """A library, whether others own it too, and what is in it."""

    id: int
    slug: str
    name: str
    other_owners: int
    item_count: int


async def list_owned(session: AsyncSession, account_id: int) -> list[OwnedLibrary]:
    """Every library that an account owns, alone or with others, the oldest first."""
    other = aliased(LibraryMember)
    others = select(func.count()).where(
        other.library_id == Library.id, other.role == "owner", other.account_id != account_id
    )
    items = (
        select(func.count(Item.id)).join(Dataset, Dataset.id == Item.dataset_id).where(Dataset.library_id == Library.id)
    )
    rows = await session.execute(
        select(Library.id, Library.slug, Library.name, others.scalar_subquery(), items.scalar_subquery())
        .join(LibraryMember, LibraryMember.library_id == Library.id)
        .where(LibraryMember.account_id == account_id, LibraryMember.role == "owner")
        .order_by(Library.id)
    )
    return [OwnedLibrary(*row) for row in rows]
