"""Invitations to a library: an owner makes a link, and whoever signs in with it becomes a member."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from echoic.access import tells_of_its_own
from echoic.accounts import joining
from echoic.api import session_cookie
from echoic.api.auth import Manager
from echoic.api.bodies import WHOLE, Body, UtcTime, read_json
from echoic.api.context import ComponentsDep, base_url
from echoic.api.names import Name
from echoic.api.openapi import json_body
from echoic.api.own_page import own_address, require_own_page
from echoic.api.page import invitation_link
from echoic.api.parameters import DEFAULT_LIMIT, Id, Limit, Offset, Slug
from echoic.api.problems import Problem
from echoic.api.request_heads import check_head
from echoic.api.sign_in import MAX_TOKEN_CHARACTERS, SignedIn
from echoic.api.visitors import Password, SignInName, visitor_of
from echoic.db.catalog import invitations, libraries
from echoic.db.catalog.libraries import Role
from echoic.errors import InvitationNotFound
from echoic.reading.lookup import library_of_owner

MAX_DAYS = 365
MAX_USES = 1000

router = APIRouter(tags=["invitations"], responses={"default": {"model": Problem}})

Token = Annotated[str, Field(min_length=1, max_length=MAX_TOKEN_CHARACTERS)]


class NewInvitation(Body):
    """An invitation to be made."""

    role: Role = Field(description="The role that members get by it.")
    expires_in_days: Annotated[int, Field(ge=1, le=MAX_DAYS), WHOLE] = Field(
        default=7, description="Days for which it can be used."
    )
    max_uses: Annotated[int, Field(ge=1, le=MAX_USES), WHOLE] = Field(
        default=1, description="The number of people who may join by it."
    )


class InvitationToken(Body):
    """The token of an invitation."""

    token: Token = Field(description="The invitation's token, from its link.")


class NewMember(Body):
    """Somebody who is invited and has no account yet."""

    token: Token = Field(description="The invitation's token, from its link.")
    name: Name = Field(description="Shown to those who share a library with it.")
    sign_in_name: SignInName = Field(description="The name to sign in with from now on.")
    password: Password = Field(description="10 to 1,000 characters.")


class InvitationBody(BaseModel):
    """An invitation as it can be shown: without its token."""

    id: int
    role: Role
    uses: int = Field(description="How often it was used.")
    max_uses: int = Field(description="How often it can be used in all.")
    created_at: UtcTime
    expires_at: UtcTime


class MadeInvitation(InvitationBody):
    """A new invitation."""

    token: str = Field(description="The token itself. It is not kept and cannot be shown again.")
    url: str = Field(description="The link for those who are invited.")


class InvitationList(BaseModel):
    """One page of a library's invitations that can still be used, the oldest first."""

    invitations: list[InvitationBody]
    total: int
    limit: int
    offset: int


class InvitedTo(BaseModel):
    """The library or installation that an invitation is to."""

    slug: str = Field(description="The library's name in addresses.")
    library: str = Field(description="The library's name.")
    role: Role
    expires_at: UtcTime


class JoinedBody(BaseModel):
    """A library, and the role that the account has there now."""

    slug: str
    name: str = Field(examples=["My library"])
    role: Role


@router.post(
    "/api/libraries/{slug}/invitations",
    status_code=201,
    openapi_extra=json_body(NewInvitation),
    operation_id="createInvitation",
)
@tells_of_its_own
async def create(
    slug: Slug, caller: Manager, components: ComponentsDep, request: Request, response: Response
) -> MadeInvitation:
    """Make a link by which others become members; only the library's owners may.

    It ends when it is used up or runs out, and when the account that made it owns the library no longer.
    """
    wanted = await read_json(request, NewInvitation)
    async with components.database.transaction() as session:
        view = await library_of_owner(session, slug, caller)
        row, token = await invitations.create(
            session,
            library_id=view.library.id,
            account_id=caller.account_id,
            role=wanted.role,
            lifetime=timedelta(days=wanted.expires_in_days),
            max_uses=wanted.max_uses,
        )
    response.headers["Cache-Control"] = "no-store"
    shown = InvitationBody.model_validate(row, from_attributes=True)
    url = invitation_link(base_url(request, components), token)
    return MadeInvitation(**shown.model_dump(), token=token, url=url)


@router.get("/api/libraries/{slug}/invitations", operation_id="listInvitations")
async def list_of_library(
    slug: Slug, caller: Manager, components: ComponentsDep, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> InvitationList:
    """The library's invitations that can still be used, for its owners."""
    async with components.database.transaction() as session:
        view = await library_of_owner(session, slug, caller)
        rows, total = await invitations.list_open(session, view.library.id, limit=limit, offset=offset)
    bodies = [InvitationBody.model_validate(row, from_attributes=True) for row in rows]
    return InvitationList(invitations=bodies, total=total, limit=limit, offset=offset)


@router.delete("/api/libraries/{slug}/invitations/{invitation_id}", status_code=204, operation_id="revokeInvitation")
async def revoke(slug: Slug, invitation_id: Id, caller: Manager, components: ComponentsDep) -> None:
    """End an invitation at once; those who joined by it stay members."""
    async with components.database.transaction() as session:
        view = await library_of_owner(session, slug, caller)
        if not await invitations.revoke(session, library_id=view.library.id, invitation_id=invitation_id):
            raise InvitationNotFound


@router.post("/api/invitations/look", openapi_extra=json_body(InvitationToken), operation_id="lookAtInvitation")
@tells_of_its_own
async def look(components: ComponentsDep, request: Request) -> InvitedTo:
    """The library or installation of an invitation, before signing in. 404 `invitation_not_found` where it cannot be used."""
    check_head(request)
    wanted = await read_json(request, InvitationToken)
    async with components.database.transaction() as session:
        row = await invitations.find(session, wanted.token)
        library = await libraries.get_library(session, row.library_id)
    shown = InvitationBody.model_validate(row, from_attributes=True)
    return InvitedTo(slug=library.slug, library=library.name, role=shown.role, expires_at=shown.expires_at)


@router.post("/api/invitations/accept", openapi_extra=json_body(InvitationToken), operation_id="acceptInvitation")
async def accept(caller: Manager, components: ComponentsDep, request: Request) -> JoinedBody:
    """Become a member by an invitation. A member with as much of a role keeps it.

    404 `invitation_not_found` where it cannot be used.
    """
    wanted = await read_json(request, InvitationToken)
    async with components.database.transaction() as session:
        joined = await joining.join(session, token=wanted.token, account_id=caller.account_id)
    return JoinedBody.model_validate(joined, from_attributes=True)


@router.post("/api/sign-up", openapi_extra=json_body(NewMember), operation_id="signUp")
@tells_of_its_own
async def sign_up(components: ComponentsDep, request: Request, response: Response) -> SignedIn:
    """Make an account by an invitation, become a member and begin a session: the answer sets a cookie.

    404 `invitation_not_found` where it cannot be used; 409 `sign_in_name_taken` where another signs in by that name.
    """
    check_head(request)
    own = own_address(request)
    require_own_page(request, own)
    wanted = await read_json(request, NewMember)
    made = await components.sign_ins.sign_up(
        components.settings,
        token=wanted.token,
        name=wanted.name,
        sign_in_name=wanted.sign_in_name,
        password=wanted.password,
        visitor=visitor_of(request),
    )
    session_cookie.keep(response, made.token, own)
    return SignedIn(account_id=made.account_id, session_id=made.id)
