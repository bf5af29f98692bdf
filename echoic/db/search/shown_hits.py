"""Loads what a page of matches shows, and makes hits of it; the same for every engine."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.search import found_rows
from echoic.db.search.lexemes import DICTIONARIES, PLAIN
from echoic.db.search.stems import QueryStems
from echoic.search.answer import FoundItem, Hit
from echoic.search.highlight import Highlighter, Stems
from echoic.search.hits import HitMaker, Segments, is_there, segments_around, shown_words
from echoic.search.language import Node
from echoic.search.question import Search
from echoic.search.ranking import Match


async def load_hits(
    session: AsyncSession, search: Search, page: Sequence[Match], tree: Node | None, query: QueryStems
) -> tuple[Hit, ...]:
    """Return the hits of matches. Those that are gone meanwhile are left out.

    ``tree`` is the query's, which may have gained similar words, and ``query`` has the stems of its words.
    """
    if not page:
        return ()
    ids = [match.segment_id for match in page if match.segment_id is not None]
    items = await found_rows.found_items(session, [match.item_id for match in page])
    segments = await found_rows.found_segments(session, ids, around=segments_around(search)) if ids else {}
    page = [match for match in page if is_there(match, items, segments)]
    wanted = search.highlight and search.tree is not None
    stems = await _stems_shown(session, page, items, segments, query) if wanted else {}
    return HitMaker(search, Highlighter.of(tree, query.known), items, segments, stems).make(page)


async def _stems_shown(
    session: AsyncSession,
    page: Sequence[Match],
    items: Mapping[int, FoundItem],
    segments: Segments,
    query: QueryStems,
) -> dict[int, Stems]:
    """Look up the stems of all words that are shown, for each item in its language."""
    shown: dict[str, set[str]] = {}
    for match in page:
        found = items[match.item_id]
        shown.setdefault(_dictionary(found, query.dictionaries), set()).update(shown_words(match, found, segments))
    stems = {name: await query.memory.of(session, name, words) for name, words in shown.items()}
    return {match.item_id: stems[_dictionary(items[match.item_id], query.dictionaries)] for match in page}


def _dictionary(found: FoundItem, dictionaries: Collection[str]) -> str:
    """Return the dictionary for the words of an item; the server may lack that of its language."""
    wanted = DICTIONARIES.get(found.language or "", PLAIN)
    return wanted if wanted in dictionaries else PLAIN
