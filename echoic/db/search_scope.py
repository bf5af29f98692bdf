"""What a search may look at: the conditions of permission and of the filters, the same for every way of searching."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, tuple_

from echoic.db.entities import Entity, Mention
from echoic.db.items import Item
from echoic.db.libraries import Dataset, Library, LibraryMember
from echoic.db.speakers import ItemSpeaker
from echoic.db.transcripts import Segment, said_by


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """What results are narrowed to; None leaves a filter out, an empty tuple lets nothing through."""

    libraries: tuple[str, ...] | None = None
    """Slugs."""
    datasets: tuple[int, ...] | None = None
    items: tuple[int, ...] | None = None
    source_types: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    """ISO 639-1 codes."""
    entities: tuple[str, ...] | None = None
    """Names of what is mentioned in the segment, compared without regard to case."""
    entity_ids: tuple[int, ...] | None = None
    speakers: tuple[str, ...] | None = None
    """Names or labels, compared without regard to case."""
    speaker_ids: tuple[int, ...] | None = None
    """Of known speakers."""
    min_confidence: float | None = None
    """Segments without a confidence do not pass."""
    published_from: datetime | None = None
    published_before: datetime | None = None

    @property
    def of_segments(self) -> bool:
        """Whether a filter asks something of a segment, which a title cannot answer."""
        wanted = (self.entities, self.entity_ids, self.speakers, self.speaker_ids, self.min_confidence)
        return any(value is not None for value in wanted)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Who asks, and what the answer is narrowed to."""

    account_id: int
    filters: Filters
    items_between: tuple[int, int] | None = None
    """First and last of the items that the filters let through, where that is known: most filters by date are a range."""


def readable_datasets(account_id: int) -> Select[int]:
    """The ids of the datasets an account may read."""
    memberships = select(LibraryMember.library_id).where(LibraryMember.account_id == account_id)
    return (
        select(Dataset.id)
        .join(Library, Library.id == Dataset.library_id)
        .where(or_(Library.visibility == "public", Library.id.in_(memberships)))
    )


def item_conditions(scope: Scope) -> list[ColumnElement[bool]]:
    """What an item must fulfill: it is published, the caller may read it, the filters let it pass."""
    filters = scope.filters
    datasets = readable_datasets(scope.account_id)
    if filters.libraries is not None:
        datasets = datasets.where(Library.slug.in_(filters.libraries))
    conditions = [Item.status == "published", Item.dataset_id.in_(datasets)]
    wanted: list[tuple[Any, tuple[Any, ...] | None]] = [
        (Item.dataset_id, filters.datasets),
        (Item.id, filters.items),
        (Item.source_type, filters.source_types),
        (Item.language, filters.languages),
    ]
    conditions += [column.in_(values) for column, values in wanted if values is not None]
    if filters.published_from is not None:
        conditions.append(Item.published_at >= filters.published_from)
    if filters.published_before is not None:
        conditions.append(Item.published_at < filters.published_before)
    return conditions


def segment_conditions(filters: Filters) -> list[ColumnElement[bool]]:
    """What a segment must fulfill beside its item."""
    conditions: list[ColumnElement[bool]] = []
    if filters.speakers is not None:
        conditions.append(said_by(filters.speakers))
    if filters.speaker_ids is not None:
        labels = select(ItemSpeaker.transcript_id, ItemSpeaker.label)
        known = labels.where(ItemSpeaker.speaker_id.in_(filters.speaker_ids))
        conditions.append(tuple_(Segment.transcript_id, Segment.speaker).in_(known))
    if filters.min_confidence is not None:
        conditions.append(Segment.confidence >= filters.min_confidence)
    mentioned = select(Mention.segment_id).join(Entity, Entity.id == Mention.entity_id)
    if filters.entities is not None:
        named = func.lower(Entity.name).in_([name.lower() for name in filters.entities])
        conditions.append(Segment.id.in_(mentioned.where(named)))
    if filters.entity_ids is not None:
        conditions.append(Segment.id.in_(mentioned.where(Entity.id.in_(filters.entity_ids))))
    return conditions
