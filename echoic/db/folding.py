"""Kept counts that are sums of rows: each transaction adds rows and changes nobody's, so that none waits for another.

Triggers add the rows, in the transaction that changes what is counted. Upkeep makes one row of many.
"""

from sqlalchemy import delete, func, insert, select, tuple_
from sqlalchemy.orm import Mapped

from echoic.db.base import Base, PrimaryKey
from echoic.db.connect import Database

FOLD_INTERVAL_SECONDS = 60.0


class Addend(Base):
    """A row of a kept count: one column holds a number, the others say what is counted.

    The count is the sum of all rows that say the same; a number is below 0 where something left.
    """

    __abstract__ = True

    id: Mapped[PrimaryKey]


async def fold(database: Database, addend: type[Addend], *, number: str) -> None:
    """Make one row of the several that say the same, and none where they add up to 0.

    ``number`` is the name of the column with the number. The sums stay as they are for everybody at every moment.
    Raises DatabaseUnavailable.
    """
    table = addend.__table__
    same = [column for column in table.columns if column.name not in ("id", number)]
    several = select(*same).group_by(*same).having(func.count() > 1)
    # Rows that another server folds now are left to it.
    mine = select(table.c.id).where(tuple_(*same).in_(several)).order_by(table.c.id)
    chosen = select(mine.with_for_update(skip_locked=True).cte("mine").c.id)
    gone = delete(addend).where(addend.id.in_(chosen)).returning(*same, table.c[number]).cte("gone")
    counted = [gone.c[column.name] for column in same]
    total = func.sum(gone.c[number])
    folded = select(*counted, total).group_by(*counted).having(total != 0)
    async with database.transaction() as session:
        await session.execute(insert(addend).from_select([*(column.name for column in same), number], folded))
