"""Reciprocal rank fusion: one ranking out of several whose scores cannot be compared; pure."""

from collections.abc import Sequence
from dataclasses import replace

from echoic.db.search import Match

FUSION_K = 60
"""A result's score is the sum of 1 / (k + its rank) over the rankings it is in, with the k of Cormack, Clarke and
Büttcher (SIGIR 2009)."""


def fuse(rankings: Sequence[Sequence[Match]]) -> list[Match]:
    """All matches of all rankings with their fused scores, in no order."""
    found: dict[tuple[int, int], Match] = {}
    for ranking in rankings:
        for rank, match in enumerate(ranking, 1):
            place = (match.item_id, match.position)
            before = found[place].score if place in found else 0.0
            found[place] = replace(match, score=before + 1 / (FUSION_K + rank))
    return list(found.values())
