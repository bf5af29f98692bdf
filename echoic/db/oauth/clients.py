"""Clients: programs that registered here (RFC 7591), and those that a metadata document of their own describes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt, PrimaryKey, in_seconds
from echoic.db.oauth.grants import Grant

UNUSED_SECONDS = 30 * 86_400.0
"""A client that no account has connected is forgotten when it was not used for so long."""


class Client(Base):
    """A program, as it described itself."""

    __tablename__ = "oauth_clients"

    id: Mapped[PrimaryKey]
    client_id: Mapped[str] = mapped_column(unique=True)
    """Made here; or the https address of the document that describes the client."""
    name: Mapped[str | None]
    redirect_uris: Mapped[list[str]]
    grant_types: Mapped[list[str]]
    auth_method: Mapped[str]
    """How it says who it is at the token endpoint: ``none``, ``client_secret_post`` or ``client_secret_basic``."""
    secret_sha256: Mapped[str | None]
    scopes: Mapped[list[str] | None]
    """Those it may ask for; None: all."""
    told: Mapped[dict[str, Any]]
    """What else it told of itself, to be repeated to it."""
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[datetime] = mapped_column(server_default=func.now())
    fresh_until: Mapped[datetime | None]
    """When its document is to be fetched again; None: it has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """A description of a client that was found to be in order."""

    redirect_uris: Sequence[str]
    grant_types: Sequence[str]
    auth_method: str
    name: str | None = None
    scopes: Sequence[str] | None = None
    told: Mapping[str, Any]


async def register(session: AsyncSession, described: Described, *, client_id: str, secret_sha256: str | None) -> Client:
    """Keep a client that registered."""
    row = Client(client_id=client_id, secret_sha256=secret_sha256, **_columns(described))
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return row


async def keep_document(session: AsyncSession, described: Described, *, client_id: str, fresh_seconds: float) -> Client:
    """Keep the client that a document describes, in the place of an earlier description."""
    columns = _columns(described) | {"fresh_until": in_seconds(fresh_seconds), "last_used_at": func.now()}
    put = insert(Client).values(client_id=client_id, **columns)
    stored = put.on_conflict_do_update(index_elements=["client_id"], set_=columns).returning(Client)
    row = await session.scalar(stored, execution_options={"populate_existing": True})
    if row is None:
        raise RuntimeError("PostgreSQL returns the row of an insert that updates")
    return row


async def find(session: AsyncSession, client_id: str) -> Client | None:
    """Return the client of an id."""
    row: Client | None = await session.scalar(select(Client).where(Client.client_id == client_id))
    return row


async def find_fresh(session: AsyncSession, client_id: str) -> Client | None:
    """Return the client of a document that need not be fetched again yet."""
    wanted = select(Client).where(Client.client_id == client_id, Client.fresh_until > func.now())
    row: Client | None = await session.scalar(wanted)
    return row


async def touch(session: AsyncSession, client: Client) -> None:
    """Note that a client is used now."""
    used = update(Client).where(Client.id == client.id, Client.last_used_at < in_seconds(-60.0))
    await session.execute(used.values(last_used_at=func.now()))


async def forget_unused(session: AsyncSession) -> int:
    """Forget the clients that no account has connected and that were not used for long; returns how many."""
    is_connected = exists().where(Grant.client_id == Client.id)
    gone = delete(Client).where(Client.last_used_at < in_seconds(-UNUSED_SECONDS), ~is_connected)
    return len(list(await session.scalars(gone.returning(Client.id))))


def _columns(described: Described) -> dict[str, Any]:
    return {
        "name": described.name,
        "redirect_uris": list(described.redirect_uris),
        "grant_types": list(described.grant_types),
        "auth_method": described.auth_method,
        "scopes": None if described.scopes is None else list(described.scopes),
        "told": dict(described.told),
    }
