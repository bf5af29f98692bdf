"""Items in which somebody speaks whom nobody has named, though a name may have been said."""

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.catalog.libraries import Dataset
from echoic.db.items.items import Item
from echoic.db.speakers.speakers import ItemSpeaker
from echoic.db.transcripts.transcripts import Segment


async def items_to_name(
    session: AsyncSession, library_id: int, *, pattern: str, published_only: bool, limit: int, offset: int
) -> list[Item]:
    """A library's items, the newest first, that have a label nobody said anything of and a text with the pattern.

    ``pattern`` is a regular expression that PostgreSQL and Python read alike.
    """
    of_item = Segment.transcript_id == Item.transcript_id
    decided = select(ItemSpeaker.id).where(
        ItemSpeaker.transcript_id == Segment.transcript_id,
        ItemSpeaker.label == Segment.speaker,
        ItemSpeaker.how.is_not(None),
    )
    unnamed = select(Segment.id).where(of_item, Segment.speaker.is_not(None), ~decided.exists())
    said = select(Segment.id).where(of_item, Segment.text.regexp_match(pattern))
    rows = await session.scalars(
        select(Item)
        .join(Dataset, Dataset.id == Item.dataset_id)
        .where(
            Dataset.library_id == library_id,
            (Item.status == "published") if published_only else true(),
            unnamed.exists(),
            said.exists(),
        )
        .order_by(Item.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return list(rows)
