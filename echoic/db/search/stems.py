"""The stems of words, remembered: PostgreSQL has the stemmers, and a word's stem never changes."""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

MAX_REMEMBERED = 200_000


class StemMemory:
    """Stems by dictionary and word; asks the database for those it has not met."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str | None] = {}

    async def of(self, session: AsyncSession, dictionary: str, words: Iterable[str]) -> dict[str, str | None]:
        """Return the stems of words in one dictionary."""
        wanted = set(words)
        # Taken out first: while the database is asked, another search may clear the memory.
        known = {word: self._known[dictionary, word] for word in wanted if (dictionary, word) in self._known}
        new = wanted - known.keys()
        if not new:
            return known
        found = await stem_words(session, dictionary, new)
        if len(self._known) > MAX_REMEMBERED:
            self._known.clear()
        self._known.update({(dictionary, word): stem for word, stem in found.items()})
        return known | found

    async def in_all(
        self, session: AsyncSession, dictionaries: Sequence[str], words: Iterable[str]
    ) -> dict[str, tuple[str | None, ...]]:
        """Return the stems of words in several dictionaries, in their order."""
        wanted = set(words)
        stems = [await self.of(session, dictionary, wanted) for dictionary in dictionaries]
        return {word: tuple(found[word] for found in stems) for word in wanted}


class QueryStems:
    """The stems of a query's words in every dictionary of the index."""

    def __init__(self, memory: StemMemory, dictionaries: Sequence[str]) -> None:
        self.memory = memory
        self.dictionaries = dictionaries
        self.known: dict[str, tuple[str | None, ...]] = {}

    async def learn(self, session: AsyncSession, words: Iterable[str]) -> None:
        """Look up the stems of words."""
        self.known |= await self.memory.in_all(session, self.dictionaries, words)


async def stem_words(session: AsyncSession, dictionary: str, found: Iterable[str]) -> dict[str, str | None]:
    """Return the stem of each word; None for a stop word."""
    rows = await session.execute(
        text(
            "SELECT word, (ts_lexize(CAST(:dictionary AS regdictionary), word))[1] FROM unnest(CAST(:words AS text[])) AS word"
        ),
        {"dictionary": dictionary, "words": sorted(found)},
    )
    return {row[0]: row[1] for row in rows}
