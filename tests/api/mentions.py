"""Entities that are named in an item, without a tagger."""

from echoic.db.items import items
from echoic.db.transcripts import entities, transcripts
from echoic.db.transcripts.entities import FoundMention
from tests.factories import World


async def name_in(world: World, item_id: int, *named: tuple[str, str, int]) -> None:
    """Store mentions: type, name, and in which segment."""
    async with world.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        assert item.transcript_id is not None
        segments = await transcripts.list_segments(session, item.transcript_id)
        found = [
            FoundMention(
                type=kind,
                name=name,
                segment_id=segments[place].id,
                start=segments[place].start,
                end=segments[place].start + 0.5,
                text=name.split()[-1],
                confidence=None,
            )
            for kind, name, place in named
        ]
        await entities.replace_entities(session, item_id=item_id, transcript_id=item.transcript_id, found=found)
