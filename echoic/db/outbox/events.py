"""Events of items and transcripts, told in the transaction in which they happen.

The bodies are thin: they name what has changed, and a receiver asks the API for the rest.
"""

from collections.abc import Collection
from datetime import UTC
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.items.items import Item, get_item
from echoic.db.outbox import alert_checks
from echoic.db.outbox.telling import tell

MAX_PLACES = 200
"""Of the segments that an edit changed at most so many are named."""


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
        again = await alert_checks.is_published_again(session, item.id)
        await alert_checks.ask_for_check(session, item.id, "again" if again else "published")


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
    await alert_checks.ask_for_check(session, item.id, "edited", places)


def _named(item: Item) -> dict[str, Any]:
    return {"item_id": item.id, "dataset_id": item.dataset_id, "title": item.title}
