"""Accounts and their API keys. Only a hash of a key is stored."""

import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, bindparam, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt, PrimaryKey, among, set_columns
from echoic.db.connect import Database
from echoic.db.reads import Query

KEY_PREFIX = "ek_"
KEY_BYTES = 32
SCOPES = ("read", "upload", "manage")


class Account(Base):
    """Somebody, or some team, that owns libraries and keys."""

    __tablename__ = "accounts"

    id: Mapped[PrimaryKey]
    name: Mapped[str]
    plan: Mapped[str] = mapped_column(server_default="free")
    is_admin: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether it may make, change and remove accounts."""
    locked_at: Mapped[datetime | None]
    """Since when none of its keys and sessions work; None: they do."""
    created_at: Mapped[CreatedAt]


class ApiKey(Base):
    """A key as it is kept: its hash, and the first characters so that people can tell keys apart."""

    __tablename__ = "api_keys"

    id: Mapped[PrimaryKey]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    shown_prefix: Mapped[str]
    sha256: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


IS_OPEN = Account.locked_at.is_(None)
KEY_WORKS = (ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now()))


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key that opens, and what it opens."""

    id: int
    account_id: int
    plan: str
    scopes: list[str]
    last_used_at: datetime | None
    is_admin: bool


# Made once: every request asks it.
_FIND_KEY = Query(
    select(ApiKey.id, ApiKey.account_id, Account.plan, ApiKey.scopes, ApiKey.last_used_at, Account.is_admin)
    .join(Account, Account.id == ApiKey.account_id)
    .where(ApiKey.sha256 == bindparam("sha256"), *KEY_WORKS, IS_OPEN)
)


def hash_key(key: str) -> str:
    """SHA-256 of a key, in hex. Keys carry 256 random bits, so a slow password hash would protect nothing."""
    return hashlib.sha256(key.encode()).hexdigest()


async def create_account(session: AsyncSession, *, name: str, plan: str, is_admin: bool = False) -> Account:
    """Make an account."""
    account = Account(name=name, plan=plan, is_admin=is_admin)
    session.add(account)
    await session.flush()
    await session.refresh(account)
    return account


async def change_account(session: AsyncSession, account: Account, **columns: object) -> None:
    """Write other values into columns of an account."""
    await set_columns(session, account, columns)


async def delete_account(session: AsyncSession, account: Account) -> None:
    """Forget an account with its keys; its libraries must have other owners."""
    await session.delete(account)
    await session.flush()


async def first_account(session: AsyncSession) -> Account | None:
    """Return the account made at first start, if that has happened."""
    return await session.scalar(select(Account).order_by(Account.id).limit(1))


async def get_account(session: AsyncSession, account_id: int) -> Account:
    """Return one account by its id, which comes from a row that refers to it."""
    return await session.get_one(Account, account_id)


async def find_account(session: AsyncSession, account_id: int) -> Account | None:
    """Return one account by an id that somebody gave."""
    return await session.get(Account, account_id)


async def list_accounts(session: AsyncSession) -> list[Account]:
    """Return all accounts, the oldest first."""
    return list(await session.scalars(select(Account).order_by(Account.id)))


async def lock_account(session: AsyncSession, account_id: int) -> None:
    """Let nobody else make a key for an account until the transaction ends."""
    await session.execute(select(Account.id).where(Account.id == account_id).with_for_update(key_share=True))


async def plans_in_use(session: AsyncSession) -> set[str]:
    """Return the names of the plans that accounts have."""
    return set(await session.scalars(select(Account.plan).distinct()))


async def count_keys(session: AsyncSession, account_id: int) -> int:
    """Return how many keys of an account work: they are neither revoked nor expired."""
    return (await count_keys_of(session, [account_id]))[account_id]


async def count_keys_of(session: AsyncSession, account_ids: Collection[int]) -> Mapping[int, int]:
    """Return the same of several accounts."""
    wanted = (among(ApiKey.account_id, account_ids), *KEY_WORKS)
    rows = await session.execute(select(ApiKey.account_id, func.count()).where(*wanted).group_by(ApiKey.account_id))
    return dict.fromkeys(account_ids, 0) | {row[0]: row[1] for row in rows}


async def create_key(
    session: AsyncSession,
    *,
    account_id: int,
    name: str,
    scopes: tuple[str, ...] = SCOPES,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; the second value is the key itself, which cannot be had again."""
    key = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    row = ApiKey(
        account_id=account_id,
        name=name,
        shown_prefix=key[: len(KEY_PREFIX) + 4],
        sha256=hash_key(key),
        scopes=list(scopes),
        expires_at=expires_at,
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return row, key


async def list_keys(session: AsyncSession, account_id: int, *, limit: int, offset: int) -> tuple[list[ApiKey], int]:
    """Return an account's keys that are not revoked, the oldest first, and how many there are."""
    wanted = (ApiKey.account_id == account_id, ApiKey.revoked_at.is_(None))
    total = await session.scalar(select(func.count()).select_from(ApiKey).where(*wanted))
    rows = await session.scalars(select(ApiKey).where(*wanted).order_by(ApiKey.id).limit(limit).offset(offset))
    return list(rows), total or 0


async def revoke_key(session: AsyncSession, *, account_id: int, key_id: int) -> bool:
    """End a key of an account for good; False where it has no such key, or had."""
    revoked = await session.scalar(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.account_id == account_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(ApiKey.id)
    )
    return revoked is not None


async def find_key(database: Database, key: str) -> FoundKey | None:
    """Return the account of a key that is known, not revoked and not expired."""
    for row in await database.read(_FIND_KEY, sha256=hash_key(key)):
        return FoundKey(*row)
    return None


async def touch_key(session: AsyncSession, key_id: int) -> None:
    """Note that a key was used now; at most one write a minute, since most requests only read."""
    await session.execute(
        update(ApiKey)
        .where(
            ApiKey.id == key_id,
            or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < func.now() - func.make_interval(0, 0, 0, 0, 0, 1)),
        )
        .values(last_used_at=func.now())
    )
