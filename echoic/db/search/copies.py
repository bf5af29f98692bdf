"""Copies of the search index in an engine outside of PostgreSQL, and the outbox of the items that they lack.

Triggers write the outbox in the transaction that changes an item (migration 0050): a row for each copy. A process takes
items with a lease and a token, writes them, and removes the rows. These facts keep a copy right whoever dies meanwhile:

1. A version is drawn after the rows were taken and before the item is read. So whoever knows of a later change has the
   higher version, and the engine refuses what comes late.
2. No two processes have an item at the same time, unless the lease of one of them ended. That one learns it before it
   writes (``expect``).
3. What the copy may hold of an item is known before it is written (``CopiedItem``), so it can be removed.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    Uuid,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt, PrimaryKey, in_seconds
from echoic.db.connect import Database
from echoic.db.items.items import Item
from echoic.db.search.index import SCHEMA_VERSION
from echoic.logs import get_logger

LOOKED_AT = 500
"""Of the oldest rows of the outbox so many are looked at for items that nobody has."""
CLAIM_LOCK = 0x65636870
"""One process takes items at a time; it takes milliseconds."""
ABANDONED_SECONDS = 7 * 86_400.0
"""A copy that nobody has written for so long is given up, since the outbox would grow without end."""
FORGET_INTERVAL_SECONDS = 3600.0

logger = get_logger(__name__)


class SearchCopy(Base):
    """A copy of the index, by the name it has in its engine."""

    __tablename__ = "search_copies"

    id: Mapped[PrimaryKey]
    schema_version: Mapped[int]
    loaded_through: Mapped[int] = mapped_column(server_default="0")
    """The last row of the outbox that its first load consists of."""
    complete: Mapped[bool] = mapped_column(server_default="false")
    """Whether it was loaded once, and answers searches."""
    created_at: Mapped[CreatedAt]


class SearchChange(Base):
    """An item that a copy lacks, or has in an older state."""

    __tablename__ = "search_changes"
    __table_args__ = (Index("ix_search_changes_copy_id_item_id", "copy_id", "item_id"),)

    id: Mapped[PrimaryKey]
    copy_id: Mapped[int] = mapped_column(ForeignKey("search_copies.id", ondelete="CASCADE"))
    item_id: Mapped[int]
    """It refers to nothing: the item may be gone."""
    noted_at: Mapped[CreatedAt]
    lease: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    leased_until: Mapped[datetime | None]


class CopiedItem(Base):
    """An item of which a copy holds something, or may hold something."""

    __tablename__ = "search_copied_items"

    copy_id: Mapped[int] = mapped_column(ForeignKey("search_copies.id", ondelete="CASCADE"), primary_key=True)
    item_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    library_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """The copy keeps what is of one library together."""
    places: Mapped[int]
    """Segments at places below this one may be there, and the title."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """A copy, as the table has it."""

    id: int
    schema_version: int
    complete: bool
    loaded_through: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """An item that this process may write into a copy."""

    copy: Copy
    item_id: int
    lease: uuid.UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """The places of an item that a copy may hold."""

    library_id: int
    places: int


async def list_copies(session: AsyncSession) -> list[Copy]:
    """Return all copies, the oldest first."""
    return [_copy(row) for row in await session.scalars(select(SearchCopy).order_by(SearchCopy.id))]


async def begin_copy(session: AsyncSession, *, unless_begun: bool) -> Copy | None:
    """Begin a copy of this version's entries: every published item is put into the outbox, the newest first.

    None where there is one of this or a later version and that is enough. Waits for the transactions that have changed items
    without knowing of the copy, and keeps others waiting until it commits.
    """
    begun = select(SearchCopy.id).where(SearchCopy.schema_version >= SCHEMA_VERSION).limit(1)
    if unless_begun and await session.scalar(begun) is not None:
        return None
    await session.execute(text("LOCK TABLE search_copies IN ACCESS EXCLUSIVE MODE"))
    if unless_begun and await session.scalar(begun) is not None:
        return None
    row = SearchCopy(schema_version=SCHEMA_VERSION)
    session.add(row)
    await session.flush()
    items = select(literal(row.id, BigInteger), Item.id).where(Item.status == "published").order_by(Item.id.desc())
    await session.execute(insert(SearchChange).from_select(["copy_id", "item_id"], items))
    row.loaded_through = await session.scalar(select(func.max(SearchChange.id))) or 0
    await session.flush()
    await session.refresh(row)
    return _copy(row)


async def drop_unused(session: AsyncSession, newest: Copy) -> list[Copy]:
    """Forget the copies that searches do not ask and that another one takes the place of; returns them."""
    unused = ~SearchCopy.complete & (SearchCopy.id < newest.id) & (SearchCopy.schema_version <= newest.schema_version)
    return [_copy(row) for row in await session.scalars(delete(SearchCopy).where(unused).returning(SearchCopy))]


async def complete_copy(session: AsyncSession, copy_id: int) -> list[int]:
    """Note that a copy answers searches from now on; all older ones are dropped. Returns the ids of those."""
    await session.execute(update(SearchCopy).where(SearchCopy.id == copy_id).values(complete=True))
    return list(await session.scalars(delete(SearchCopy).where(SearchCopy.id < copy_id).returning(SearchCopy.id)))


async def drop_copy(session: AsyncSession, copy_id: int) -> None:
    """Forget a copy and what it lacks."""
    await session.execute(delete(SearchCopy).where(SearchCopy.id == copy_id))


async def may_hold_items(session: AsyncSession, copy_id: int) -> bool:
    """Return whether a copy holds anything, as far as is known."""
    return await session.scalar(select(CopiedItem.item_id).where(CopiedItem.copy_id == copy_id).limit(1)) is not None


async def drop_abandoned(database: Database) -> None:
    """Forget the copies that nobody has written for long. Raises DatabaseUnavailable."""
    old = SearchChange.noted_at < in_seconds(-ABANDONED_SECONDS)
    waiting = select(SearchChange.copy_id).where(old)
    async with database.transaction() as session:
        gone = delete(SearchCopy).where(SearchCopy.complete, SearchCopy.id.in_(waiting)).returning(SearchCopy.id)
        for copy_id in await session.scalars(gone):
            logger.warning("search_copy_given_up", copy=copy_id)


async def is_loaded(session: AsyncSession, copy: Copy) -> bool:
    """Return whether nothing of a copy's first load is left in the outbox."""
    left = select(SearchChange.id).where(SearchChange.copy_id == copy.id, SearchChange.id <= copy.loaded_through)
    return await session.scalar(left.limit(1)) is None


async def count_waiting(session: AsyncSession, copy_id: int | None = None) -> int:
    """Return how many items a copy lacks, or has in an older state; without a copy, of how many that is so in any."""
    waiting = select(func.count(SearchChange.item_id.distinct()))
    if copy_id is not None:
        waiting = waiting.where(SearchChange.copy_id == copy_id)
    return await session.scalar(waiting) or 0


_CLAIM = text("""
    WITH waiting AS (
        SELECT changes.id, copy_id, item_id FROM search_changes AS changes
        JOIN search_copies ON search_copies.id = copy_id AND search_copies.complete = :complete
            AND search_copies.schema_version <= :version
        WHERE leased_until IS NULL OR leased_until < clock_timestamp() ORDER BY changes.id LIMIT :looked_at
    ), free AS (
        SELECT copy_id, item_id FROM waiting
        WHERE NOT EXISTS (
            SELECT FROM search_changes AS other WHERE other.copy_id = waiting.copy_id AND other.item_id = waiting.item_id
                AND other.leased_until >= clock_timestamp()
        )
        GROUP BY copy_id, item_id ORDER BY min(waiting.id) LIMIT :number
    ), taken AS (
        UPDATE search_changes AS changes
        SET lease = :lease, leased_until = clock_timestamp() + make_interval(secs => :seconds)
        FROM free WHERE changes.copy_id = free.copy_id AND changes.item_id = free.item_id
        RETURNING changes.copy_id, changes.item_id
    )
    SELECT DISTINCT copy_id, item_id FROM taken ORDER BY copy_id, item_id DESC
""")


async def claim(session: AsyncSession, *, number: int, lease_seconds: float) -> list[Claimed]:
    """Take items that nobody else has: those of a copy that answers searches come first.

    A copy of a later version is left to the servers that know it.
    """
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CLAIM_LOCK})
    known = {copy.id: copy for copy in await list_copies(session)}
    lease = uuid.uuid4()
    given = {
        "number": number,
        "seconds": lease_seconds,
        "lease": lease,
        "looked_at": LOOKED_AT,
        "version": SCHEMA_VERSION,
    }
    for complete in (True, False):
        rows = (await session.execute(_CLAIM, given | {"complete": complete})).all()
        if rows:
            return [Claimed(copy=known[row.copy_id], item_id=row.item_id, lease=lease) for row in rows]
    return []


async def draw_version(session: AsyncSession) -> int:
    """Return a number higher than all that were drawn before."""
    return int(await session.scalar(text("SELECT nextval('search_copy_versions')")) or 0)


async def expect(
    session: AsyncSession, claimed: Claimed, now: Held | None, *, lease_seconds: float
) -> list[Held] | None:
    """Note what a copy is about to hold of an item; returns all that it may hold, that included.

    The lease begins again. None where another process has the item meanwhile: then nothing may be written.
    """
    mine = (
        update(SearchChange)
        .where(
            SearchChange.copy_id == claimed.copy.id,
            SearchChange.item_id == claimed.item_id,
            SearchChange.lease == claimed.lease,
            SearchChange.leased_until > func.clock_timestamp(),
        )
        .values(leased_until=in_seconds(lease_seconds))
        .returning(SearchChange.id)
    )
    if not (await session.scalars(mine)).all():
        return None
    if now is not None:
        row = upsert(CopiedItem).values(
            copy_id=claimed.copy.id, item_id=claimed.item_id, library_id=now.library_id, places=now.places
        )
        key = [CopiedItem.copy_id, CopiedItem.item_id, CopiedItem.library_id]
        most = func.greatest(CopiedItem.places, row.excluded.places)
        await session.execute(row.on_conflict_do_update(index_elements=key, set_={"places": most}))
    held = await session.execute(select(CopiedItem.library_id, CopiedItem.places).where(*_of(claimed)))
    return [Held(library_id=row.library_id, places=row.places) for row in held]


async def written(session: AsyncSession, claimed: Claimed, now: Held | None) -> bool:
    """Note that a copy holds an item as it was read, and remove the rows that were taken for it.

    False where another process has the item meanwhile, which knows itself what is there.
    """
    gone = delete(SearchChange).where(
        SearchChange.copy_id == claimed.copy.id,
        SearchChange.item_id == claimed.item_id,
        SearchChange.lease == claimed.lease,
    )
    if not (await session.scalars(gone.returning(SearchChange.id))).all():
        return False
    kept = CopiedItem.library_id == (now.library_id if now is not None else None)
    await session.execute(delete(CopiedItem).where(*_of(claimed), kept.is_not(True)))
    if now is not None:
        await session.execute(update(CopiedItem).where(*_of(claimed)).values(places=now.places))
    return True


async def release(session: AsyncSession, claimed: Sequence[Claimed]) -> None:
    """Give items back that were not written."""
    leases = {one.lease for one in claimed}
    await session.execute(
        update(SearchChange).where(SearchChange.lease.in_(leases)).values(lease=None, leased_until=None)
    )


def _of(claimed: Claimed) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (CopiedItem.copy_id == claimed.copy.id, CopiedItem.item_id == claimed.item_id)


def _copy(row: SearchCopy) -> Copy:
    return Copy(
        id=row.id,
        schema_version=row.schema_version,
        complete=row.complete,
        loaded_through=row.loaded_through,
        created_at=row.created_at,
    )
