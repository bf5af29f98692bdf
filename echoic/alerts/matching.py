"""The question of an alert, and which of its answers are new. An alert finds what a search for the same would find."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from echoic.db.outbox.alerts import Span
from echoic.search.answer import Hit
from echoic.search.port import SearchIndex
from echoic.search.question import Filters, Order, Search
from echoic.search.run import EncoderLease, search
from echoic.text.doubt import is_unlikely

MOST_HITS = 1000
"""The most that a search ranks and counts."""


async def hits_in(
    item_id: int,
    *,
    account_id: int,
    query: str,
    filters: Mapping[str, Any],
    index: SearchIndex,
    encoder: EncoderLease,
) -> list[Hit]:
    """Return what a query finds in one item for an account, in the order in which it is said; the title comes first.

    Only the query's own words count, not those like a rare one, which a search adds where it finds little. Doubtful text that
    is hardly likely is left out. Raises QueryInvalid.
    """
    wanted = Search(
        account_id=account_id,
        query=query,
        search_type="text",
        filters=replace(as_filters(filters), items=(item_id,)),
        order=Order(sort="date"),
        limit=MOST_HITS,
        highlight=False,
        similar=False,
    )
    found = await search(wanted, index=index, encoder=encoder)
    return [hit for hit in found.hits if not is_unlikely(hit.quality, hit.confidence)]


def as_filters(kept: Mapping[str, Any]) -> Filters:
    """Return filters as they are kept with an alert as the search takes them."""
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()}
    return Filters(**given)


def span_of(hit: Hit) -> Span:
    """Return the stretch of a hit; that of a title or a description lies before the recording."""
    return (hit.start, hit.end) if hit.segment_id is not None else (-1.0, -1.0)


def not_in(hits: Sequence[Hit], spans: Sequence[Span]) -> list[Hit]:
    """Return the hits of which none of the stretches tells.

    Segments begin and end elsewhere after another transcription, so a hit counts as told where half of the shorter of the
    two is common to both.
    """
    return [hit for hit in hits if not any(is_same(span_of(hit), span) for span in spans)]


def is_same(one: Span, other: Span) -> bool:
    """Return whether two stretches share at least half of the shorter one."""
    if one == other:
        return True
    shorter = min(one[1] - one[0], other[1] - other[0])
    return shorter > 0 and min(one[1], other[1]) - max(one[0], other[0]) >= shorter / 2
