"""Events: what happens is written into the outbox in the transaction in which it happens, a message for each receiver.

The bodies are thin: they name what has changed, and a receiver asks the API for the rest.
"""

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Text, any_, case, insert, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.accounts.accounts import IS_OPEN, Account
from echoic.db.catalog.libraries import Dataset, LibraryMember, role_reads_original
from echoic.db.items.items import Item, get_item
from echoic.db.outbox import alerts
from echoic.db.outbox.deliveries import NEW_ID, Delivery
from echoic.db.outbox.webhooks import EventType, Webhook
from echoic.tracing import carried

MAX_PLACES = 200
"""Of the segments that an edit changed at most so many are named."""


def body_of(kind: str, data: Mapping[str, Any], *, at: datetime | None = None) -> str:
    """Return the body of a message, as JSON."""
    moment = (at or datetime.now(UTC)).astimezone(UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({"type": kind, "timestamp": moment, "data": data}, ensure_ascii=False, separators=(",", ":"))


async def tell(session: AsyncSession, kind: EventType, data: Mapping[str, Any], *, dataset_id: int) -> None:
    """Put a message for each webhook that wants to be told of such an event in a dataset into the outbox.

    It is sent once the transaction is committed, and never where it is not. Who reads the dataset redacted is told neither
    titles nor labels of speakers, which people write.
    """
    at = datetime.now(UTC)
    told = case(
        (role_reads_original(LibraryMember.role), literal(body_of(kind, data, at=at))),
        else_=literal(body_of(kind, _withheld(data), at=at)),
    )
    receivers = (
        select(
            NEW_ID, Webhook.account_id, Webhook.id, literal(dataset_id), literal(kind), told, literal(carried(), Text)
        )
        .join(Account, Account.id == Webhook.account_id)
        .join(LibraryMember, LibraryMember.account_id == Webhook.account_id)
        .join(Dataset, Dataset.library_id == LibraryMember.library_id)
        .where(Dataset.id == dataset_id, or_(Webhook.dataset_id.is_(None), Webhook.dataset_id == dataset_id))
        .where(Webhook.disabled_at.is_(None), literal(kind) == any_(Webhook.events), IS_OPEN)
        # A webhook that is being deleted is passed over, not waited for.
        .with_for_update(of=Webhook, read=True, key_share=True, skip_locked=True)
    )
    columns = [
        Delivery.id, Delivery.account_id, Delivery.webhook_id, Delivery.dataset_id, Delivery.type, Delivery.body,
        Delivery.traceparent,
    ]  # fmt: skip
    await session.execute(insert(Delivery).from_select(columns, receivers))


async def tell_end(session: AsyncSession, item: Item, *, published: bool) -> None:
    """Tell that an item was published, or that its run failed."""
    moment = item.published_at
    data: dict[str, Any] = {
        **_named(item),
        "status": item.status,
        "duration_seconds": item.duration_seconds,
        "language": item.language,
        "published_at": None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
    if not published:
        data["error"] = {"code": item.error_code, "stage": item.error_stage, "message": item.error_message}
    await tell(session, "item.published" if published else "item.failed", data, dataset_id=item.dataset_id)
    if published:
        again = await alerts.is_published_again(session, item.id)
        await alerts.ask_for_check(session, item.id, "again" if again else "published")


async def tell_edit(
    session: AsyncSession, item_id: int, *, version: int, places: Collection[int], labels: Collection[str]
) -> None:
    """Tell that people have changed a transcript."""
    item = await get_item(session, item_id)
    if item is None:
        return
    data = {
        **_named(item),
        "version": version,
        "segments": sorted(places)[:MAX_PLACES],
        "segments_changed": len(places),
        "speakers": sorted(labels),
    }
    await tell(session, "transcript.edited", data, dataset_id=item.dataset_id)
    await alerts.ask_for_check(session, item.id, "edited", places)


def _withheld(data: Mapping[str, Any]) -> dict[str, Any]:
    nothing: dict[str, Any] = {"title": None, "speakers": []}
    return dict(data) | {name: value for name, value in nothing.items() if name in data}


def _named(item: Item) -> dict[str, Any]:
    return {"item_id": item.id, "dataset_id": item.dataset_id, "title": item.title}
