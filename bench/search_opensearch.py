"""A copy of the benchmark's corpus in an OpenSearch: how fast it is written, and what it takes."""

import json
import time
import urllib.request
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from echoic.db.connect import Database
from echoic.opensearch.client import OpenSearchClient
from echoic.opensearch.copier import Copier
from echoic.opensearch.engine import OpenSearchIndex
from echoic.opensearch.names import Names


class WordsOnly(OpenSearchClient):
    """A cluster that is taken to have no plugin for vectors, so that pgvector compares them."""

    async def has_plugin(self, name: str) -> bool:  # noqa: ARG002 - the answer is the same for each plugin
        return False


@dataclass(kw_only=True)
class BenchmarkedCopy:
    """A copy under names of its own."""

    url: str
    database: Database
    client: OpenSearchClient
    names: Names

    @classmethod
    def at(cls, url: str, database: Database, *, words_only: bool) -> "BenchmarkedCopy":
        client = WordsOnly(url) if words_only else OpenSearchClient(url)
        return cls(url=url, database=database, client=client, names=Names(f"bench-{uuid4().hex}"))

    def index(self) -> OpenSearchIndex:
        return OpenSearchIndex(self.database, self.client, self.names)

    async def fill(self) -> str:
        """Write everything; returns the rate."""
        copier = Copier(self.database, self.client, self.names)
        started = time.perf_counter()
        await copier.begin()
        while await copier.write_due():
            pass
        seconds = time.perf_counter() - started
        documents = self._ask(f"/{self.names.alias}/_count")["count"]
        return f"{documents} documents in {seconds:.0f} s: {documents / seconds:.0f} a second"

    def sizes(self) -> str:
        """What the index and the server take now."""
        stored = self._ask(f"/{self.names.alias}/_stats/store")["_all"]["primaries"]["store"]["size_in_bytes"]
        nodes = self._ask("/_nodes/stats/jvm,process")["nodes"].values()
        heap = sum(node["jvm"]["mem"]["heap_used_in_bytes"] for node in nodes)
        return f"index {stored / 1e6:.0f} MB, heap in use {heap / 1e6:.0f} MB"

    async def close(self) -> None:
        await self.client.delete_index(self.names.pattern)
        await self.client.close()

    def _ask(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
