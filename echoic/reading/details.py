"""An item with the names that are said in it, as a caller is shown them."""

from contextlib import suppress
from dataclasses import dataclass, replace

from echoic.db.aside import Aside
from echoic.db.connect import Database
from echoic.db.items import items
from echoic.db.items.shown_items import ShownItem
from echoic.db.transcripts import entities
from echoic.db.transcripts.entities import EntityCount
from echoic.db.transcripts.entity_list import MentionedEntity
from echoic.errors import OriginalWithheld
from echoic.notices import Notice
from echoic.reading.item_states import READABLE_STATUSES
from echoic.reading.redacted import shown_entities
from echoic.redaction.policy import Policy
from echoic.redaction.transcripts import notice


@dataclass(frozen=True, kw_only=True, slots=True)
class Details:
    """An item, its notices with that of what is hidden."""

    item: ShownItem
    entities: list[EntityCount]
    """The most mentioned first; none until the item is published."""
    has_transcript: bool
    """Whether its transcript can be read now."""


async def details(database: Database, aside: Aside, item: ShownItem, policy: Policy | None) -> Details:
    """Return what an item says of itself to somebody who reads by this policy; None: who reads the original."""
    if policy is not None:
        return await aside.read(lambda other: _redacted(other, item, policy))
    named = await entities.list_entities(database, item.id) if item.status == "published" else []
    return Details(item=item, entities=named, has_transcript=item.has_transcript and item.status in READABLE_STATUSES)


async def _redacted(database: Database, item: ShownItem, policy: Policy) -> Details:
    """An item as somebody sees it from whom something is hidden: the notice says how much."""
    named: list[MentionedEntity] = []
    told: Notice | None = None
    # Where the transcript cannot be read redacted, the item can.
    with suppress(OriginalWithheld):
        async with database.snapshot() as session:
            row = await items.get_item(session, item.id)
            if row is not None:
                named, told = await shown_entities(session, row, policy)
    notices = [*item.notices, (told or notice(policy)).to_object()]
    return Details(
        item=replace(item, notices=notices),
        entities=[
            EntityCount(id=entity.id, type=entity.type, name=entity.name, mentions=len(entity.mentions))
            for entity in named
        ],
        has_transcript=told is not None,
    )
