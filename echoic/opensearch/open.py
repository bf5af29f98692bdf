"""Opens the engine on OpenSearch as the settings say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from echoic.db.connect import Database
from echoic.opensearch.client import OpenSearchClient
from echoic.opensearch.copier import Copier
from echoic.opensearch.engine import OpenSearchIndex
from echoic.opensearch.names import Names
from echoic.settings import Settings


@dataclass(frozen=True, kw_only=True)
class OpenSearchEngine:
    """The engine, and what keeps its copy of the index."""

    index: OpenSearchIndex
    copier: Copier


@asynccontextmanager
async def open_opensearch(settings: Settings, database: Database) -> AsyncIterator[OpenSearchEngine | None]:
    """Yield the engine; None where no OpenSearch is named. Nothing is asked of it yet. Raises SettingInvalid."""
    if settings.search_url is None:
        yield None
        return
    client, names = OpenSearchClient(settings.search_url.get_secret_value(), ca_file=settings.search_ca_file), Names()
    try:
        yield OpenSearchEngine(
            index=OpenSearchIndex(database, client, names, fall_back=settings.search_when_away == "database"),
            copier=Copier(database, client, names, shards=settings.search_shards),
        )
    finally:
        await client.close()
