"""Messages that quote what is said: those of alerts, and digests of them. The quotations go with what they quote.

All other messages name what has changed, and quote nothing.
"""

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import BigInteger, delete, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.outbox.deliveries import Delivery
from echoic.db.outbox.rights import ALERT, DIGEST


async def forget_quotations(session: AsyncSession, item_ids: Collection[int]) -> None:
    """Remove what messages quote of these items, sent or not: messages of alerts whole, and their part of digests."""
    if not item_ids:
        return
    quoted = Delivery.quoted_item_ids.bool_op("&&")(literal(sorted(item_ids), ARRAY(BigInteger)))
    await session.execute(delete(Delivery).where(Delivery.type == ALERT, quoted))
    # Locked in one order: others may forget items that are in the same digest.
    digests = await session.scalars(
        select(Delivery).where(Delivery.type == DIGEST, quoted).order_by(Delivery.id).with_for_update()
    )
    for digest in digests.all():
        left = without_quotations(digest.body, item_ids)
        if left is None:
            await session.delete(digest)
        else:
            digest.body = left
    await session.flush()


def without_quotations(body: str, item_ids: Collection[int]) -> str | None:
    """Return the body of a message of an alert, or of a digest, without what it quotes of items; None where nothing is left.

    A body that quotes nothing of them is returned as it is.
    """
    whole: dict[str, Any] = json.loads(body)
    data = whole["data"]
    if "alerts" not in data:
        return None if data["item_id"] in item_ids else body
    if not any(item["item_id"] in item_ids for alert in data["alerts"] for item in alert["items"]):
        return body
    for alert in data["alerts"]:
        alert["items"] = [item for item in alert["items"] if item["item_id"] not in item_ids]
    data["alerts"] = [alert for alert in data["alerts"] if alert["items"]]
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")) if data["alerts"] else None
