"""The words of the index: how common they are, and which may be within one edit of a word."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Text, any_, bindparam, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.reads import Query, ask
from echoic.db.search.index import SearchWord


@dataclass(frozen=True, kw_only=True, slots=True)
class WordStatistics:
    """Frequencies of the common words, by PostgreSQL's own statistics of the index."""

    frequencies: Mapping[str, float]
    """The part of all entries that hold a lexeme; lexemes that are missing here are rarer than all that are not."""
    entries: float
    """About how many there are."""

    def of(self, lexeme: str) -> float | None:
        return self.frequencies.get(lexeme)


async def word_statistics(session: AsyncSession) -> WordStatistics:
    """Read the statistics of the last ANALYZE; they are empty before the first."""
    rows = await session.execute(
        text(
            "SELECT lexeme, frequency FROM pg_stats, LATERAL unnest("
            "CAST(CAST(most_common_elems AS text) AS text[]), most_common_elem_freqs) AS common(lexeme, frequency) "
            "WHERE schemaname = current_schema() AND tablename = 'search_entries' AND attname = 'vector' "
            "AND lexeme IS NOT NULL"
        )
    )
    frequencies = {row[0]: row[1] for row in rows}
    entries = await session.scalar(text("SELECT reltuples FROM pg_class WHERE oid = 'search_entries'::regclass"))
    return WordStatistics(frequencies=frequencies, entries=max(0.0, entries or 0.0))


MAX_CANDIDATES = 200
_HOLDING = Query(
    select(SearchWord.word)
    .where(SearchWord.word.like(any_(bindparam("patterns", type_=ARRAY(Text())))))
    .order_by(func.length(SearchWord.word), SearchWord.word)
    .limit(literal_column(str(MAX_CANDIDATES)))
)
_SHARING = Query(
    select(SearchWord.word)
    .where(SearchWord.slips.overlap(bindparam("forms", type_=ARRAY(Text()))))
    .limit(literal_column(str(MAX_CANDIDATES)))
)


async def words_holding(session: AsyncSession, parts: set[str]) -> list[str]:
    """Find indexed words that hold one of these texts, the shortest first: candidates for compounds.

    The index of trigrams finds them; reading all words would take 11 ms of 100,000. The texts are letters alone, so none has
    a sign of a pattern.
    """
    return [row[0] for row in await ask(session, _HOLDING, patterns=sorted(f"%{part}%" for part in parts))]


async def words_sharing(session: AsyncSession, forms: set[str]) -> list[str]:
    """Find indexed words that share one of these forms (``edits.deletion_forms``): candidates for similar words."""
    return [row[0] for row in await ask(session, _SHARING, forms=sorted(forms))]
