"""Signing in and out, and the sessions that an account has in browsers."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from echoic.access import Caller
from echoic.api import session_cookie
from echoic.api.auth import CallerDep, Manager
from echoic.api.bodies import Body, UtcTime, read_json
from echoic.api.context import ComponentsDep
from echoic.api.lookup import DEFAULT_LIMIT, Id, Limit, Offset
from echoic.api.openapi import json_body
from echoic.api.own_page import own_address, require_own_page
from echoic.api.problems import Problem
from echoic.api.request_heads import judge_head
from echoic.api.visitors import Password, SignInName, visitor_of
from echoic.api.withheld import tells_of_its_own
from echoic.db.accounts import sessions
from echoic.db.accounts.sessions import Session
from echoic.errors import SessionNotFound

router = APIRouter(tags=["sessions"], responses={"default": {"model": Problem}})


class SignInBody(Body):
    """Who wants in."""

    name: SignInName = Field(description="The sign-in name, whatever its case.")
    password: Password


class SignedIn(BaseModel):
    """A session that has begun; its token is in the cookie."""

    account_id: int
    session_id: int


class SessionBody(BaseModel):
    """A session of the account."""

    id: int
    program: str = Field(description="What the browser said of itself at the sign-in.")
    created_at: UtcTime
    last_used_at: UtcTime = Field(description="To the minute.")
    expires_at: UtcTime = Field(description="When it ends by itself; earlier where it is not used for 14 days.")
    is_current: bool = Field(description="Whether this request was made with it.")


class SessionList(BaseModel):
    """One page of the account's sessions, that of the last use first."""

    sessions: list[SessionBody]
    total: int
    limit: int
    offset: int


@router.post("/api/sign-in", openapi_extra=json_body(SignInBody))
@tells_of_its_own
async def sign_in(components: ComponentsDep, request: Request, response: Response) -> SignedIn:
    """Begin a session, for a page of this server: the answer sets a cookie.

    401 `sign_in_refused` where the name is unknown or the password wrong; 429 `too_many_sign_ins` after several tries.
    """
    judge_head(request)
    own = own_address(request)
    require_own_page(request, own)
    wanted = await read_json(request, SignInBody)
    made = await components.sign_ins.enter(name=wanted.name, password=wanted.password, visitor=visitor_of(request))
    session_cookie.keep(response, made.token, own)
    return SignedIn(account_id=made.account_id, session_id=made.id)


@router.post("/api/sign-out", status_code=204)
async def sign_out(caller: CallerDep, components: ComponentsDep, request: Request, response: Response) -> None:
    """End the session that asks. 404 `session_not_found` where an API key asks."""
    if caller.session_id is None:
        raise SessionNotFound("The request was made with an API key, not with a session.")
    async with components.database.transaction() as session:
        await sessions.end(session, account_id=caller.account_id, session_id=caller.session_id)
    session_cookie.forget(response, own_address(request))


@router.get("/api/sessions")
async def list_own(
    caller: Manager, components: ComponentsDep, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> SessionList:
    """The account's open sessions, that of the last use first."""
    async with components.database.transaction() as session:
        rows, total = await sessions.list_open(session, caller.account_id, limit=limit, offset=offset)
    bodies = [SessionBody(**_fields(row, caller)) for row in rows]
    return SessionList(sessions=bodies, total=total, limit=limit, offset=offset)


@router.delete("/api/sessions/{session_id}", status_code=204)
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
