"""Administrators: accounts that may make, change and remove accounts. There is always one whose keys and sessions work."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.accounts.accounts import IS_OPEN, Account
from echoic.db.accounts.sign_ins import SignIn
from echoic.errors import LastAdministrator


async def keep_another(session: AsyncSession, account_id: int) -> None:
    """Let nobody make or unmake administrators until the transaction ends. Raises LastAdministrator where only this account is one.

    Two that give up at once would otherwise both see the other stay.
    """
    query = select(Account.id).where(Account.is_admin, IS_OPEN).order_by(Account.id).with_for_update()
    if list(await session.scalars(query)) == [account_id]:
        raise LastAdministrator


async def first(session: AsyncSession) -> Account | None:
    """Return the administrator that has been there for longest and is not locked."""
    return await session.scalar(select(Account).where(Account.is_admin, IS_OPEN).order_by(Account.id).limit(1))


async def list_accounts(
    session: AsyncSession, *, limit: int, offset: int
) -> tuple[Sequence[tuple[Account, str | None]], int]:
    """Accounts with the names that they sign in with, the oldest first, and how many there are."""
    total = await session.scalar(select(func.count()).select_from(Account))
    query = select(Account, SignIn.name).outerjoin(SignIn, SignIn.account_id == Account.id).order_by(Account.id)
    rows = await session.execute(query.limit(limit).offset(offset))
    return [(row[0], row[1]) for row in rows], total or 0


async def set_admin(session: AsyncSession, account: Account, *, is_admin: bool) -> None:
    """Make an account an administrator, or no longer. Raises LastAdministrator."""
    if account.is_admin and not is_admin:
        await keep_another(session, account.id)
    account.is_admin = is_admin
    await session.flush()


async def set_locked(session: AsyncSession, account: Account, *, is_locked: bool) -> None:
    """Let none of an account's keys and sessions work, or let them work again. Raises LastAdministrator."""
    if is_locked == (account.locked_at is not None):
        return
    if is_locked:
        await keep_another(session, account.id)
    account.locked_at = await session.scalar(select(func.now())) if is_locked else None
    await session.flush()
