"""What every text encoder does."""

from collections.abc import Iterator

import numpy as np
import pytest

from echoic.engines.fake import FakeTextEncoder
from echoic.engines.protocols import TextEncoder
from echoic.engines.registry import Engines

TEXTS = ["The budget meeting is on Monday.", "", "A rabbit ran through the garden.", "word " * 1000, "日本語 🙂"]


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.models)], scope="module")
def encoder(request: pytest.FixtureRequest) -> Iterator[TextEncoder]:
    if request.param == "fake":
        yield FakeTextEncoder()
    else:
        engines: Engines = request.getfixturevalue("engines")
        with engines.text_encoder.use() as engine:
            yield engine


def test_every_text_whatever_it_is_gets_a_vector_of_length_one(encoder: TextEncoder) -> None:
    vectors = encoder.encode(TEXTS, "passage")

    assert vectors.shape == (len(TEXTS), encoder.dimensions)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)


def test_no_texts_are_no_vectors(encoder: TextEncoder) -> None:
    assert encoder.encode([], "passage").shape == (0, encoder.dimensions)


def test_vectors_come_in_the_order_of_the_texts_whatever_their_lengths(encoder: TextEncoder) -> None:
    texts = [f"{'very ' * (index * 7 % 40)}important point number {index}" for index in range(20)]

    together = encoder.encode(texts, "passage")
    alone = np.concatenate([encoder.encode([text], "passage") for text in texts])

    # Weights of 8 bits are scaled by batch, so the same text differs a little from batch to batch.
    assert np.sum(together * alone, axis=1).min() > 0.97


def test_the_same_texts_give_the_same_vectors(encoder: TextEncoder) -> None:
    assert np.array_equal(encoder.encode(TEXTS, "passage"), encoder.encode(TEXTS, "passage"))


def test_a_query_is_nearest_to_the_passage_about_the_same(encoder: TextEncoder) -> None:
    passages = encoder.encode(
        [
            "The budget meeting was moved to Monday because of the holiday.",
            "A rabbit ran through the garden and ate the flowers.",
            "The engine of the old boat would not start in the cold.",
        ],
        "passage",
    )

    queries = encoder.encode(["when is the budget meeting", "rabbit in the garden", "the boat engine"], "query")

    assert np.argmax(queries @ passages.T, axis=1).tolist() == [0, 1, 2]
