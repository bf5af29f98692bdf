"""Secrets of the installation that all its processes share and that nobody is ever shown: keys to seal and to sign with."""

import secrets

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt
from echoic.db.connect import Database
from echoic.db.reads import Query

SECRET_BYTES = 32


class ServerSecret(Base):
    """A secret by the name of its purpose."""

    __tablename__ = "server_secrets"

    name: Mapped[str] = mapped_column(primary_key=True)
    secret: Mapped[bytes]
    created_at: Mapped[CreatedAt]


_SECRET = Query(select(ServerSecret.secret).where(ServerSecret.name == bindparam("name")))


async def secret(database: Database, name: str) -> bytes:
    """Return 32 random bytes, the same for every process that asks by this name; the first that asks makes them.

    One that is there is read beside the connections of transactions, since callers may hold one, and so may many at once.
    """
    if found := await database.read(_SECRET, name=name):
        return bytes(found[0][0])
    async with database.transaction() as session:
        return await secret_within(session, name)


async def secret_within(session: AsyncSession, name: str) -> bytes:
    """Return the same in a transaction of the caller's: one that is made is there for others once that commits."""
    wanted = select(ServerSecret.secret).where(ServerSecret.name == name)
    if (found := await session.scalar(wanted)) is None:
        made = insert(ServerSecret).values(name=name, secret=secrets.token_bytes(SECRET_BYTES))
        await session.execute(made.on_conflict_do_nothing())
        found = (await session.scalars(wanted)).one()
    return bytes(found)
