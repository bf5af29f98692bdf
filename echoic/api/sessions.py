"""The sessions that an account has in browsers: listed and ended."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from echoic.access import Caller
from echoic.api.auth import Manager
from echoic.api.bodies import UtcTime
from echoic.api.context import ComponentsDep
from echoic.api.parameters import DEFAULT_LIMIT, Id, Limit, Offset
from echoic.api.problems import Problem
from echoic.db.accounts import sessions
from echoic.db.accounts.sessions import Session
from echoic.errors import SessionNotFound

router = APIRouter(tags=["sessions"], responses={"default": {"model": Problem}})


class SessionBody(BaseModel):
    """A session of the account."""

    id: int
    program: str = Field(description="The browser's name for itself at the sign-in.")
    created_at: UtcTime
    last_used_at: UtcTime = Field(description="To the minute.")
    expires_at: UtcTime = Field(
        description="The time when it ends by itself; earlier where it is not used for 14 days."
    )
    is_current: bool = Field(description="Whether this request was made with it.")


class SessionList(BaseModel):
    """One page of the account's sessions, that of the last use first."""

    sessions: list[SessionBody]
    total: int
    limit: int
    offset: int


@router.get("/api/sessions", operation_id="listSessions")
async def list_own(
    caller: Manager, components: ComponentsDep, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> SessionList:
    """The account's open sessions, that of the last use first."""
    async with components.database.transaction() as session:
        rows, total = await sessions.list_open(session, caller.account_id, limit=limit, offset=offset)
    bodies = [SessionBody(**_fields(row, caller)) for row in rows]
    return SessionList(sessions=bodies, total=total, limit=limit, offset=offset)


@router.delete("/api/sessions/{session_id}", status_code=204, operation_id="endSession")
async def end(session_id: Id, caller: Manager, components: ComponentsDep) -> None:
    """End a session of the account at once, for example one in a browser that others use."""
    async with components.database.transaction() as session:
        if not await sessions.end(session, account_id=caller.account_id, session_id=session_id):
            raise SessionNotFound


def _fields(row: Session, caller: Caller) -> dict[str, Any]:
    return {
        "id": row.id,
        "program": row.program,
        "created_at": row.created_at,
        "last_used_at": row.last_used_at,
        "expires_at": row.expires_at,
        "is_current": row.id == caller.session_id,
    }
