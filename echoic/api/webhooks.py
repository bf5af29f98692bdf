"""Webhooks of the account: addresses that are told what happens, signed by Standard Webhooks (docs/webhooks.md)."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from echoic import access
from echoic.access import tells_of_its_own
from echoic.api.auth import Manager, Reader
from echoic.api.bodies import WHOLE, Body, UtcTime, read_json, read_optional_json, unset
from echoic.api.context import ComponentsDep
from echoic.api.names import Description
from echoic.api.openapi import json_body
from echoic.api.parameters import DEFAULT_LIMIT, MAX_ID, Id, Limit, Offset
from echoic.api.patterns import HTTPS_URL
from echoic.api.problems import Problem
from echoic.db.outbox import webhooks
from echoic.db.outbox.webhooks import DisabledReason, EventType, Webhook
from echoic.outbox.webhooks import own_webhook

MAX_KEEP_HOURS = 168.0
SECONDS_PER_HOUR = 3600.0
MAX_URL_CHARACTERS = 8192

WebhookState = Literal["enabled", "disabled"]

router = APIRouter(tags=["webhooks"], responses={"default": {"model": Problem}})


def _each_once(events: list[EventType]) -> list[EventType]:
    return list(dict.fromkeys(events))


Url = Annotated[str, Field(max_length=MAX_URL_CHARACTERS, pattern=HTTPS_URL)]
Events = Annotated[list[EventType], Field(max_length=20), AfterValidator(_each_once)]

WHAT_URL = "The https address that messages are sent to; it may not lead to an internal network."
WHAT_EVENTS = "The types of events that it is told of; none: only of alerts that name it."


class NewWebhook(Body):
    """A webhook to be made."""

    url: Url = Field(description=WHAT_URL, examples=["https://example.org/echoic"])
    dataset_id: Annotated[int, Field(ge=1, le=MAX_ID), WHOLE] | None = Field(
        default=None, description="The dataset whose events it is told of; null: those of all whose member you are."
    )
    description: Description = None
    events: Events = Field(default=["item.published", "item.failed"], description=WHAT_EVENTS)


class WebhookChange(Body):
    """Changes of a webhook; what is left out stays."""

    url: Url = Field(default_factory=unset, description=WHAT_URL, examples=["https://example.org/echoic"])
    description: Description = None
    events: Events = Field(default_factory=unset, description=WHAT_EVENTS)
    enabled: bool = Field(
        default_factory=unset, description="False: nothing is sent any more, what waits included; true: all that waits."
    )


class Rotation(Body):
    """The change of a secret."""

    keep_hours: float = Field(
        default=24.0,
        ge=0,
        le=MAX_KEEP_HOURS,
        allow_inf_nan=False,
        description="For so long messages are signed with the former secret as well.",
    )


class WebhookBody(BaseModel):
    """A webhook as it can be shown: without its secret."""

    id: int
    url: str = Field(description="The address that messages are sent to.", examples=["https://example.org/echoic"])
    dataset_id: int | None = Field(description="The dataset whose events it is told of; null: those of all of yours.")
    description: str | None
    events: list[EventType] = Field(description="The types of events that it is told of.")
    state: WebhookState = Field(description="Whether anything is sent to it.")
    disabled_reason: DisabledReason | None = Field(
        description="by_owner: by a change; failed: a message failed to its last attempt; gone: it answered 410."
    )
    disabled_at: UtcTime | None = Field(description="The time since which nothing is sent to it; null: it is enabled.")
    former_secret_until: UtcTime | None = Field(
        description="The time until which messages are signed with the former secret as well; null: there is none."
    )
    created_at: UtcTime


class MadeWebhook(WebhookBody):
    """A new webhook."""

    secret: str = Field(
        description="The secret that its messages are signed with. It cannot be shown again.",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )


class RotatedSecret(BaseModel):
    """The new secret of a webhook."""

    secret: str = Field(
        description="The secret that messages are signed with from now on. It cannot be shown again.",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    former_secret_until: UtcTime | None = Field(
        description="The time until which messages are signed with the former secret as well; null: from now on no more."
    )


class WebhookList(BaseModel):
    """One page of the account's webhooks."""

    webhooks: list[WebhookBody] = Field(description="The webhooks of this page.")
    total: int
    limit: int
    offset: int


@router.post("/api/webhooks", status_code=201, openapi_extra=json_body(NewWebhook), operation_id="createWebhook")
@tells_of_its_own
async def create(caller: Manager, components: ComponentsDep, request: Request, response: Response) -> MadeWebhook:
    """Make a webhook. Its secret is shown in this answer only.

    The key needs the scope `read` as well: a webhook is told what happens.

    403 `webhook_limit_reached` where the account has 50 of them.
    """
    access.require_scope(caller, access.READ)
    wanted = await read_json(request, NewWebhook)
    async with components.database.transaction() as session:
        row, secret = await components.outbox.create(
            session,
            caller,
            url=wanted.url,
            dataset_id=wanted.dataset_id,
            description=wanted.description,
            events=wanted.events,
        )
    response.headers["Cache-Control"] = "no-store"
    return MadeWebhook(**fields(row), secret=secret)


@router.get("/api/webhooks", operation_id="listWebhooks")
async def list_own(
    caller: Reader, components: ComponentsDep, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> WebhookList:
    """The account's webhooks, the oldest first."""
    async with components.database.transaction() as session:
        rows, total = await webhooks.list_own(session, caller.account_id, limit=limit, offset=offset)
    return WebhookList(webhooks=[WebhookBody(**fields(row)) for row in rows], total=total, limit=limit, offset=offset)


@router.get("/api/webhooks/{webhook_id}", operation_id="getWebhook")
async def get(webhook_id: Id, caller: Reader, components: ComponentsDep) -> WebhookBody:
    """One webhook of the account."""
    async with components.database.transaction() as session:
        return WebhookBody(**fields(await own_webhook(session, caller, webhook_id)))


@router.patch("/api/webhooks/{webhook_id}", openapi_extra=json_body(WebhookChange), operation_id="changeWebhook")
async def change(webhook_id: Id, caller: Manager, components: ComponentsDep, request: Request) -> WebhookBody:
    """Change, disable or enable a webhook. To change its address the key needs the scope `read` as well."""
    wanted = await read_json(request, WebhookChange)
    if wanted.url is not None:
        access.require_scope(caller, access.READ)
    columns = {"description": wanted.description} if "description" in wanted.model_fields_set else {}
    async with components.database.transaction() as session:
        row = await own_webhook(session, caller, webhook_id)
        await components.outbox.change(
            session, row, url=wanted.url, events=wanted.events, enabled=wanted.enabled, **columns
        )
        return WebhookBody(**fields(row))


@router.delete("/api/webhooks/{webhook_id}", status_code=204, operation_id="deleteWebhook")
async def delete(webhook_id: Id, caller: Manager, components: ComponentsDep) -> None:
    """Delete a webhook at once, with the messages to it."""
    async with components.database.transaction() as session:
        await webhooks.delete(session, await own_webhook(session, caller, webhook_id))


@router.post(
    "/api/webhooks/{webhook_id}/rotate",
    status_code=201,
    openapi_extra=json_body(Rotation, required=False),
    operation_id="rotateWebhookSecret",
)
@tells_of_its_own
async def rotate(
    webhook_id: Id, caller: Manager, components: ComponentsDep, request: Request, response: Response
) -> RotatedSecret:
    """Give a webhook another secret, which is shown in this answer only.

    For a while messages have two signatures, so that a receiver can change over without missing any.
    """
    wanted = await read_optional_json(request, Rotation)
    async with components.database.transaction() as session:
        row = await own_webhook(session, caller, webhook_id)
        secret = await components.outbox.rotate(session, row, keep_seconds=wanted.keep_hours * SECONDS_PER_HOUR)
    response.headers["Cache-Control"] = "no-store"
    return RotatedSecret(secret=secret, former_secret_until=row.former_until)


def fields(row: Webhook) -> dict[str, Any]:
    """Return a webhook as it is shown."""
    return {
        "id": row.id,
        "url": row.url,
        "dataset_id": row.dataset_id,
        "description": row.description,
        "events": row.events,
        "state": "enabled" if row.disabled_at is None else "disabled",
        "disabled_reason": row.disabled_reason,
        "disabled_at": row.disabled_at,
        "former_secret_until": row.former_until,
        "created_at": row.created_at,
    }
