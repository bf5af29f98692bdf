"""The programs that the account has connected by OAuth: listed and disconnected."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from echoic.api.auth import Manager
from echoic.api.bodies import UtcTime
from echoic.api.context import ComponentsDep
from echoic.api.parameters import DEFAULT_LIMIT, Id, Limit, Offset
from echoic.api.problems import Problem
from echoic.db.oauth import connected, grants
from echoic.db.oauth.connected import Connected
from echoic.errors import ProgramNotFound
from echoic.oauth import redirects
from echoic.oauth.scopes import ProgramScope, known

router = APIRouter(tags=["connected-programs"], responses={"default": {"model": Problem}})


class ProgramBody(BaseModel):
    """A program that acts for the account."""

    id: int
    name: str = Field(description="The name that the program gives itself, or the host that it led back to.")
    client_id: str = Field(
        description="The program's own name, or the address that describes it.", examples=["client_8sd2"]
    )
    redirect_host: str = Field(
        description="The host, or the program's own scheme, to which the browser was led back.",
        examples=["agent.example"],
    )
    scopes: list[ProgramScope] = Field(description="Those that it was given.")
    created_at: UtcTime
    last_used_at: UtcTime = Field(description="To the minute.")
    expires_at: UtcTime = Field(description="The time when it ends by itself, where it is not used before.")


class ProgramList(BaseModel):
    """One page of the account's programs, that of the last use first."""

    programs: list[ProgramBody]
    total: int
    limit: int
    offset: int


@router.get("/api/connected-programs", operation_id="listPrograms")
async def list_own(
    caller: Manager, components: ComponentsDep, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> ProgramList:
    """The programs that the account has connected, that of the last use first."""
    async with components.database.transaction() as session:
        rows, total = await connected.list_of(session, caller.account_id, limit=limit, offset=offset)
    return ProgramList(programs=[_body(row) for row in rows], total=total, limit=limit, offset=offset)


@router.delete("/api/connected-programs/{program_id}", status_code=204, operation_id="disconnectProgram")
async def disconnect(program_id: Id, caller: Manager, components: ComponentsDep) -> None:
    """Disconnect a program at once: none of its tokens works any longer."""
    async with components.database.transaction() as session:
        if not await grants.end_of_account(session, account_id=caller.account_id, grant_id=program_id):
            raise ProgramNotFound


def _body(row: Connected) -> ProgramBody:
    host = redirects.parse(row.redirect_uri).host
    return ProgramBody(
        id=row.id,
        name=row.name or host,
        client_id=row.client_id,
        redirect_host=host,
        scopes=known(row.scopes),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
    )
