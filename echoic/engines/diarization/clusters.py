"""Clusters voice vectors by person: average linkage on the cosine, with the number of people found or given.

Average linkage needs only the sum and the number of each cluster's vectors: the mean cosine distance between all pairs
of two clusters of unit vectors is ``1 - sum_a . sum_b / (n_a n_b)``. So a long recording is clustered in blocks, and the
blocks' clusters are joined further by the same rule, with the memory of one block. Pure.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from echoic.engines.diarization.voices import unit
from echoic.engines.protocols import DiarizeOptions
from echoic.records import Embeddings

BLOCK_VECTORS = 2_000
"""Vectors clustered pair by pair at once, about 20 min of speech: takes 32 MB."""
BLOCK_MARGIN = 0.08
"""Blocks are clustered this much more finely than the whole."""
MAX_PARTS = 1_000
"""Clusters joined pair by pair at once: takes 4 MB."""

ESTABLISHED_SECONDS = 3.0
"""A cluster with this much speech counts as a person."""
SHORT_SPEECH_SECONDS = 90.0
"""With less speech than that, there are few vectors of each person, and who says little is lost among the others."""
MIN_SECONDS = 1.0
"""Where there is little speech, a voice far from all others counts as a person from here on. What is shorter is as often a
noise or two voices at once."""
FAR_MARGIN = 0.13
"""How much further than the threshold such a voice must be: the whole without any speech, nothing with
``ESTABLISHED_SECONDS``, but never less than ``MIN_FAR_MARGIN``."""
MIN_FAR_MARGIN = 0.02

FINER_STEP = 0.02
FINEST = 0.1
"""Thresholds tried where more people were asked for than were found."""

Labels = NDArray[np.intp]
"""The cluster of each vector, shape (vectors,), counted from 0 without gaps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Parts:
    """Clusters, as the sums and numbers that average linkage needs."""

    sums: Embeddings
    counts: NDArray[np.float32]

    def joined(self, labels: Labels) -> "_Parts":
        """Return the clusters of these clusters."""
        size = int(labels.max()) + 1
        sums = np.zeros((size, self.sums.shape[1]), dtype=np.float32)
        np.add.at(sums, labels, self.sums)
        counts = np.bincount(labels, weights=self.counts, minlength=size).astype(np.float32)
        return _Parts(sums=sums, counts=counts)

    def distances(self) -> NDArray[np.float32]:
        """Return mean cosine distance between the vectors of each two; infinite from each to itself."""
        means = self.sums / self.counts[:, np.newaxis]
        distances: NDArray[np.float32] = 1 - means @ means.T
        np.fill_diagonal(distances, np.inf)
        return distances


def cluster_surest(
    vectors: Embeddings,
    seconds: NDArray[np.float64],
    sure: NDArray[np.bool_],
    threshold: float,
    options: DiarizeOptions,
) -> Labels:
    """Cluster as ``cluster`` does, but find people by the ``sure`` vectors alone; the others go to the nearest person.

    If there are fewer sure vectors than people asked for, all vectors count.
    """
    if sure.all() or not sure.any():
        return cluster(vectors, seconds, threshold, options)
    found = cluster(vectors[sure], seconds[sure], threshold, DiarizeOptions(max_speakers=options.most))
    if found.max() + 1 < options.least:
        return cluster(vectors, seconds, threshold, options)
    labels = np.zeros(len(vectors), dtype=np.intp)
    labels[sure] = found
    people = _Parts(sums=vectors[sure], counts=np.ones(len(found), dtype=np.float32)).joined(found)
    labels[~sure] = (vectors[~sure] @ unit(people.sums).T).argmax(axis=1)
    return labels


def cluster(vectors: Embeddings, seconds: NDArray[np.float64], threshold: float, options: DiarizeOptions) -> Labels:
    """Return the person of each vector.

    ``seconds`` is how much speech each vector stands for; people are further apart than ``threshold``, a mean cosine
    distance. Without vectors there is nobody; with fewer vectors than people asked for, each vector is one.
    """
    if not len(vectors):
        return np.zeros(0, dtype=np.intp)
    least, most = options.least, options.most
    labels = _kept(vectors, _linked(vectors, threshold), seconds, threshold)
    finer = threshold - FINER_STEP
    while labels.max() + 1 < least and finer > FINEST:
        labels = _established(vectors, _linked(vectors, finer), seconds, least)
        finer -= FINER_STEP
    if most is not None and labels.max() + 1 > most:
        parts = _Parts(sums=vectors, counts=np.ones(len(vectors), dtype=np.float32)).joined(labels)
        labels = join(parts.distances(), parts.counts, threshold=np.inf, least=most)[labels]
    return labels


def join(distances: NDArray[np.float32], counts: NDArray[np.float32], *, threshold: float, least: int = 1) -> Labels:
    """Join the two nearest until the next are further apart than ``threshold`` or ``least`` are left."""
    distances, counts = distances.copy(), counts.copy()
    owner = np.arange(len(counts))
    nearest = distances.argmin(axis=1) if len(counts) > 1 else np.zeros(1, dtype=np.intp)
    shortest = distances[np.arange(len(counts)), nearest]
    for _ in range(len(counts) - least):
        kept = int(shortest.argmin())
        gone = int(nearest[kept])
        if not shortest[kept] <= threshold:
            break
        total = counts[kept] + counts[gone]
        row = (counts[kept] * distances[kept] + counts[gone] * distances[gone]) / total
        row[[kept, gone]] = np.inf
        distances[kept], distances[:, kept] = row, row
        distances[gone], distances[:, gone] = np.inf, np.inf
        counts[kept] = total
        owner[owner == gone] = kept
        shortest[gone] = np.inf
        for stale in {kept, *np.flatnonzero((nearest == kept) | (nearest == gone)).tolist()} - {gone}:
            nearest[stale] = distances[stale].argmin()
            shortest[stale] = distances[stale, nearest[stale]]
        # An untouched cluster may have the joined one for its nearest now only if the mean came nearer, which it cannot.
    return np.unique(owner, return_inverse=True)[1].astype(np.intp)


def _linked(vectors: Embeddings, threshold: float) -> Labels:
    if len(vectors) <= BLOCK_VECTORS:
        return _link_block(vectors, threshold)
    labels = np.zeros(len(vectors), dtype=np.intp)
    used = 0
    for start in range(0, len(vectors), BLOCK_VECTORS):
        block = slice(start, start + BLOCK_VECTORS)
        labels[block] = used + _link_block(vectors[block], threshold - BLOCK_MARGIN)
        used = int(labels[block].max()) + 1
    parts = _Parts(sums=vectors, counts=np.ones(len(vectors), dtype=np.float32)).joined(labels)
    return _join_in_groups(parts, threshold)[labels]


def _join_in_groups(parts: _Parts, threshold: float) -> Labels:
    """Join any number of clusters: while they are too many for one table of distances, neighbors in time first."""
    owner = np.arange(len(parts.counts))
    while len(parts.counts) > MAX_PARTS:
        labels = np.zeros(len(parts.counts), dtype=np.intp)
        used = 0
        for start in range(0, len(parts.counts), MAX_PARTS):
            group = slice(start, start + MAX_PARTS)
            some = _Parts(sums=parts.sums[group], counts=parts.counts[group])
            # At least half are left over: all that was not joined within the threshold is joined as far as need be.
            labels[group] = used + join(some.distances(), some.counts, threshold=np.inf, least=MAX_PARTS // 2)
            used = int(labels[group].max()) + 1
        parts, owner = parts.joined(labels), labels[owner]
    return join(parts.distances(), parts.counts, threshold=threshold)[owner]


def _link_block(vectors: Embeddings, threshold: float) -> Labels:
    if len(vectors) == 1:
        return np.zeros(1, dtype=np.intp)
    tree = linkage(pdist(vectors, "cosine"), "average")
    return np.asarray(fcluster(tree, threshold, "distance"), dtype=np.intp) - 1


def _kept(vectors: Embeddings, labels: Labels, seconds: NDArray[np.float64], threshold: float) -> Labels:
    """Join each cluster with too little speech to the nearest cluster that counts as a person.

    The less speech, the further a voice must be from everybody with more: what noise makes of a known voice is less far.
    """
    parts = _Parts(sums=vectors, counts=np.ones(len(vectors), dtype=np.float32)).joined(labels)
    speech = np.bincount(labels, weights=seconds)
    few = MIN_SECONDS if float(seconds.sum()) < SHORT_SPEECH_SECONDS else ESTABLISHED_SECONDS
    people: list[int] = []
    for index in np.argsort(-speech, kind="stable").tolist():
        if people and speech[index] < ESTABLISHED_SECONDS:
            margin = max(MIN_FAR_MARGIN, FAR_MARGIN * (1 - speech[index] / ESTABLISHED_SECONDS))
            apart = 1 - parts.sums[people] @ parts.sums[index] / (parts.counts[people] * parts.counts[index])
            if speech[index] < few or apart.min() < threshold + margin:
                continue
        people.append(index)
    return _given_to_nearest(vectors, labels, parts, people)


def _established(vectors: Embeddings, labels: Labels, seconds: NDArray[np.float64], wanted: int) -> Labels:
    """Return the clusters with most speech, as many as are wanted; the others go to the nearest of them."""
    parts = _Parts(sums=vectors, counts=np.ones(len(vectors), dtype=np.float32)).joined(labels)
    speech = np.bincount(labels, weights=seconds)
    return _given_to_nearest(vectors, labels, parts, np.argsort(-speech, kind="stable")[:wanted].tolist())


def _given_to_nearest(vectors: Embeddings, labels: Labels, parts: _Parts, people: list[int]) -> Labels:
    number = np.full(len(parts.counts), -1, dtype=np.intp)
    number[sorted(people)] = np.arange(len(people))
    given = number[labels]
    lost = given < 0
    given[lost] = (vectors[lost] @ unit(parts.sums[sorted(people)]).T).argmax(axis=1)
    return given
