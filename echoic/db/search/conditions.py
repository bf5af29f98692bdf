"""The conditions of access and of the filters, the same for search by words and for semantic search.

Conditions are made for the names of the parameters that a search gives, so that statements with the same filters are the
same and are compiled once.
"""

from collections.abc import Collection
from dataclasses import fields
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
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
from echoic.db.catalog.libraries import Dataset, Library, LibraryMember, reads_original
from echoic.db.items.items import Item, came_out_at
from echoic.db.speakers.speakers import ItemSpeaker
from echoic.db.subjects.subjects import Subject
from echoic.db.transcripts.entities import Entity, Mention
from echoic.db.transcripts.transcripts import Segment, said_by
from echoic.search.question import Search

STATEMENTS = 256
"""So many statements of each kind are kept compiled."""


def parameters(search: Search) -> dict[str, Any]:
    """Return the values that the conditions of a search compare with, by name; a filter that is left out gives none."""
    given: dict[str, Any] = {"account_id": search.account_id}
    for one in fields(search.filters):
        value = getattr(search.filters, one.name)
        if isinstance(value, tuple):
            lowered = one.name in ("entities", "speakers")
            given[one.name] = [name.lower() for name in value] if lowered else list(value)
        elif value is not None:
            given[one.name] = value
    return given


def readable_datasets() -> Select[int]:
    """Return the ids of the datasets that the account ``account_id`` may read, and in which nothing is redacted for it.

    What is hidden could be found out by searching for it.
    """
    memberships = select(LibraryMember.library_id).where(
        LibraryMember.account_id == bindparam("account_id", type_=BigInteger)
    )
    return (
        select(Dataset.id)
        .join(Library, Library.id == Dataset.library_id)
        .where(
            or_(Library.visibility == "public", Library.id.in_(memberships)),
            reads_original(bindparam("account_id", type_=BigInteger)),
        )
    )


def item_conditions(given: Collection[str]) -> list[ColumnElement[bool]]:
    """Make the conditions on an item: it is published, the account may read it, the filters let it pass."""
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
    }
    conditions += [condition for name, condition in wanted.items() if name in given]
    return conditions + date_conditions(given)


def date_conditions(given: Collection[str]) -> list[ColumnElement[bool]]:
    """Make the conditions on when an item came out."""
    wanted: dict[str, ColumnElement[bool]] = {
        "published_from": came_out_at() >= bindparam("published_from", type_=DateTime(timezone=True)),
        "published_before": came_out_at() < bindparam("published_before", type_=DateTime(timezone=True)),
    }
    return [condition for name, condition in wanted.items() if name in given]


def segment_conditions(given: Collection[str]) -> list[ColumnElement[bool]]:
    """Make the conditions on a segment, beside those on its item."""
    labels = select(ItemSpeaker.transcript_id, ItemSpeaker.label)
    known = labels.where(among_given(ItemSpeaker.speaker_id, "speaker_ids", BigInteger()))
    mentioned = select(Mention.segment_id).join(Entity, Entity.id == Mention.entity_id)
    wanted: dict[str, ColumnElement[bool]] = {
        "speakers": said_by(bindparam("speakers", type_=ARRAY(Text()))),
        "speaker_ids": tuple_(Segment.transcript_id, Segment.speaker).in_(known),
        "min_confidence": Segment.confidence >= bindparam("min_confidence", type_=Float()),
        "doubtful": or_(bindparam("doubtful", type_=Boolean()), Segment.quality.is_distinct_from("doubtful")),
        "entities": Segment.id.in_(
            mentioned.outerjoin(Subject, Subject.id == Entity.subject_id).where(
                or_(
                    among_given(func.lower(Entity.name), "entities", Text()),
                    among_given(func.lower(Subject.name), "entities", Text()),
                )
            )
        ),
        "entity_ids": Segment.id.in_(mentioned.where(among_given(Entity.id, "entity_ids", BigInteger()))),
    }
    return [condition for name, condition in wanted.items() if name in given]
