"""The order between people who decide about the names of a library and everybody who stores, moves or deletes names.

A decision writes names of many items, which are rows that others lock item by item. So whoever is about to lock an item or
its names waits for decisions first: somebody who held such a row and then waited for one that needs the row would wait for ever.
"""

from collections.abc import Collection

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.base import among
from echoic.db.catalog.libraries import Dataset
from echoic.db.items.items import Item

DECISIONS_LOCK = 0x64656369
"""Seed of the advisory locks on the decisions of a library, shared by those who store names: the bytes of 'deci'."""


async def lock_decisions(session: AsyncSession, library_id: int) -> None:
    """Let nobody else decide about names of a library, or store some, until the transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashint8extended(library_id, DECISIONS_LOCK))))


async def hold_names_of_item(session: AsyncSession, item_id: int) -> None:
    """Let nobody decide about the names of an item until the transaction ends; call it before a row of the item is locked."""
    of_item = select(Item.dataset_id).where(Item.id == item_id).scalar_subquery()
    await _hold(session, Dataset.id == of_item)


async def hold_names_of_items(session: AsyncSession, item_ids: Collection[int]) -> None:
    """Let nobody decide about the names of any of these items likewise."""
    await _hold(session, Dataset.id.in_(select(Item.dataset_id).where(among(Item.id, item_ids))))


async def hold_names_of_dataset(session: AsyncSession, dataset_id: int) -> None:
    """Let nobody decide about the names of a dataset's items likewise."""
    await _hold(session, Dataset.id == dataset_id)


async def _hold(session: AsyncSession, which: ColumnElement[bool]) -> None:
    lock = func.pg_advisory_xact_lock_shared(func.hashint8extended(Dataset.library_id, DECISIONS_LOCK))
    await session.execute(select(lock).where(which))
