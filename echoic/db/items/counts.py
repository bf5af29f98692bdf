"""Kept counts of a dataset's items in each status, by which lists tell a total without a look at every item.

Triggers keep them (migration 0067), as ``echoic.db.folding`` says.
"""

from typing import TypeAlias

from sqlalchemy import BigInteger, ColumnElement, cast, func
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.connect import Database
from echoic.db.folding import Addend, fold
from echoic.db.items.items import Item


class ItemCount(Addend):
    """A part of the number of a dataset's items in a status, which is the sum of all such rows; below 0 where items left it.

    Rows of a dataset that is deleted add up to 0, and stay until they are folded.
    """

    __tablename__ = "item_counts"

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
    """Make one row of the several that there are of a dataset and status. Raises DatabaseUnavailable."""
    await fold(database, ItemCount, number="items")
