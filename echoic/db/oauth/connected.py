"""The programs that an account has connected, as people are shown them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.oauth.clients import Client
from echoic.db.oauth.grants import WORKS, Grant


@dataclass(frozen=True, slots=True)
class Connected:
    """A grant that works, with the client that has it."""

    id: int
    client_id: str
    name: str | None
    redirect_uri: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


async def list_of(session: AsyncSession, account_id: int, *, limit: int, offset: int) -> tuple[list[Connected], int]:
    """Return the programs of an account, that of the last use first, and how many there are."""
    wanted = (Grant.account_id == account_id, WORKS)
    total = await session.scalar(select(func.count()).select_from(Grant).where(*wanted))
    rows = await session.execute(
        select(
            Grant.id,
            Client.client_id,
            Client.name,
            Grant.redirect_uri,
            Grant.scopes,
            Grant.created_at,
            Grant.last_used_at,
            Grant.expires_at,
        )
        .join(Client, Client.id == Grant.client_id)
        .where(*wanted)
        .order_by(Grant.last_used_at.desc(), Grant.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [Connected(*row) for row in rows], total or 0
