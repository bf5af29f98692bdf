"""The time at which an account gets the daily digests of its alerts (docs/alerts.md)."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from echoic.api.auth import Manager, Reader
from echoic.api.bodies import WHOLE, Body, UtcTime, read_json
from echoic.api.context import ComponentsDep
from echoic.api.openapi import json_body
from echoic.api.problems import Problem
from echoic.compose import Components
from echoic.db.outbox import digests
from echoic.db.outbox.digests import DigestPlan

MAX_ZONE_CHARACTERS = 100
Hour = Annotated[int, Field(ge=0, le=23), WHOLE]

router = APIRouter(tags=["notifications"], responses={"default": {"model": Problem}})


class DigestTime(Body):
    """The time of an account's digests."""

    hour: Hour | None = Field(
        default=None, description="The hour of the day, 0 to 23; null: that of the server's settings.", examples=[7]
    )
    time_zone: Annotated[str, Field(min_length=1, max_length=MAX_ZONE_CHARACTERS)] | None = Field(
        default=None,
        description="Its time zone, by its IANA name; null: that of the server's settings.",
        examples=["Europe/Berlin"],
    )


class DigestBody(BaseModel):
    """The time at which digests are sent."""

    hour: int = Field(description="The hour of the day at which digests are sent.", examples=[7])
    time_zone: str = Field(description="The time zone of that hour.", examples=["Europe/Berlin"])
    next_at: UtcTime | None = Field(
        description="The time of the next digest, if anything is found until then, in UTC; null: no alert is daily yet."
    )


@router.get("/api/notifications/digest", operation_id="getDigestTime")
async def get(caller: Reader, components: ComponentsDep) -> DigestBody:
    """The time at which the account gets the daily digest of its alerts."""
    async with components.database.transaction() as session:
        return _shown(components, await digests.plan_of(session, caller.account_id))


@router.put("/api/notifications/digest", openapi_extra=json_body(DigestTime), operation_id="setDigestTime")
async def put(caller: Manager, components: ComponentsDep, request: Request) -> DigestBody:
    """Choose when the account gets the daily digest of its alerts. There is one a day, whenever the time is changed."""
    wanted = await read_json(request, DigestTime)
    async with components.database.transaction() as session:
        plan = await components.alerts.digests.plan(
            session, caller.account_id, hour=wanted.hour, time_zone=wanted.time_zone
        )
        return _shown(components, plan)


def _shown(components: Components, plan: DigestPlan | None) -> DigestBody:
    digests_of_all = components.alerts.digests
    return DigestBody(
        hour=digests_of_all.hour_of(plan),
        time_zone=digests_of_all.time_zone_of(plan),
        next_at=None if plan is None else plan.next_at,
    )
