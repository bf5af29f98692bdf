"""Rankings: their order, and reciprocal rank fusion, which makes one of two whose scores cannot be compared. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from echoic.search.question import Order

MAX_NEAREST = 100
"""In an embedding space everything is near everything to some degree: at most so many of the nearest segments count as
found."""

FUSION_K = 60
"""A result's score is the sum of weight / (k + its rank) over the rankings it is in, with the k of Cormack, Clarke and
Büttcher (SIGIR 2009)."""
FUSED = 100
"""The best so many of each ranking take part."""
WORDS_WEIGHT = 3
"""Weight of the ranking by words. Its last result thus comes before the first one of the semantic ranking alone: people
who search for words want to see first where they were said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A place that was found: a segment, or where ``segment_id`` is None an item by its title or description."""

    item_id: int
    segment_id: int | None
    position: int
    score: float
    published_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Matches:
    """The best matches in order, and how many there are; where it is not ``exact``, there are more."""

    matches: tuple[Match, ...]
    total: int
    exact: bool


def in_order(matches: Sequence[Match], order: Order) -> list[Match]:
    """Sort matches into the order that is wanted."""

    def place(match: Match) -> tuple[float, int, int]:
        if order.sort == "relevance":
            value = match.score
        else:
            value = match.published_at.timestamp() if match.published_at else 0.0
        return (value if order.ascending else -value, -match.item_id, match.position)

    return sorted(matches, key=place)


def fuse(by_words: Matches, semantic: Matches, order: Order) -> Matches:
    """Merge the best of both rankings."""
    found: dict[tuple[int, int], Match] = {}
    for weight, ranking in ((WORDS_WEIGHT, by_words), (1, semantic)):
        for rank, match in enumerate(ranking.matches, 1):
            place = (match.item_id, match.position)
            before = found[place].score if place in found else 0.0
            found[place] = replace(match, score=before + weight / (FUSION_K + rank))
    return Matches(
        matches=tuple(in_order(list(found.values()), order)),
        total=len(found),
        exact=all(ranking.exact and ranking.total <= len(ranking.matches) for ranking in (by_words, semantic)),
    )
