"""Looks up the words of the index that are searched for beside a rare word of a query."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.search import vocabulary
from echoic.db.search.lexemes import DICTIONARIES, STEM
from echoic.db.search.vocabulary import WordStatistics
from echoic.search.language import Node, Word, leaves
from echoic.search.similar import COMPOUNDING, MIN_CHARACTERS, compound_part, holding, similar_to
from echoic.text.edits import deletion_forms


def rare_words(tree: Node, stems: Mapping[str, Sequence[str | None]], statistics: WordStatistics) -> set[str]:
    """Return the words of a query that are not common, those that are no stop words in any language."""
    wanted = {leaf.text for leaf in leaves(tree) if isinstance(leaf, Word) and len(leaf.text) >= MIN_CHARACTERS}
    return {
        word for word in wanted if all(stem is not None and statistics.of(STEM + stem) is None for stem in stems[word])
    }


async def similar_words(
    session: AsyncSession, rare: Collection[str], dictionaries: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Return for each word the indexed words within one edit of it and, where a language joins words, its compounds."""
    if not rare:
        return {}
    candidates = await vocabulary.words_sharing(session, set().union(*map(deletion_forms, rare)))
    joins_words = not {DICTIONARIES[language] for language in COMPOUNDING}.isdisjoint(dictionaries)
    parts = {part for word in rare if (part := compound_part(word)) is not None} if joins_words else set()
    compounds = await vocabulary.words_holding(session, parts) if parts else []
    similar = {word: tuple(dict.fromkeys((*similar_to(word, candidates), *holding(word, compounds)))) for word in rare}
    return {word: others for word, others in similar.items() if others}
