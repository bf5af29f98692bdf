"""The port between search and the engine that holds the index.

docs/search.md says what an engine promises. PostgreSQL is one engine (``echoic.db.search.postgres``), ``memory`` another;
``tests/search`` has the contract that both pass.
"""

from typing import Protocol

from echoic.search.answer import Found
from echoic.search.question import Search


class SearchIndex(Protocol):
    """An engine that holds the index and answers searches."""

    async def supports_semantic(self) -> bool:
        """Return whether it can compare embeddings."""
        ...

    async def compares_all(self, model: str) -> bool:
        """Return whether every embedding it holds was made by this model; those of others are compared with nothing."""
        ...

    async def find(self, search: Search) -> Found:
        """Answer a search whose query was read; see docs/search.md for what is promised."""
        ...
