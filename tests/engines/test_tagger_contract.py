"""What every entity tagger does."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from echoic.engines.fake import FakeEntityTagger
from echoic.engines.protocols import EntityTagger
from echoic.engines.registry import Engines

TEXT = "Yesterday Margaret Thornton flew from London to Norway. She works there."


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.models)], scope="module")
def tagger(request: pytest.FixtureRequest) -> Iterator[EntityTagger]:
    if request.param == "fake":
        yield FakeEntityTagger()
    else:
        engines: Engines = request.getfixturevalue("engines")
        with engines.entity_tagger.use() as engine:
            yield engine


def test_people_and_places_are_found_where_they_stand(tagger: EntityTagger) -> None:
    spans = tagger.tag(TEXT)

    assert {span.type for span in spans} == {"person", "place"}
    assert [span.text for span in spans if span.type == "place"] == ["London", "Norway"]
    assert all(TEXT[span.start : span.end] == span.text for span in spans)


def test_spans_are_in_order_and_do_not_overlap(tagger: EntityTagger) -> None:
    spans = tagger.tag(TEXT * 3)

    assert all(before.end <= after.start for before, after in pairwise(spans))


@pytest.mark.parametrize("text", ["", " \n ", "and then they went on as before"])
def test_a_text_without_names_has_no_spans(tagger: EntityTagger, text: str) -> None:
    assert tagger.tag(text) == ()


def test_offsets_hold_in_a_text_longer_than_the_engine_takes_at_once(tagger: EntityTagger) -> None:
    # Long words, since the engine's time goes by their number.
    text = "Notwithstanding institutionalization, counterrevolutionaries oversimplified. " * 1400 + TEXT

    spans = tagger.tag(text)

    assert len(text) > 100_000
    assert [span.start - len(text) + len(TEXT) for span in spans if span.text == "London"] == [TEXT.index("London")]
    assert all(text[span.start : span.end] == span.text for span in spans)


def test_offsets_count_characters_of_any_script(tagger: EntityTagger) -> None:
    text = f"Ünïcödé 日本 🙂. {TEXT}"

    (london,) = [span for span in tagger.tag(text) if span.text == "London"]

    assert london.start == text.index("London")
