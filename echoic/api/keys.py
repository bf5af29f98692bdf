"""The account's API keys: made, listed and revoked. A key itself is shown once, in the answer that makes it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from echoic import access
from echoic.access import Caller, tells_of_its_own
from echoic.api.auth import Manager
from echoic.api.bodies import Body, FutureTime, UtcTime, read_json
from echoic.api.context import ComponentsDep
from echoic.api.names import Name
from echoic.api.openapi import json_body
from echoic.api.parameters import DEFAULT_LIMIT, Id, Limit, Offset
from echoic.api.problems import Problem
from echoic.db.accounts import accounts
from echoic.db.accounts.accounts import ApiKey
from echoic.errors import KeyLimitReached, KeyNotFound
from echoic.plans import Plan
from echoic.wording import counted

Scope = Literal["read", "upload", "manage"]

router = APIRouter(tags=["keys"], responses={"default": {"model": Problem}})


def _each_once(scopes: list[Scope]) -> list[Scope]:
    return list(dict.fromkeys(scopes))


class NewKey(Body):
    """A key to be made."""

    name: Name = Field(description="Its purpose, so that you know it again.")
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=10), AfterValidator(_each_once)] = Field(
        default=["read", "upload"],
        description="read: everything shown; upload: put in, rename, start, cancel; manage: set up, delete, keys.",
    )
    expires_at: FutureTime | None = Field(
        default=None,
        strict=False,  # as a string, which JSON has in place of times
        description="The time when it ends by itself; null: never.",
    )


class KeyBody(BaseModel):
    """A key as it can be shown: without the key."""

    id: int
    name: str = Field(examples=["Laptop"])
    prefix: str = Field(description="The first characters of the key.")
    scopes: list[Scope] = Field(description="The kinds of calls that the key may make.")
    created_at: UtcTime
    expires_at: UtcTime | None
    last_used_at: UtcTime | None = Field(description="To the minute.")
    is_current: bool = Field(description="Whether this request was made with it.")


class MadeKey(KeyBody):
    """A new key."""

    key: str = Field(description="The key itself. It is not kept and cannot be shown again.")


class KeyList(BaseModel):
    """One page of the account's keys."""

    keys: list[KeyBody]
    total: int
    limit: int
    offset: int


@router.post("/api/keys", status_code=201, openapi_extra=json_body(NewKey), operation_id="createKey")
@tells_of_its_own
async def create(caller: Manager, components: ComponentsDep, request: Request, response: Response) -> MadeKey:
    """Make a key. It can be given no scope that the key asking for it lacks.

    403 `key_limit_reached` where as many keys work as the account's plan allows.
    """
    wanted = await read_json(request, NewKey)
    access.require_grantable(caller, wanted.scopes)
    async with components.database.transaction() as session:
        await _require_room(session, caller, components.plans[caller.plan])
        row, key = await accounts.create_key(
            session,
            account_id=caller.account_id,
            name=wanted.name,
            scopes=tuple(wanted.scopes),
            expires_at=wanted.expires_at,
        )
    response.headers["Cache-Control"] = "no-store"
    return MadeKey(**_fields(row, caller), key=key)


@router.get("/api/keys", operation_id="listKeys")
async def list_own(
    caller: Manager, components: ComponentsDep, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> KeyList:
    """The account's keys, the oldest first: also those that ran out, not those that were revoked."""
    async with components.database.transaction() as session:
        rows, total = await accounts.list_keys(session, caller.account_id, limit=limit, offset=offset)
    return KeyList(keys=[KeyBody(**_fields(row, caller)) for row in rows], total=total, limit=limit, offset=offset)


@router.delete("/api/keys/{key_id}", status_code=204, operation_id="revokeKey")
async def revoke(key_id: Id, caller: Manager, components: ComponentsDep) -> None:
    """Revoke a key, at once and for good; a key may revoke itself."""
    async with components.database.transaction() as session:
        if not await accounts.revoke_key(session, account_id=caller.account_id, key_id=key_id):
            raise KeyNotFound


async def _require_room(session: AsyncSession, caller: Caller, plan: Plan) -> None:
    if plan.api_keys is None:
        return
    await accounts.lock_account(session, caller.account_id)
    count = await accounts.count_keys(session, caller.account_id)
    if count >= plan.api_keys:
        raise KeyLimitReached(
            f"The plan '{plan.name}' allows {counted(plan.api_keys, 'API key')} and the account has {count}; revoke one first."
        )


def _fields(row: ApiKey, caller: Caller) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "prefix": row.shown_prefix,
        "scopes": row.scopes,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "last_used_at": row.last_used_at,
        "is_current": row.id == caller.key_id,
    }
