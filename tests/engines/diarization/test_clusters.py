"""Whose voice is whose: the number of people, given and found, and blocks that change nothing."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from echoic.engines.diarization import clusters
from echoic.engines.diarization.clusters import Labels, cluster, cluster_surest, join
from echoic.engines.diarization.voices import unit
from echoic.engines.protocols import DiarizeOptions
from echoic.records import Embeddings

THRESHOLD = 0.5
AUTOMATIC = DiarizeOptions()


def voices(sizes: list[int], *, spread: float = 0.6, seed: int = 0) -> tuple[Embeddings, list[int]]:
    """Vectors of people who share nothing, shuffled, and whose they are; 0.6 makes 0.26 of mean distance within."""
    random = np.random.default_rng(seed)
    people = unit(np.linalg.qr(random.standard_normal((64, 64)))[0][: len(sizes)].astype(np.float32))
    whose = [person for person, size in enumerate(sizes) for _ in range(size)]
    random.shuffle(whose)
    noise = unit(random.standard_normal((len(whose), 64)).astype(np.float32))
    return unit(people[whose] + np.float32(spread) * noise), whose


def seconds(vectors: Embeddings, each: float = 1.0) -> NDArray[np.float64]:
    return np.full(len(vectors), each)


def same_partition(labels: Labels, whose: list[int]) -> bool:
    return all((labels[a] == labels[b]) == (whose[a] == whose[b]) for a, b in combinations(range(len(whose)), 2))


def test_people_are_told_apart_and_counted() -> None:
    vectors, whose = voices([20, 9, 4])

    labels = cluster(vectors, seconds(vectors), THRESHOLD, AUTOMATIC)

    assert same_partition(labels, whose)
    assert sorted(set(labels.tolist())) == [0, 1, 2]


def test_no_voices_are_nobody() -> None:
    assert len(cluster(np.zeros((0, 64), dtype=np.float32), np.zeros(0), THRESHOLD, AUTOMATIC)) == 0


@pytest.mark.parametrize("options", [AUTOMATIC, DiarizeOptions(num_speakers=4), DiarizeOptions(max_speakers=1)])
def test_a_single_voice_is_one_person_whatever_is_asked_for(options: DiarizeOptions) -> None:
    vectors, _ = voices([1])

    assert cluster(vectors, seconds(vectors), THRESHOLD, options).tolist() == [0]


@pytest.mark.parametrize("number", [1, 2, 3, 4, 7])
def test_as_many_people_are_told_apart_as_are_asked_for(number: int) -> None:
    vectors, whose = voices([12, 12, 12, 12])

    labels = cluster(vectors, seconds(vectors), THRESHOLD, DiarizeOptions(num_speakers=number))

    assert labels.max() + 1 == number
    if number < 4:  # People are put together whole.
        assert len({(person, label) for person, label in zip(whose, labels.tolist(), strict=True)}) == 4


def test_bounds_that_hold_anyway_change_nothing() -> None:
    vectors, _ = voices([12, 12, 12])

    free = cluster(vectors, seconds(vectors), THRESHOLD, AUTOMATIC)
    bound = cluster(vectors, seconds(vectors), THRESHOLD, DiarizeOptions(min_speakers=2, max_speakers=5))

    assert np.array_equal(free, bound)


def test_a_voice_that_speaks_too_little_is_given_to_the_nearest_where_there_is_much_speech() -> None:
    vectors, whose = voices([60, 60, 2])

    labels = cluster(vectors, seconds(vectors), THRESHOLD, AUTOMATIC)

    assert labels.max() + 1 == 2
    assert same_partition(labels[np.array(whose) < 2], [person for person in whose if person < 2])


def test_a_voice_that_is_far_from_all_others_is_a_person_in_a_short_recording() -> None:
    vectors, _ = voices([50, 30, 1])

    assert cluster(vectors, seconds(vectors), THRESHOLD, AUTOMATIC).max() + 1 == 3
    assert cluster(vectors, seconds(vectors, 0.9), THRESHOLD, AUTOMATIC).max() + 1 == 2


def test_unsure_vectors_make_nobody_but_are_given_to_the_nearest() -> None:
    vectors, whose = voices([20, 20, 8])
    sure = np.array(whose) != 2
    sure[[whose.index(0), whose.index(1)]] = False

    labels = cluster_surest(vectors, seconds(vectors), sure, THRESHOLD, AUTOMATIC)
    of_three = cluster_surest(vectors, seconds(vectors), sure, THRESHOLD, DiarizeOptions(num_speakers=3))

    assert labels.max() + 1 == 2
    assert same_partition(labels[np.array(whose) < 2], [person for person in whose if person < 2])
    assert same_partition(of_three, whose)


@pytest.mark.parametrize("seed", range(3))
def test_a_recording_too_long_for_one_block_has_the_same_people(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, whose = voices([150, 90, 40, 20], seed=seed)
    whole = cluster(vectors, seconds(vectors), THRESHOLD, AUTOMATIC)

    monkeypatch.setattr(clusters, "BLOCK_VECTORS", 37)
    monkeypatch.setattr(clusters, "MAX_PARTS", 12)
    in_blocks = cluster(vectors, seconds(vectors), THRESHOLD, AUTOMATIC)

    assert same_partition(whole, whose)
    assert same_partition(in_blocks, whose)


@settings(max_examples=50, deadline=None)
@given(st.integers(min_value=2, max_value=40), st.integers(min_value=0, max_value=10_000), st.floats(0.2, 1.2))
def test_joining_is_average_linkage(number: int, seed: int, threshold: float) -> None:
    vectors = unit(np.random.default_rng(seed).standard_normal((number, 5)).astype(np.float32))
    distances = 1 - vectors @ vectors.T
    np.fill_diagonal(distances, np.inf)

    labels = join(distances, np.ones(number, dtype=np.float32), threshold=threshold)

    tree = linkage(pdist(vectors, "cosine"), "average")
    if np.abs(tree[:, 2] - threshold).min() > 1e-3:
        assert same_partition(labels, fcluster(tree, threshold, "distance").tolist())
