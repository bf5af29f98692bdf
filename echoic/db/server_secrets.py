"""Secrets of the installation that all its processes share and that nobody is ever shown: keys to seal and to sign with."""

import secrets

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt
from echoic.db.connect import Database

SECRET_BYTES = 32


class ServerSecret(Base):
    """A secret by the name of its purpose."""

    __tablename__ = "server_secrets"

    name: Mapped[str] = mapped_column(primary_key=True)
    secret: Mapped[bytes]
    created_at: Mapped[CreatedAt]


async def secret(database: Database, name: str) -> bytes:
    """Return 32 random bytes, the same for every process that asks by this name; the first that asks makes them."""
    made = insert(ServerSecret).values(name=name, secret=secrets.token_bytes(SECRET_BYTES)).on_conflict_do_nothing()
    async with database.transaction() as session:
        await session.execute(made)
    async with database.transaction() as session:
        found: bytes | None = await session.scalar(select(ServerSecret.secret).where(ServerSecret.name == name))
    if found is None:
        raise LookupError(name)
    return found
