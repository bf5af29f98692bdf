"""Finds where a recording turns to something else, from the vectors of what is said. Pure.

The text is cut into units, and the units into chapters such that the vectors of a chapter are as near to their mean as can be:
optimal partitioning with a price for each border (B. Jackson et al., IEEE Signal Processing Letters 12(2), 2005), with a least
length. The vectors of neighbors are averaged first, since single sentences of one talk differ much.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from echoic.records import Embeddings

UNIT_SECONDS = 30.0
MOST_UNITS = 900
"""Longer recordings are cut into longer units, so that the work stays the same."""
MIN_CHAPTER_SECONDS = 60.0
SMOOTHED_UNITS = 1
"""So many units before and after count with each."""
PRICE = 13.0
"""Of a border, in mean distances between neighboring units: found with ``bench/chapters.py``."""

Vectors = NDArray[np.float64]


def borders(starts: Sequence[float], ends: Sequence[float], vectors: Embeddings, *, price: float = PRICE) -> list[int]:
    """Return the places of the segments with which a chapter begins, the first excepted, in order.

    ``starts`` and ``ends`` are those of the segments in seconds; ``vectors`` has a row for each, shape (segments, dimensions),
    a row of zeros where there is none.
    """
    if not len(starts):
        return []
    firsts = units(starts, ends)
    if len(firsts) < 2:  # noqa: PLR2004 - nothing to cut
        return []
    means = _smoothed(_means(firsts, starts, ends, vectors))
    shortest = MIN_CHAPTER_SECONDS
    times = [starts[first] for first in firsts] + [ends[-1]]
    return [firsts[unit] for unit in _cut(means, times, shortest=shortest, price=price)]


def units(starts: Sequence[float], ends: Sequence[float]) -> list[int]:
    """Return the places of the segments with which a unit begins, the first included."""
    length = max(UNIT_SECONDS, (ends[-1] - starts[0]) / MOST_UNITS)
    firsts = [0]
    for place, start in enumerate(starts):
        if start - starts[firsts[-1]] >= length:
            firsts.append(place)
    return firsts


def _means(firsts: Sequence[int], starts: Sequence[float], ends: Sequence[float], vectors: Embeddings) -> Vectors:
    """Return the mean of each unit's vectors, weighted by the length of the segments, with length 1."""
    weights = np.maximum(np.asarray(ends, dtype=np.float64) - np.asarray(starts, dtype=np.float64), 0.1)
    weighted = vectors.astype(np.float64) * weights[:, np.newaxis]
    return _of_length_1(np.add.reduceat(weighted, np.asarray(firsts), axis=0))


def _smoothed(means: Vectors) -> Vectors:
    count = len(means)
    added = sum(
        means[np.clip(np.arange(count) + step, 0, count - 1)] for step in range(-SMOOTHED_UNITS, SMOOTHED_UNITS + 1)
    )
    return _of_length_1(np.asarray(added))


def _of_length_1(rows: Vectors) -> Vectors:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    divided: Vectors = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return divided


def _cut(means: Vectors, times: Sequence[float], *, shortest: float, price: float) -> list[int]:
    """Return the units with which a chapter begins, the first excepted."""
    count = len(means)
    sums = np.vstack([np.zeros(means.shape[1]), np.cumsum(means, axis=0)])
    # Of vectors of length 1, the squared distances to their mean add up to their number less the squared length of the
    # sum over the number.
    neighbors = 1.0 - np.einsum("ij,ij->i", means[:-1], means[1:])
    each = price * float(neighbors.mean()) if count > 1 else 0.0
    best = np.full(count + 1, np.inf)
    best[0] = -each
    before = np.zeros(count + 1, dtype=int)
    for end in range(1, count + 1):
        begins = np.arange(end)
        long_enough = np.asarray(times)[end] - np.asarray(times)[begins] >= shortest
        if not long_enough.any():
            continue
        lengths = end - begins
        scatter = lengths - ((sums[end] - sums[begins]) ** 2).sum(axis=1) / lengths
        cost = np.where(long_enough, best[begins] + scatter + each, np.inf)
        before[end] = int(cost.argmin())
        best[end] = cost[before[end]]
    found: list[int] = []
    end = count
    if not np.isfinite(best[end]):
        return []
    while before[end] > 0:
        end = int(before[end])
        found.append(end)
    return found[::-1]
