"""A copy of a test's index in the OpenSearch that ``scripts.with_opensearch`` has started."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from echoic.db.connect import Database
from echoic.engines.fake import FakeTextEncoder
from echoic.opensearch.client import OpenSearchClient
from echoic.opensearch.copier import Copier
from echoic.opensearch.engine import OpenSearchIndex
from echoic.opensearch.names import Names
from echoic.search.language import parse
from echoic.search.question import QueryEmbedding, Search, SearchType
from tests.factories import Tenant

OPENSEARCH_URL = os.environ.get("TESTS_OPENSEARCH_URL")

needs_opensearch = pytest.mark.skipif(
    OPENSEARCH_URL is None, reason="make test-opensearch runs the tests that need OpenSearch"
)

ENCODER = FakeTextEncoder()
FIELDS = (
    *("item_id", "dataset_id", "segment_id", "position", "published_at", "language", "source_type"),
    *("speaker", "speaker_id", "confidence", "doubtful", "entity_ids", "entity_names", "subject_ids", "model"),
)


@dataclass(frozen=True, kw_only=True)
class CopiedIndex:
    """The copy of one database, under names that no other test has."""

    index: OpenSearchIndex
    copier: Copier
    client: OpenSearchClient
    names: Names

    async def catch_up(self) -> None:
        """Write all that is in the outbox, and have it found at once."""
        while await self.copier.write_due():
            pass
        await self.client.refresh(self.names.pattern)

    async def refused(self) -> list[tuple[int, str]]:
        """The items of which a part is refused, the first of them, each with the reason."""
        return [(one.item_id, one.reason) for one in (await self.copier.refusals()).first]


@asynccontextmanager
async def copied_index(
    database: Database, *, shards: int = 1, url: str | None = OPENSEARCH_URL, ca_file: Path | None = None
) -> AsyncIterator[CopiedIndex]:
    """A copy that is begun, and deleted in the end."""
    assert url is not None
    client, names = OpenSearchClient(url, ca_file=ca_file), Names(f"test-{uuid4().hex}")
    copier = Copier(database, client, names, shards=shards)
    try:
        await copier.ensure()
        yield CopiedIndex(index=OpenSearchIndex(database, client, names), copier=copier, client=client, names=names)
    finally:
        await client.delete_index(names.pattern)
        await client.close()


async def documents(client: OpenSearchClient, index: str) -> list[Any]:
    """All documents of an index with what filters compare of them, in order; one that is there twice is there twice."""
    await client.refresh(index)
    body = {
        "query": {"match_all": {}},
        "size": 10_000,
        "docvalue_fields": list(FIELDS),
        "sort": ["item_id", "position", "dataset_id"],
    }
    found = await client.search(index, body, routing=None)
    return [(hit["_id"], hit["_routing"], hit["fields"]) for hit in found["hits"]["hits"]]


async def found_by(copied: CopiedIndex, reader: Tenant, query: str) -> list[str]:
    """The texts that a reader finds by words in a copy, in the order of letters."""
    return await searched(copied.index, reader, query)


async def searched(index: OpenSearchIndex, reader: Tenant, query: str) -> list[str]:
    """The texts that a reader finds by words, in the order of letters."""
    search = Search(account_id=reader.account_id, query=query, search_type="text", tree=parse(query), limit=100)
    return sorted(hit.text for hit in (await index.find(search)).hits)


async def nearest(
    index: OpenSearchIndex,
    reader: Tenant,
    query: str,
    *,
    kind: SearchType = "semantic",
    model: str = ENCODER.id.label,
) -> list[str]:
    """The texts whose meaning is near to that of a query, the nearest first."""
    vector = ENCODER.encode([query], "query")[0].tolist()
    embedding = QueryEmbedding(model=model, vector=vector, floor=ENCODER.similarity_floor)
    wanted = Search(
        account_id=reader.account_id,
        query=query,
        search_type=kind,
        tree=parse(query),
        embedding=embedding,
        limit=100,
    )
    return [hit.text for hit in (await index.find(wanted)).hits]
