"""Items in which somebody speaks whom nobody has named, though a name may have been said."""

from sqlalchemy import or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.catalog.libraries import Dataset, reads_original
from echoic.db.items.items import Item
from echoic.db.speakers.speakers import ItemSpeaker, VoiceSuggestion
from echoic.db.transcripts.transcripts import Segment


async def items_to_name(
    session: AsyncSession,
    library_id: int,
    *,
    account_id: int,
    pattern: str,
    published_only: bool,
    limit: int,
    offset: int,
) -> list[Item]:
    """A library's items, the newest first, that have a label nobody said anything of, and a hint at who it is.

    That is a text with the pattern, or a known voice that the label's is like. ``pattern`` is a regular expression that
    PostgreSQL and Python read alike. Items of which the account may not read the original are left out.
    """
    of_item = Segment.transcript_id == Item.transcript_id
    decided = select(ItemSpeaker.id).where(
        ItemSpeaker.transcript_id == Segment.transcript_id,
        ItemSpeaker.label == Segment.speaker,
        ItemSpeaker.how.is_not(None),
    )
    unnamed = select(Segment.id).where(of_item, Segment.speaker.is_not(None), ~decided.exists())
    alike = (
        select(ItemSpeaker.id)
        .join(VoiceSuggestion, VoiceSuggestion.item_speaker_id == ItemSpeaker.id)
        .where(ItemSpeaker.transcript_id == Item.transcript_id, ItemSpeaker.how.is_(None))
    )
    said = select(Segment.id).where(of_item, Segment.text.regexp_match(pattern))
    rows = await session.scalars(
        select(Item)
        .join(Dataset, Dataset.id == Item.dataset_id)
        .where(
            Dataset.library_id == library_id,
            (Item.status == "published") if published_only else true(),
            reads_original(account_id),
            unnamed.exists(),
            or_(said.exists(), alike.exists()),
        )
        .order_by(Item.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return list(rows)
