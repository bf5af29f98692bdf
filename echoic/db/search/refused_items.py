"""Items of which a copy in an engine outside of PostgreSQL lacks a part, and when that is tried again.

The engine refused it, or the item could not be made into what the engine takes.

They are no longer in the outbox (``echoic.db.search.copies``): a copy that lacks a part of one item is of use for all others.
Each change of such an item puts it there as ever, and so does this module after a pause that grows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, delete, func, select, text, true
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base
from echoic.db.items.counts import ItemCount
from echoic.db.search.copies import Claimed, Copy, list_copies

FIRST_PAUSE_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 6 * 3600.0
"""An engine that was mended is noticed after so long at most."""
TOLERATED_ITEMS = 10
TOLERATED_SHARE = 0.01
"""A copy that lacks a part of more items than either, of all that are published, is not put to use: the fault is the engine's or
ours then, and no item's."""
NAMED = 3
"""Of the items of which a part is refused, so many are named."""


class RefusedItem(Base):
    """An item of which a copy lacks a part that its engine does not take."""

    __tablename__ = "search_refused_items"

    copy_id: Mapped[int] = mapped_column(ForeignKey("search_copies.id", ondelete="CASCADE"), primary_key=True)
    item_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    reason: Mapped[str]
    """The engine's, without anything of what was said; or the class and sentence of an error of ours."""
    times: Mapped[int]
    """How often it was refused without a success between."""
    again_at: Mapped[datetime]


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """An item that searches by words find in part only."""

    item_id: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusals:
    """The items of which copies lack a part."""

    number: int
    first: Sequence[Refused]
    """So many as are named, each once and with its newest reason, by their ids."""
    held_back: bool = False
    """Whether they are those of a copy that searches do not ask, since it lacks a part of too many."""
    published: int = 0
    """The number of items that a copy held back is to hold."""


_NOTE = text("""
    INSERT INTO search_refused_items (copy_id, item_id, reason, times, again_at)
    VALUES (:copy_id, :item_id, :reason, 1, clock_timestamp() + make_interval(secs => :first))
    ON CONFLICT (copy_id, item_id) DO UPDATE SET reason = excluded.reason, times = search_refused_items.times + 1,
        again_at = clock_timestamp()
            + make_interval(secs => least(:first * 2.0 ^ least(search_refused_items.times, 30), :longest))
""")
# Whoever writes it notes what becomes of it. The pause here is for a process that dies before it does.
_AGAIN = text("""
    WITH due AS (
        UPDATE search_refused_items SET again_at = clock_timestamp() + make_interval(secs => :longest)
        WHERE again_at <= clock_timestamp() RETURNING copy_id, item_id
    )
    INSERT INTO search_changes (copy_id, item_id) SELECT copy_id, item_id FROM due
""")


async def note_refused(session: AsyncSession, claimed: Claimed, reason: str) -> None:
    """Note that an item was refused in part; it is tried again later, each time after twice as long."""
    given = {"copy_id": claimed.copy.id, "item_id": claimed.item_id, "reason": reason}
    await session.execute(_NOTE, given | {"first": FIRST_PAUSE_SECONDS, "longest": LONGEST_PAUSE_SECONDS})


async def note_taken(session: AsyncSession, claimed: Claimed) -> None:
    """Note that a copy holds an item as a whole."""
    mine = (RefusedItem.copy_id == claimed.copy.id, RefusedItem.item_id == claimed.item_id)
    await session.execute(delete(RefusedItem).where(*mine))


async def try_again(session: AsyncSession) -> None:
    """Put into the outbox what was refused long enough ago."""
    await session.execute(_AGAIN, {"longest": LONGEST_PAUSE_SECONDS})


async def lacks_too_much(session: AsyncSession, copy: Copy) -> bool:
    """Return whether a copy lacks a part of so many items that searches had better not ask it."""
    tolerated = max(TOLERATED_ITEMS, int(TOLERATED_SHARE * await _count_published(session)))
    more = select(RefusedItem.item_id).where(RefusedItem.copy_id == copy.id).offset(tolerated).limit(1)
    return await session.scalar(more) is not None


async def look_at_refusals(session: AsyncSession) -> Refusals:
    """Return what copies lack; of a copy that is held back alone, where there is one."""
    unused = [copy for copy in await list_copies(session) if not copy.complete]
    held_back = [copy.id for copy in unused if await lacks_too_much(session, copy)]
    meant = RefusedItem.copy_id == held_back[-1] if held_back else true()
    newest = (
        select(RefusedItem.item_id, RefusedItem.reason)
        .where(meant)
        .ext(distinct_on(RefusedItem.item_id))
        .order_by(RefusedItem.item_id, RefusedItem.copy_id.desc())
        .limit(NAMED)
    )
    return Refusals(
        number=await session.scalar(select(func.count(RefusedItem.item_id.distinct())).where(meant)) or 0,
        first=[Refused(item_id=row.item_id, reason=row.reason) for row in await session.execute(newest)],
        held_back=bool(held_back),
        published=await _count_published(session) if held_back else 0,
    )


async def _count_published(session: AsyncSession) -> int:
    published = select(func.sum(ItemCount.items)).where(ItemCount.status == "published")
    return int(await session.scalar(published) or 0)
