"""The words of the index: how common they are, and which may be within one edit of a word."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


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


async def words_holding(session: AsyncSession, parts: set[str]) -> list[str]:
    """Find indexed words that hold one of these texts, the shortest first: candidates for compounds.

    It reads the whole table of words. The texts are letters alone, so none has a sign of a pattern.
    """
    return list(
        await session.scalars(
            text(
                "SELECT word FROM search_words WHERE word LIKE ANY(CAST(:patterns AS text[])) "
                "ORDER BY length(word), word LIMIT 200"
            ),
            {"patterns": sorted(f"%{part}%" for part in parts)},
        )
    )


async def words_sharing(session: AsyncSession, forms: set[str]) -> list[str]:
    """Find indexed words that share one of these forms (``edits.deletion_forms``): candidates for similar words."""
    return list(
        await session.scalars(
            text("SELECT word FROM search_words WHERE slips && CAST(:forms AS text[]) LIMIT 200"),
            {"forms": sorted(forms)},
        )
    )
