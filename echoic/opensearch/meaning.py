"""Search by meaning in OpenSearch, where its index holds the embeddings of segments."""

import time
from collections.abc import Sequence
from typing import Any

from echoic.errors import SearchUnavailable
from echoic.opensearch.client import OpenSearchClient
from echoic.opensearch.documents import VECTOR
from echoic.opensearch.matches import SHOWN, match_of
from echoic.opensearch.names import Names
from echoic.opensearch.query import Clause
from echoic.search.question import Order, QueryEmbedding
from echoic.search.ranking import MAX_NEAREST, Matches, in_order

KNOWN_SECONDS = 10.0
"""For so long the index is taken to have the fields that it had; another may have taken its place."""


class NearestVectors:
    """The segments whose embeddings are nearest to a query's."""

    def __init__(self, client: OpenSearchClient, names: Names) -> None:
        self._client = client
        self._names = names
        self._held = False
        self._held_until = 0.0

    async def held(self) -> bool:
        """Return whether the index that answers searches holds embeddings; False while OpenSearch is away."""
        if time.monotonic() > self._held_until:
            try:
                self._held = await self._client.has_field(self._names.alias, VECTOR)
            except SearchUnavailable:
                # Kept as well: searches that PostgreSQL answers must not each wait for a cluster that hangs.
                self._held = False
            self._held_until = time.monotonic() + KNOWN_SECONDS
        return self._held

    async def find(self, embedding: QueryEmbedding, conditions: Sequence[Clause], *, routing: str | None) -> Matches:
        """Find at most ``MAX_NEAREST`` segments that fulfill the conditions. Raises SearchUnavailable."""
        same_model = {"term": {"model": embedding.model}}
        near = {
            "vector": list(embedding.vector),
            "k": MAX_NEAREST,
            "filter": {"bool": {"filter": [*conditions, same_model]}},
        }
        body: dict[str, Any] = {"query": {"knn": {VECTOR: near}}, "size": MAX_NEAREST, **SHOWN}
        found = await self._client.search(self._names.alias, body, routing=routing)
        matches = [match_of(hit, score=_cosine(hit["_score"])) for hit in found["hits"]["hits"]]
        ranked = in_order([match for match in matches if match.score >= embedding.floor], Order())
        return Matches(matches=tuple(ranked), total=len(ranked), exact=True)


def _cosine(score: float) -> float:
    """Return the cosine that OpenSearch makes a score of: (1 + cosine) / 2, by its page on k-NN spaces."""
    return 2 * score - 1
