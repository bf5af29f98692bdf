"""Access and filters as conditions of OpenSearch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.search.access import ReadableDataset, speakers_named, subjects_named
from echoic.opensearch.documents import microseconds
from echoic.opensearch.query import Clause, any_of
from echoic.search.question import Filters

MAX_TERMS = 65_536
"""OpenSearch takes so many values in one clause."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedFilters:
    """The ids that names in filters stand for now: the index holds ids, which stay when names change."""

    speaker_ids: Sequence[int]
    subject_ids: Sequence[int]


async def named_filters(session: AsyncSession, filters: Filters) -> NamedFilters:
    """Look up the names that filters hold."""
    return NamedFilters(
        speaker_ids=await speakers_named(session, filters.speakers) if filters.speakers else (),
        subject_ids=await subjects_named(session, filters.entities) if filters.entities else (),
    )


def conditions(filters: Filters, datasets: Sequence[ReadableDataset], named: NamedFilters) -> Iterator[Clause]:
    """Yield what must hold of an entry: that the account may read it, and that the filters let it pass."""
    yield among("dataset_id", [dataset.id for dataset in datasets])
    for name, wanted in (
        ("item_id", filters.items),
        ("source_type", filters.source_types),
        ("language", filters.languages),
        ("speaker_id", filters.speaker_ids),
        ("entity_ids", filters.entity_ids),
    ):
        if wanted is not None:
            yield among(name, wanted)
    if filters.speakers is not None:
        labels = [name.lower() for name in filters.speakers]
        yield any_of([among("speaker", labels), among("speaker_id", named.speaker_ids)])
    if filters.entities is not None:
        names = [name.lower() for name in filters.entities]
        yield any_of([among("entity_names", names), among("subject_ids", named.subject_ids)])
    if filters.min_confidence is not None:
        yield {"range": {"confidence": {"gte": filters.min_confidence}}}
    if filters.doubtful is not None:
        yield {"exists": {"field": "segment_id"}} if filters.doubtful else {"term": {"doubtful": False}}
    if filters.published_from is not None:
        yield {"range": {"published_at": {"gte": microseconds(filters.published_from)}}}
    if filters.published_before is not None:
        yield {"range": {"published_at": {"lt": microseconds(filters.published_before)}}}


def among(name: str, values: Sequence[object]) -> Clause:
    """Return the condition that a field has one of the values."""
    parts = [list(values[start : start + MAX_TERMS]) for start in range(0, len(values), MAX_TERMS)]
    return any_of([{"terms": {name: part}} for part in parts])
