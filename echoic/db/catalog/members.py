"""Members of libraries with their roles, and subscribers, who have none. A library always keeps an owner."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.accounts.accounts import Account
from echoic.db.catalog.libraries import Library, LibraryMember, LibrarySubscription, Role
from echoic.errors import LastOwner, LibraryNotFound


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """An account in a library."""

    account_id: int
    name: str
    role: str
    created_at: datetime


async def list_members(session: AsyncSession, library_id: int, *, limit: int, offset: int) -> tuple[list[Member], int]:
    """Return a library's members, the oldest first, and how many there are."""
    total = await session.scalar(
        select(func.count()).select_from(LibraryMember).where(LibraryMember.library_id == library_id)
    )
    rows = await session.execute(
        select(LibraryMember.account_id, Account.name, LibraryMember.role, LibraryMember.created_at)
        .join(Account, Account.id == LibraryMember.account_id)
        .where(LibraryMember.library_id == library_id)
        .order_by(LibraryMember.created_at, LibraryMember.account_id)
        .limit(limit)
        .offset(offset)
    )
    return [Member(account_id=row[0], name=row[1], role=row[2], created_at=row[3]) for row in rows], total or 0


async def account_exists(session: AsyncSession, account_id: int) -> bool:
    """Return whether there is such an account."""
    return await session.get(Account, account_id) is not None


async def subscribe(session: AsyncSession, *, library_id: int, account_id: int) -> None:
    """Let an account follow a library that the transaction holds; a member follows it already."""
    if await session.get(LibraryMember, (library_id, account_id)) is None:
        added = insert(LibrarySubscription).values(library_id=library_id, account_id=account_id)
        await session.execute(added.on_conflict_do_nothing())


async def set_role(session: AsyncSession, *, library_id: int, account_id: int, role: Role) -> Member:
    """Give an account that exists a role, whether it is a member yet or not. Raises LastOwner and LibraryNotFound."""
    library = await _lock(session, library_id)
    await _end_subscription(session, library_id=library_id, account_id=account_id)
    await session.execute(
        insert(LibraryMember)
        .values(library_id=library_id, account_id=account_id, role=role)
        .on_conflict_do_update(index_elements=["library_id", "account_id"], set_={"role": role})
    )
    await _keep_owned(session, library)
    row = (
        await session.execute(
            select(Account.name, LibraryMember.created_at)
            .join(Account, Account.id == LibraryMember.account_id)
            .where(LibraryMember.library_id == library_id, LibraryMember.account_id == account_id)
        )
    ).one()
    return Member(account_id=account_id, name=row[0], role=role, created_at=row[1])


async def leave(session: AsyncSession, *, library_id: int, account_id: int) -> bool:
    """End a membership; False where there was none. Raises LastOwner and LibraryNotFound."""
    library = await _lock(session, library_id)
    left = await session.scalar(
        delete(LibraryMember)
        .where(LibraryMember.library_id == library_id, LibraryMember.account_id == account_id)
        .returning(LibraryMember.account_id)
    )
    await _keep_owned(session, library)
    return left is not None


async def unsubscribe(session: AsyncSession, *, library_id: int, account_id: int) -> None:
    """End a subscription or a membership, where there is one. Raises LastOwner and LibraryNotFound."""
    await leave(session, library_id=library_id, account_id=account_id)
    await _end_subscription(session, library_id=library_id, account_id=account_id)


async def _end_subscription(session: AsyncSession, *, library_id: int, account_id: int) -> None:
    await session.execute(
        delete(LibrarySubscription).where(
            LibrarySubscription.library_id == library_id, LibrarySubscription.account_id == account_id
        )
    )


async def _lock(session: AsyncSession, library_id: int) -> Library:
    """Let one change of roles happen at a time: two owners that leave at once would both see the other stay."""
    query = select(Library).where(Library.id == library_id).with_for_update()
    library = await session.scalar(query.execution_options(populate_existing=True))
    if library is None:
        raise LibraryNotFound
    return library


async def _keep_owned(session: AsyncSession, library: Library) -> None:
    """Refuse a change that leaves no owner; who curates is always one of them."""
    owners = list(
        await session.scalars(
            select(LibraryMember.account_id)
            .where(LibraryMember.library_id == library.id, LibraryMember.role == "owner")
            .order_by(LibraryMember.created_at, LibraryMember.account_id)
        )
    )
    if not owners:
        raise LastOwner
    if library.owner_account_id not in owners:
        library.owner_account_id = owners[0]
        await session.flush()
