"""Matches as OpenSearch answers them: the fields they are read from, and the shards that are asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from echoic.db.search.access import ReadableDataset
from echoic.opensearch.documents import moment_of
from echoic.search.ranking import Match

MAX_ROUTED_LIBRARIES = 20
"""Where the account may read so many libraries at most, only the shards that hold these are asked."""
SHOWN = {"docvalue_fields": ["item_id", "segment_id", "position", "published_at"], "_source": False}
"""Asks for what ``match_of`` reads."""


def routing(datasets: Sequence[ReadableDataset]) -> str | None:
    """Return the shards that hold these datasets; None for all shards."""
    libraries = sorted({dataset.library_id for dataset in datasets})
    return ",".join(map(str, libraries)) if len(libraries) <= MAX_ROUTED_LIBRARIES else None


def match_of(hit: Mapping[str, Any], *, score: float) -> Match:
    """Return a hit as a match."""
    fields = hit["fields"]
    return Match(
        item_id=fields["item_id"][0],
        segment_id=fields.get("segment_id", [None])[0],
        position=fields["position"][0],
        score=score,
        published_at=moment_of(fields["published_at"][0]),
    )
