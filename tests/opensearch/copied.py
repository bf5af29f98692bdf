"""A copy of a test's index in the OpenSearch that ``scripts.with_opensearch`` has started."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import pytest

from echoic.db.connect import Database
from echoic.opensearch.client import OpenSearchClient
from echoic.opensearch.copier import Copier
from echoic.opensearch.engine import OpenSearchIndex
from echoic.opensearch.names import Names

OPENSEARCH_URL = os.environ.get("TESTS_OPENSEARCH_URL")

needs_opensearch = pytest.mark.skipif(
    OPENSEARCH_URL is None, reason="make test-opensearch runs the tests that need OpenSearch"
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


@asynccontextmanager
async def copied_index(database: Database) -> AsyncIterator[CopiedIndex]:
    """A copy that is begun, and deleted in the end."""
    assert OPENSEARCH_URL is not None
    client, names = OpenSearchClient(OPENSEARCH_URL), Names(f"test-{uuid4().hex}")
    copier = Copier(database, client, names)
    try:
        await copier.ensure()
        yield CopiedIndex(index=OpenSearchIndex(database, client, names), copier=copier, client=client, names=names)
    finally:
        await client.delete_index(names.pattern)
        await client.close()
