"""Messages for webhooks: written into the outbox in the transaction in which something happens, one for each receiver.

It knows nothing of items, so that whatever writes their rows may tell of it.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Text, any_, case, func, insert, literal, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.accounts.accounts import IS_OPEN, Account
from echoic.db.catalog.libraries import Dataset, LibraryMember, role_reads_original
from echoic.db.outbox.deliveries import NEW_ID, Delivery
from echoic.db.outbox.webhooks import EventType, Webhook
from echoic.tracing import carried


def body_of(kind: str, data: Mapping[str, Any], *, at: datetime | None = None) -> str:
    """Return the body of a message, as JSON."""
    moment = (at or datetime.now(UTC)).astimezone(UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({"type": kind, "timestamp": moment, "data": data}, ensure_ascii=False, separators=(",", ":"))


async def tell(session: AsyncSession, kind: EventType, data: Mapping[str, Any], *, dataset_id: int) -> None:
    """Put a message for each webhook that wants to be told of such an event in a dataset into the outbox.

    It is sent once the transaction is committed, and never where it is not. Who reads the dataset redacted is told neither
    titles nor labels of speakers, which people write.
    """
    await tell_all(session, kind, [data], dataset_id=dataset_id)


async def tell_all(
    session: AsyncSession, kind: EventType, each: Sequence[Mapping[str, Any]], *, dataset_id: int
) -> None:
    """Put a message of each of several such events into the outbox, likewise."""
    at = datetime.now(UTC)
    bodies = (
        func.unnest(
            literal([body_of(kind, data, at=at) for data in each], ARRAY(Text)),
            literal([body_of(kind, _withheld(data), at=at) for data in each], ARRAY(Text)),
        )
        .table_valued("whole", "thin", name="bodies")
        .render_derived()
    )
    told = case((role_reads_original(LibraryMember.role), bodies.c.whole), else_=bodies.c.thin)
    receivers = (
        select(
            NEW_ID, Webhook.account_id, Webhook.id, literal(dataset_id), literal(kind), told, literal(carried(), Text)
        )
        .join(Account, Account.id == Webhook.account_id)
        .join(LibraryMember, LibraryMember.account_id == Webhook.account_id)
        .join(Dataset, Dataset.library_id == LibraryMember.library_id)
        .join(bodies, true())
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


def _withheld(data: Mapping[str, Any]) -> dict[str, Any]:
    nothing: dict[str, Any] = {"title": None, "speakers": []}
    return dict(data) | {name: value for name, value in nothing.items() if name in data}
