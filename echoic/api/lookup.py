"""Things by their ids, for those who may see them: what is hidden and what is absent are told apart by nobody."""

from typing import Annotated

from fastapi import Path
from sqlalchemy.ext.asyncio import AsyncSession

from echoic import access
from echoic.access import Caller
from echoic.db import items, libraries, runs
from echoic.db.items import ItemView
from echoic.db.libraries import DatasetView
from echoic.errors import DatasetNotFound, ItemNotFound

MAX_ID = 2**63 - 1
"""Largest number a row can have."""

Id = Annotated[int, Path(ge=1, le=MAX_ID)]


async def readable_item(session: AsyncSession, item_id: int, caller: Caller) -> ItemView:
    """An item the caller may read; raises ItemNotFound."""
    view = await items.view_item(session, item_id=item_id, account_id=caller.account_id)
    if view is None:
        raise ItemNotFound
    access.require_item_read(visibility=view.library.visibility, role=view.role)
    return view


async def changeable_item(session: AsyncSession, item_id: int, caller: Caller) -> ItemView:
    """An item the caller may change, start and cancel work on, locked until the transaction ends.

    Raises:
        ItemNotFound: the caller may not even see it.
        Forbidden: the caller may not change it.
    """
    # The run before the item: in this order the workers lock them, and nobody waits for each other.
    await runs.newest_run(session, item_id, lock=True)
    await items.lock_item(session, item_id)
    view = await items.view_item(session, item_id=item_id, account_id=caller.account_id)
    if view is None:
        raise ItemNotFound
    access.require_item_change(visibility=view.library.visibility, role=view.role)
    return view


async def readable_dataset(session: AsyncSession, dataset_id: int, caller: Caller) -> DatasetView:
    """A dataset the caller may read; raises DatasetNotFound."""
    view = await libraries.view_dataset(session, dataset_id=dataset_id, account_id=caller.account_id)
    if view is None:
        raise DatasetNotFound
    access.require_dataset_read(visibility=view.library.visibility, role=view.role)
    return view
