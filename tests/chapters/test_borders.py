"""Chapters begin where the talk turns to something else, and are never too short."""

import numpy as np
from hypothesis import given, settings, strategies as st

from echoic.chapters.borders import MIN_CHAPTER_SECONDS, borders
from echoic.records import Embeddings

SECONDS = 5.0


def talk_of(*topics: int, each: int = 40, noise: float = 0.8, seed: int = 1) -> Embeddings:
    """Vectors of segments of five seconds, so many about each topic."""
    chance = np.random.default_rng(seed)
    middles = chance.normal(size=(max(topics) + 1, 64))
    rows = np.repeat(middles[list(topics)], each, axis=0)
    rows += noise * chance.normal(size=rows.shape) * np.sqrt(2)
    vectors: Embeddings = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return vectors


def times(count: int) -> tuple[list[float], list[float]]:
    starts = [SECONDS * number for number in range(count)]
    return starts, [start + SECONDS for start in starts]


def test_a_talk_is_cut_where_its_topics_change_within_a_unit() -> None:
    vectors = talk_of(0, 1, 2, 0)
    found = borders(*times(len(vectors)), vectors)
    assert len(found) == 3
    assert all(abs(place - true) <= 6 for place, true in zip(found, (40, 80, 120), strict=True))


def test_a_talk_about_one_thing_is_one_chapter() -> None:
    vectors = talk_of(0, 0, 0)
    assert borders(*times(len(vectors)), vectors) == []


@settings(deadline=None, max_examples=40)
@given(lengths=st.lists(st.floats(0.1, 90.0), min_size=0, max_size=60), price=st.floats(0, 20), seed=st.integers(0, 9))
def test_no_chapter_is_shorter_than_the_least_and_nothing_fails(lengths: list[float], price: float, seed: int) -> None:
    ends = list(np.cumsum(lengths)) if lengths else []
    starts = [end - length for end, length in zip(ends, lengths, strict=True)]
    vectors = np.random.default_rng(seed).normal(size=(len(lengths), 8)).astype(np.float32)
    vectors[::3] = 0
    found = borders(starts, ends, vectors, price=price)
    assert found == sorted(set(found))
    if found:
        cuts = [starts[0], *(starts[place] for place in found), ends[-1]]
        assert min(np.diff(cuts)) >= MIN_CHAPTER_SECONDS - 1e-6
