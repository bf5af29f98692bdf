"""The messages to a webhook: listed with what became of them, shown with their attempts, sent again."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from echoic.api.auth import Manager, Reader
from echoic.api.bodies import UtcTime
from echoic.api.context import ComponentsDep
from echoic.api.parameters import DEFAULT_LIMIT, Id, Limit, Offset
from echoic.api.patterns import DELIVERY_ID
from echoic.api.problems import Problem
from echoic.db.outbox import deliveries
from echoic.db.outbox.deliveries import Delivery, DeliveryState
from echoic.outbox.webhooks import find_delivery, own_webhook, send_again, test

router = APIRouter(tags=["webhooks"], responses={"default": {"model": Problem}})

DeliveryId = Annotated[str, Path(pattern=DELIVERY_ID, description="The message's id.")]


class DeliveryBody(BaseModel):
    """A message to a webhook."""

    id: str = Field(
        description="Its id, the same in every attempt: the header `webhook-id`.",
        examples=["msg_3f1b0c9d8e7f4a5b9c1d2e3f4a5b6c7d"],
    )
    type: str = Field(description="The type of the event that it tells of.", examples=["item.published"])
    state: DeliveryState = Field(
        description="paused: its webhook is disabled; withheld: you may not read any more what it would tell."
    )
    attempts: int = Field(description="The number of attempts so far.", examples=[1])
    next_attempt_at: UtcTime | None = Field(description="The time of the next attempt, in UTC; null: there is none.")
    created_at: UtcTime
    ended_at: UtcTime | None = Field(description="The time when it was delivered or given up, in UTC.")


class DeliveryAttempt(BaseModel):
    """One attempt to deliver a message."""

    number: int = Field(description="Its number, from 1.")
    at: UtcTime = Field(description="The time at which it ended, in UTC.")
    seconds: float = Field(description="The seconds that it took.", examples=[0.12])
    status: int | None = Field(description="The status of the answer; null where there was none.", examples=[200])
    error: str | None = Field(
        description="The code of what went wrong (docs/webhooks.md); null where the message was delivered.",
        examples=["receiver_refused"],
    )
    response: str | None = Field(
        description="The beginning of the answer's body; null where there was none.", examples=["ok"]
    )


class WholeDelivery(DeliveryBody):
    """A message with its body and its attempts."""

    body: str = Field(
        description="What is sent, the same in every attempt.",
        examples=['{"type":"item.published","timestamp":"2026-01-31T12:00:00Z","data":{"item_id":1}}'],
    )
    history: list[DeliveryAttempt] = Field(description="The attempts, the first one first.")


class DeliveryList(BaseModel):
    """One page of the messages to a webhook."""

    deliveries: list[DeliveryBody] = Field(description="The messages of this page.")
    total: int
    limit: int
    offset: int


@router.get("/api/webhooks/{webhook_id}/deliveries", operation_id="listDeliveries")
async def list_deliveries(
    webhook_id: Id,
    caller: Reader,
    components: ComponentsDep,
    *,
    state: Annotated[DeliveryState | None, Query(description="Only messages in this state.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> DeliveryList:
    """The messages to a webhook, the newest first. Those that ended are kept for 30 days."""
    async with components.database.transaction() as session:
        webhook = await own_webhook(session, caller, webhook_id)
        rows, total = await deliveries.list_of(session, webhook.id, state=state, limit=limit, offset=offset)
    return DeliveryList(
        deliveries=[DeliveryBody(**_fields(row)) for row in rows], total=total, limit=limit, offset=offset
    )


@router.get("/api/webhooks/{webhook_id}/deliveries/{delivery_id}", operation_id="getDelivery")
async def get_delivery(
    webhook_id: Id, delivery_id: DeliveryId, caller: Reader, components: ComponentsDep
) -> WholeDelivery:
    """A message with its body and its attempts."""
    async with components.database.transaction() as session:
        webhook = await own_webhook(session, caller, webhook_id)
        row = await find_delivery(session, webhook, delivery_id)
        attempts = await deliveries.attempts_of(session, row.id)
        history = [DeliveryAttempt.model_validate(attempt, from_attributes=True) for attempt in attempts]
        return WholeDelivery(**_fields(row), body=row.body, history=history)


@router.post("/api/webhooks/{webhook_id}/deliveries/{delivery_id}/resend", operation_id="resendDelivery")
async def resend(webhook_id: Id, delivery_id: DeliveryId, caller: Manager, components: ComponentsDep) -> DeliveryBody:
    """Send a message that was delivered or given up once more, under the same id.

    409 `delivery_under_way` where it is still to be sent, `webhook_disabled` where nothing is sent to the webhook.
    """
    async with components.database.transaction() as session:
        webhook = await own_webhook(session, caller, webhook_id)
        return DeliveryBody(**_fields(await send_again(session, webhook, delivery_id)))


@router.post("/api/webhooks/{webhook_id}/test", status_code=201, operation_id="testWebhook")
async def send_test(webhook_id: Id, caller: Manager, components: ComponentsDep) -> DeliveryBody:
    """Send a message of the type `webhook.test` to a webhook, once; ask for the delivery to see what became of it.

    409 `webhook_disabled` where nothing is sent to it.
    """
    async with components.database.transaction() as session:
        return DeliveryBody(**_fields(await test(session, await own_webhook(session, caller, webhook_id))))


def _fields(row: Delivery) -> dict[str, Any]:
    return {
        "id": row.id,
        "type": row.type,
        "state": row.state,
        "attempts": row.attempts,
        "next_attempt_at": row.due_at if row.state == "waiting" else None,
        "created_at": row.created_at,
        "ended_at": row.ended_at,
    }
