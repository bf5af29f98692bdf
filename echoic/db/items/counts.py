"""Kept counts of a dataset's items in each status, by which lists tell a total without a look at every item.

Triggers keep them (migration 0067), in the transaction that changes the items. Each transaction adds rows and changes nobody
else's, so that none waits for another one that uploads to the same dataset or publishes there.
"""

from typing import TypeAlias

from sqlalchemy import BigInteger, ColumnElement, cast, delete, func, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, PrimaryKey
from echoic.db.connect import Database
from echoic.db.items.items import Item

FOLD_INTERVAL_SECONDS = 60.0


class ItemCount(Base):
    """A part of the number of a dataset's items in a status, which is the sum of all such rows; below 0 where items left it.

    Rows of a dataset that is deleted add up to 0, and stay until they are folded.
    """

    __tablename__ = "item_counts"

    id: Mapped[PrimaryKey]
    dataset_id: Mapped[int] = mapped_column(index=True)
    status: Mapped[str]
    items: Mapped[int]


Counted: TypeAlias = type[Item] | type[ItemCount]


def number_of(*, by_status_alone: bool) -> tuple[Counted, ColumnElement[int]]:
    """Return what is counted of datasets, and the number: kept counts, or the items where more of them is asked."""
    if by_status_alone:
        return ItemCount, cast(func.coalesce(func.sum(ItemCount.items), 0), BigInteger)
    return Item, func.count(Item.id)


async def fold_counts(database: Database) -> None:
    """Make one row of the several that there are of a dataset and status, and none where they add up to 0.

    The sums stay as they are for everybody at every moment. Raises DatabaseUnavailable.
    """
    async with database.transaction() as session:
        await _fold(session)


async def _fold(session: AsyncSession) -> None:
    place = (ItemCount.dataset_id, ItemCount.status)
    several = select(*place).group_by(*place).having(func.count() > 1)
    # Rows that another server folds now are left to it.
    mine = select(ItemCount.id).where(tuple_(*place).in_(several)).order_by(ItemCount.id)
    chosen = select(mine.with_for_update(skip_locked=True).cte("mine").c.id)
    gone = delete(ItemCount).where(ItemCount.id.in_(chosen)).returning(*place, ItemCount.items).cte("gone")
    number = func.sum(gone.c["items"])
    folded = (
        select(gone.c.dataset_id, gone.c.status, number).group_by(gone.c.dataset_id, gone.c.status).having(number != 0)
    )
    await session.execute(insert(ItemCount).from_select(["dataset_id", "status", "items"], folded))
