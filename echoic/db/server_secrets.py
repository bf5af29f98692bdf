"""Secrets of the installation that all its processes share and that nobody is ever shown: keys to seal and to sign with."""

import secrets

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
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
    if not (found := await database.read(_SECRET, name=name)):
        made = insert(ServerSecret).values(name=name, secret=secrets.token_bytes(SECRET_BYTES)).on_conflict_do_nothing()
        async with database.transaction() as session:
            await session.execute(made)
        found = await database.read(_SECRET, name=name)
    if not found:
        raise LookupError(name)
    return bytes(found[0][0])
