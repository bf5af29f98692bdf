"""The caller's own account: who it is, what its plan allows, and what it has used this month. And the plans there are."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from echoic.api.auth import Manager, Reader
from echoic.api.bodies import Body, UtcTime, read_json
from echoic.api.context import ComponentsDep
from echoic.api.openapi import json_body
from echoic.api.problems import Problem
from echoic.api.visitors import Password, SignInName, visitor_of
from echoic.db.accounts import accounts, minutes, sign_ins, stored
from echoic.db.accounts.minutes import Usage
from echoic.db.accounts.stored import StoredUse
from echoic.plans import Plan
from echoic.units import MB

router = APIRouter(tags=["account"], responses={"default": {"model": Problem}})


class AccountBody(BaseModel):
    """An account."""

    id: int = Field(description="The id that owners of a library need to make you a member.")
    name: str
    plan: str
    sign_in_name: str | None = Field(description="The name it signs in with; null: it has no password.")
    is_admin: bool = Field(description="Whether it may make, change and remove accounts.")
    has_session: bool = Field(description="Whether a session asks, which signing out ends; else a key or a proxy does.")
    created_at: UtcTime


class SignInChange(Body):
    """A new password."""

    sign_in_name: SignInName | None = Field(default=None, description="null: it stays as it is.")
    password: Password = Field(description="10 to 1,000 characters.")
    current_password: Password | None = Field(default=None, description="Needed where the account has one.")


class PlanBody(BaseModel):
    """The limits of a plan; null is no limit."""

    name: str = Field(description="The plan's name.", examples=["unlimited"])
    max_file_mb: int | None = Field(description="Largest file, in units of 1,048,576 bytes.")
    monthly_minutes: int | None = Field(description="Minutes of audio that are transcribed in a month.")
    stored_mb: int | None = Field(description="Recordings kept, together, in units of 1,048,576 bytes.")
    stored_items: int | None = Field(description="Recordings kept, by number.")
    api_keys: int | None = Field(description="API keys that an account may have.")
    requests_per_minute: int | None = Field(description="Requests in a minute.")


class MinutesBody(BaseModel):
    """Minutes of audio transcribed."""

    used: float = Field(description="Of recordings that were published.")
    reserved: float = Field(description="Of recordings under way; freed where they fail, are cancelled or deleted.")
    left: float | None = Field(description="Minutes that can still be started; null: no limit.")
    limit: int | None = Field(description="The minutes of the plan for a month; null is no limit.")

    @classmethod
    def of(cls, usage: Usage, plan: Plan) -> Self:
        """Seconds as minutes, to the hundredth."""
        left = plan.left_seconds(taken_seconds=usage.taken_seconds)
        return cls(
            used=round(usage.used_seconds / 60, 2),
            reserved=round(usage.reserved_seconds / 60, 2),
            left=None if left is None else round(left / 60, 2),
            limit=plan.monthly_minutes,
        )


class StoredBody(BaseModel):
    """Recordings kept, whatever their state, in whichever library; uploads under way count as if they were whole."""

    size_bytes: int = Field(description="Bytes of the recordings.")
    items: int = Field(description="The number of recordings.")
    bytes_left: int | None = Field(description="null: no limit.")
    items_left: int | None = Field(description="null: no limit.")

    @classmethod
    def of(cls, use: StoredUse, plan: Plan) -> Self:
        """Return the recordings that are kept, and the room that the plan leaves."""
        return cls(
            size_bytes=use.size_bytes,
            items=use.recordings,
            bytes_left=None if plan.stored_mb is None else max(0, MB * plan.stored_mb - use.size_bytes),
            items_left=None if plan.stored_items is None else max(0, plan.stored_items - use.recordings),
        )


class UsageBody(BaseModel):
    """The use that an account has made of its plan."""

    month: str = Field(description="The present one, UTC.", examples=["2026-11"])
    resets_at: UtcTime = Field(description="The time when the next month begins.")
    minutes: MinutesBody
    stored: StoredBody
    api_keys: int = Field(description="Keys that work: neither revoked nor expired.")
    plan: PlanBody


class PlanList(BaseModel):
    """The plans of this installation."""

    plans: list[PlanBody]


@router.get("/api/plans", operation_id="listPlans")
async def list_plans(components: ComponentsDep) -> PlanList:
    """List the plans of this installation with their limits. It needs no key."""
    return PlanList(plans=[PlanBody.model_validate(plan, from_attributes=True) for plan in components.plans])


@router.get("/api/account", operation_id="getOwnAccount")
async def get(caller: Reader, components: ComponentsDep) -> AccountBody:
    """The account that the key or the session belongs to."""
    async with components.database.transaction() as session:
        account = await accounts.get_account(session, caller.account_id)
        sign_in = await sign_ins.of_account(session, caller.account_id)
    return AccountBody(
        id=account.id,
        name=account.name,
        plan=account.plan,
        sign_in_name=None if sign_in is None else sign_in.name,
        is_admin=account.is_admin,
        has_session=caller.session_id is not None,
        created_at=account.created_at,
    )


@router.put("/api/account/sign-in", status_code=204, openapi_extra=json_body(SignInChange), operation_id="updateSignIn")
async def change_sign_in(caller: Manager, components: ComponentsDep, request: Request) -> None:
    """Set or change the account's password, and the name it signs in with. All its other sessions end; its keys stay.

    401 `sign_in_refused` where the current password is missing or wrong.
    """
    wanted = await read_json(request, SignInChange)
    await components.sign_ins.change(
        caller.account_id,
        name=wanted.sign_in_name,
        password=wanted.password,
        current_password=wanted.current_password,
        visitor=visitor_of(request),
        session_id=caller.session_id,
    )


@router.get("/api/usage", operation_id="getUsage")
async def usage(caller: Reader, components: ComponentsDep) -> UsageBody:
    """The plan's limits, what of them is used this month and reserved by recordings under way, and what is stored."""
    plan = components.plans[caller.plan]
    async with components.database.transaction() as session:
        used = await minutes.usage(session, caller.account_id)
        kept = await stored.stored_use(session, caller.account_id)
        keys = await accounts.count_keys(session, caller.account_id)
    return UsageBody(
        month=f"{used.month:%Y-%m}",
        resets_at=_next_month(used.month),
        minutes=MinutesBody.of(used, plan),
        stored=StoredBody.of(kept, plan),
        api_keys=keys,
        plan=PlanBody.model_validate(plan, from_attributes=True),
    )


def _next_month(month: date) -> datetime:
    within = month.replace(day=28) + timedelta(days=4)
    return datetime.combine(within.replace(day=1), time(), UTC)
