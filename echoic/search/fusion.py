"""Reciprocal rank fusion: one ranking out of several whose scores cannot be compared; pure."""

from collections.abc import Sequence
from dataclasses import replace

from echoic.db.search.start import Match

FUSION_K = 60
"""A result's score is the sum of weight / (k + its rank) over the rankings it is in, with the k of Cormack, Clarke and
Büttcher (SIGIR 2009)."""
FUSED = 100
"""The best so many of each ranking take part."""
WORDS_WEIGHT = 3
"""Of the ranking by words. Its last result thus comes before the first one that is found by meaning alone: who asks for
words wants to see first where they were said."""


def fuse(by_words: Sequence[Match], by_meaning: Sequence[Match]) -> list[Match]:
    """All matches of both rankings with their fused scores, in no order."""
    found: dict[tuple[int, int], Match] = {}
    for weight, ranking in ((WORDS_WEIGHT, by_words), (1, by_meaning)):
        for rank, match in enumerate(ranking, 1):
            place = (match.item_id, match.position)
            before = found[place].score if place in found else 0.0
            found[place] = replace(match, score=before + weight / (FUSION_K + rank))
    return list(found.values())
