"""The part of a message that its account may still be told when it is sent, by the rules of ``access``."""

import json
from typing import Literal

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.accounts.accounts import IS_OPEN, Account
from echoic.db.catalog.libraries import Dataset, Library, LibraryMember, reads_original

ALERT = "alert.matched"
DIGEST = "alert.digest"
"""The matches of a day, of any number of alerts and datasets."""
DELETED: Literal["item.deleted"] = "item.deleted"
"""An item is no more; its dataset may be gone with it."""


async def may_know(session: AsyncSession, *, account_id: int, dataset_id: int | None, kind: str) -> bool:
    """Return whether an account may read now what a message tells of a dataset.

    An alert quotes what is said: it may be about a public library, and never about what is redacted for the account. That
    an item was deleted with its dataset, which nobody is a member of any more, is told to those who were when it was.
    """
    is_open = select(Account.id).where(Account.id == account_id, IS_OPEN)
    if dataset_id is None:
        return await session.scalar(is_open) is not None
    member = exists().where(LibraryMember.library_id == Dataset.library_id, LibraryMember.account_id == account_id)
    seen = select(Dataset.id).join(Library, Library.id == Dataset.library_id).where(Dataset.id == dataset_id)
    if kind in (ALERT, DIGEST):
        seen = seen.where(or_(member, Library.visibility == "public"), reads_original(account_id))
    else:
        seen = seen.where(member)
    if kind == DELETED:
        is_gone = ~exists().where(Dataset.id == dataset_id)
        return await session.scalar(is_open.where(or_(is_gone, seen.exists()))) is not None
    return await session.scalar(seen.where(is_open.exists())) is not None


async def still_told(
    session: AsyncSession, *, account_id: int, dataset_id: int | None, kind: str, body: str
) -> str | None:
    """Return a message without what its account may not read any more; None where nothing is left."""
    if not await may_know(session, account_id=account_id, dataset_id=dataset_id, kind=kind):
        return None
    if kind != DIGEST:
        return body
    whole = json.loads(body)
    alerts = whole["data"]["alerts"]
    named = {item["dataset_id"] for alert in alerts for item in alert["items"]}
    known = {one for one in named if await may_know(session, account_id=account_id, dataset_id=one, kind=kind)}
    if known == named:
        return body
    for alert in alerts:
        alert["items"] = [item for item in alert["items"] if item["dataset_id"] in known]
    whole["data"]["alerts"] = [alert for alert in alerts if alert["items"]]
    if not whole["data"]["alerts"]:
        return None
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
