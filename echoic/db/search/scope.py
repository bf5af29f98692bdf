"""What a search may look at: the conditions of permission and of the filters, the same for every way of searching.

Conditions are made for the names of the parameters that a scope gives, so that statements with the same filters are the
same and are compiled once.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Float,
    Select,
    Text,
    any_,
    bindparam,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from echoic.db.base import among_given
from echoic.db.catalog.libraries import Dataset, Library, LibraryMember
from echoic.db.items.items import Item
from echoic.db.speakers.speakers import ItemSpeaker
from echoic.db.transcripts.entities import Entity, Mention
from echoic.db.transcripts.transcripts import Segment, said_by


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

    def parameters(self) -> dict[str, Any]:
        """What its conditions compare with, by name; those of filters that are left out are missing."""
        given: dict[str, Any] = {"account_id": self.account_id}
        for one in fields(self.filters):
            value = getattr(self.filters, one.name)
            if isinstance(value, tuple):
                lowered = one.name in ("entities", "speakers")
                given[one.name] = [name.lower() for name in value] if lowered else list(value)
            elif value is not None:
                given[one.name] = value
        if self.items_between is not None:
            given["first_item"], given["last_item"] = self.items_between
        return given


def readable_datasets() -> Select[int]:
    """The ids of the datasets that the account ``account_id`` may read."""
    memberships = select(LibraryMember.library_id).where(LibraryMember.account_id == bindparam("account_id"))
    return (
        select(Dataset.id)
        .join(Library, Library.id == Dataset.library_id)
        .where(or_(Library.visibility == "public", Library.id.in_(memberships)))
    )


def item_conditions(given: Collection[str]) -> list[ColumnElement[bool]]:
    """What an item must fulfill: it is published, the caller may read it, the filters let it pass."""
    datasets = readable_datasets()
    if "libraries" in given:
        datasets = datasets.where(among_given(Library.slug, "libraries", Text()))
    # An array is made once for the statement; as a subquery the datasets would be looked up for every entry.
    conditions = [Item.status == "published", Item.dataset_id == any_(func.array(datasets.scalar_subquery()))]
    wanted: dict[str, ColumnElement[bool]] = {
        "datasets": among_given(Item.dataset_id, "datasets", BigInteger()),
        "items": among_given(Item.id, "items", BigInteger()),
        "source_types": among_given(Item.source_type, "source_types", Text()),
        "languages": among_given(Item.language, "languages", Text()),
        "published_from": Item.published_at >= bindparam("published_from", type_=DateTime(timezone=True)),
        "published_before": Item.published_at < bindparam("published_before", type_=DateTime(timezone=True)),
    }
    return conditions + [condition for name, condition in wanted.items() if name in given]


def segment_conditions(given: Collection[str]) -> list[ColumnElement[bool]]:
    """What a segment must fulfill beside its item."""
    labels = select(ItemSpeaker.transcript_id, ItemSpeaker.label)
    known = labels.where(among_given(ItemSpeaker.speaker_id, "speaker_ids", BigInteger()))
    mentioned = select(Mention.segment_id).join(Entity, Entity.id == Mention.entity_id)
    wanted: dict[str, ColumnElement[bool]] = {
        "speakers": said_by(bindparam("speakers", type_=ARRAY(Text()))),
        "speaker_ids": tuple_(Segment.transcript_id, Segment.speaker).in_(known),
        "min_confidence": Segment.confidence >= bindparam("min_confidence", type_=Float()),
        "entities": Segment.id.in_(mentioned.where(among_given(func.lower(Entity.name), "entities", Text()))),
        "entity_ids": Segment.id.in_(mentioned.where(among_given(Entity.id, "entity_ids", BigInteger()))),
    }
    return [condition for name, condition in wanted.items() if name in given]
