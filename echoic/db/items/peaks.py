"""The outline of an item's sound, which is kept as long as the item; and the right to make it, as a lease with an end."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, Uuid, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, in_seconds, is_free
from echoic.db.items.items import Item


class ItemPeaks(Base):
    """The lowest and the highest sample of equal parts of a recording, as pairs of signed bytes."""

    __tablename__ = "item_peaks"

    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True)
    pairs: Mapped[bytes | None] = mapped_column(LargeBinary)
    """None while they are being made; empty where the sound cannot be read."""
    lease: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    leased_until: Mapped[datetime | None]


async def find_peaks(session: AsyncSession, item_id: int) -> bytes | None:
    """Return the pairs of an item; empty where its sound cannot be read, None where nobody has made them."""
    return await session.scalar(select(ItemPeaks.pairs).where(ItemPeaks.item_id == item_id))


async def keep_peaks(session: AsyncSession, item_id: int, pairs: bytes) -> None:
    """Keep the pairs of an item in place of earlier ones; nothing happens where the item is gone."""
    # The item's row is held, so that it cannot go between the two.
    of_item = (
        select(Item.id, literal(pairs, LargeBinary))
        .where(Item.id == item_id)
        .with_for_update(read=True, key_share=True)
    )
    kept = insert(ItemPeaks).from_select(["item_id", "pairs"], of_item)
    await session.execute(
        kept.on_conflict_do_update(
            index_elements=[ItemPeaks.item_id],
            set_={"pairs": kept.excluded.pairs, "lease": None, "leased_until": None},
        )
    )


async def take_lease(session: AsyncSession, item_id: int, *, lease: uuid.UUID, seconds: float) -> bool:
    """Take the right to make the pairs of an item; False where they are there, another one has it, or the item is gone."""
    of_item = (
        select(Item.id, literal(lease, Uuid()), in_seconds(seconds))
        .where(Item.id == item_id)
        .with_for_update(read=True, key_share=True)
    )
    taken = insert(ItemPeaks).from_select(["item_id", "lease", "leased_until"], of_item)
    statement = taken.on_conflict_do_update(
        index_elements=[ItemPeaks.item_id],
        set_={"lease": taken.excluded.lease, "leased_until": taken.excluded.leased_until},
        where=ItemPeaks.pairs.is_(None) & is_free(ItemPeaks.leased_until),
    )
    return await session.scalar(statement.returning(ItemPeaks.item_id)) is not None


async def renew_lease(session: AsyncSession, item_id: int, *, lease: uuid.UUID, seconds: float) -> bool:
    """Hold the right for longer; False where it is lost."""
    renewed = (
        update(ItemPeaks)
        .where(ItemPeaks.item_id == item_id, ItemPeaks.lease == lease)
        .values(leased_until=in_seconds(seconds))
    )
    return await session.scalar(renewed.returning(ItemPeaks.item_id)) is not None


async def release_lease(session: AsyncSession, item_id: int, *, lease: uuid.UUID) -> None:
    """Let others make the pairs."""
    await session.execute(
        update(ItemPeaks)
        .where(ItemPeaks.item_id == item_id, ItemPeaks.lease == lease)
        .values(lease=None, leased_until=None)
    )
