"""Names and hashed passwords that people sign in with, at most one for each account."""

from datetime import datetime

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, set_columns
from echoic.errors import SignInNameMissing, SignInNameTaken


class SignIn(Base):
    """A name to sign in with, in its normal form, and an Argon2id hash."""

    __tablename__ = "sign_ins"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())


async def find(session: AsyncSession, name: str) -> SignIn | None:
    """Return the sign-in of that name, in its normal form."""
    return await session.scalar(select(SignIn).where(SignIn.name == name))


async def of_account(session: AsyncSession, account_id: int) -> SignIn | None:
    """Return how an account signs in, where it has a name and a password."""
    return await session.get(SignIn, account_id)


async def lock(session: AsyncSession, account_id: int) -> SignIn | None:
    """Return the same as it is now; nobody else changes it until the transaction ends."""
    query = select(SignIn).where(SignIn.account_id == account_id).with_for_update()
    return await session.scalar(query.execution_options(populate_existing=True))


def require_name(wanted: str | None, found: SignIn | None) -> str:
    """Return the name that an account shall have: the wanted one, or its present one. Raises SignInNameMissing."""
    name = wanted or (None if found is None else found.name)
    if name is None:
        raise SignInNameMissing
    return name


async def set_hash(session: AsyncSession, row: SignIn, password_hash: str) -> None:
    """Write the same password's hash by newer parameters."""
    await set_columns(session, row, {"password_hash": password_hash})


async def put(session: AsyncSession, *, account_id: int, name: str, password_hash: str, is_new: bool) -> None:
    """Write an account's name and password. Raises SignInNameTaken, also where another has just made the account's own."""
    try:
        async with session.begin_nested():
            if is_new:
                session.add(SignIn(account_id=account_id, name=name, password_hash=password_hash))
            else:
                row = await session.get_one(SignIn, account_id)
                row.name, row.password_hash, row.changed_at = name, password_hash, func.now()
            await session.flush()
    except IntegrityError as error:
        raise SignInNameTaken from error
