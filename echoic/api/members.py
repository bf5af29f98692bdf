"""Members of a library and their roles: an owner decides, and anybody may leave."""

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from echoic.api.auth import Manager, Reader
from echoic.api.bodies import Body, UtcTime, read_json
from echoic.api.context import ComponentsDep
from echoic.api.openapi import json_body
from echoic.api.parameters import DEFAULT_LIMIT, Id, Limit, Offset, Slug
from echoic.api.problems import Problem
from echoic.db.catalog import members
from echoic.db.catalog.libraries import Role
from echoic.errors import AccountNotFound, MemberNotFound
from echoic.reading.lookup import library_of_member, library_of_owner

router = APIRouter(tags=["members"], responses={"default": {"model": Problem}})


class RoleChange(Body):
    """The role a member is to have."""

    role: Role = Field(description="The account's role from now on.")


class MemberBody(BaseModel):
    """An account in a library: a viewer reads, an editor changes what is in it, an owner may do everything."""

    account_id: int
    name: str
    role: str
    created_at: UtcTime


class MemberList(BaseModel):
    """One page of a library's members, the oldest first."""

    members: list[MemberBody]
    total: int
    limit: int
    offset: int


@router.get("/api/libraries/{slug}/members", operation_id="listMembers")
async def list_of_library(
    slug: Slug, caller: Reader, components: ComponentsDep, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> MemberList:
    """The members of a library, for its members."""
    async with components.database.transaction() as session:
        view = await library_of_member(session, slug, caller)
        found, total = await members.list_members(session, view.library.id, limit=limit, offset=offset)
    bodies = [MemberBody.model_validate(member, from_attributes=True) for member in found]
    return MemberList(members=bodies, total=total, limit=limit, offset=offset)


@router.put("/api/libraries/{slug}/members/{account_id}", openapi_extra=json_body(RoleChange), operation_id="setMember")
async def put(slug: Slug, account_id: Id, caller: Manager, components: ComponentsDep, request: Request) -> MemberBody:
    """Make an account a member, or give a member another role. 409 `last_owner` where nobody would own the library."""
    wanted = await read_json(request, RoleChange)
    async with components.database.transaction() as session:
        view = await library_of_owner(session, slug, caller)
        if not await members.account_exists(session, account_id):
            raise AccountNotFound
        member = await members.set_role(session, library_id=view.library.id, account_id=account_id, role=wanted.role)
    return MemberBody.model_validate(member, from_attributes=True)


@router.delete("/api/libraries/{slug}/members/{account_id}", status_code=204, operation_id="removeMember")
async def remove(slug: Slug, account_id: Id, caller: Manager, components: ComponentsDep) -> None:
    """End a membership: an owner anybody's, everybody their own. 409 `last_owner` where nobody else owns the library."""
    find = library_of_member if account_id == caller.account_id else library_of_owner
    async with components.database.transaction() as session:
        view = await find(session, slug, caller)
        if not await members.leave(session, library_id=view.library.id, account_id=account_id):
            raise MemberNotFound
