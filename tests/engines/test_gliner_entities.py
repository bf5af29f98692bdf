"""The border to GLiNER, with a stand-in for the library: no model of it can be had where the tests run."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
from hypothesis import given, strategies as st

from echoic import errors
from echoic.engines.gliner_entities import LABELS, OVERLAP_WORDS, WINDOW_WORDS, GlinerEntityTagger, windows
from echoic.engines.protocols import EntityTagger
from echoic.engines.registry import Engines
from echoic.records import EngineId
from echoic.settings import Settings

ENGINE = EngineId(name="gliner", model="some/model", version="0.2.29")


class StandIn:
    """A model with the signatures of GLiNER 0.2.29 that knows a few names; like GLiNER it reads 384 tokens at most."""

    names: ClassVar = {"Margaret": "person", "Mr. Thornton": "person", "Norway": "location", "Acme": "organization"}
    loaded: ClassVar[list[dict[str, Any]]]
    load_error: Exception | None = None
    error: Exception | None = None

    def __init__(self) -> None:
        self.texts: list[str] = []

    @classmethod
    def from_pretrained(cls, model_id: str, *, cache_dir: Path, local_files_only: bool, map_location: str) -> "StandIn":
        if cls.load_error is not None:
            raise cls.load_error
        cls.loaded.append({"id": model_id, "cache": cache_dir, "offline": local_files_only, "device": map_location})
        return cls()

    def inference(
        self,
        texts: Sequence[str],
        labels: Sequence[str],
        *,
        flat_ner: bool,
        threshold: float,
        multi_label: bool,
        batch_size: int,
    ) -> list[list[dict[str, Any]]]:
        assert flat_ner
        assert not multi_label
        assert 0 < threshold < 1
        assert batch_size >= 1
        if self.error is not None:
            raise self.error
        assert all(0 < len(text.split()) <= 384 for text in texts)
        self.texts += texts
        return [self._found(text, labels) for text in texts]

    def _found(self, text: str, labels: Sequence[str]) -> list[dict[str, Any]]:
        found = []
        for name, label in self.names.items():
            start = text.find(name)
            while start >= 0:
                assert label in labels
                entity = {"start": start, "end": start + len(name), "text": name, "label": label, "score": 0.875}
                found.append(entity)
                start = text.find(name, start + 1)
        return found


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> type[StandIn]:
    """The stand-in as the installed library."""

    class Library(StandIn):
        loaded: ClassVar[list[dict[str, Any]]] = []

    module, safetensors = ModuleType("gliner"), ModuleType("safetensors")
    vars(module)["GLiNER"] = Library
    vars(safetensors)["SafetensorError"] = type("SafetensorError", (Exception,), {})
    monkeypatch.setitem(sys.modules, "gliner", module)
    monkeypatch.setitem(sys.modules, "safetensors", safetensors)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    return Library


@pytest.fixture
def make(library: type[StandIn], tmp_path: Path) -> Callable[..., GlinerEntityTagger]:
    def load(**changes: Any) -> GlinerEntityTagger:
        return GlinerEntityTagger(ENGINE, Settings(_env_file=None, data_dir=tmp_path).model_copy(update=changes))

    return load


def test_labels_become_types_scores_confidences_and_titles_fall_away(
    make: Callable[..., GlinerEntityTagger],
) -> None:
    tagger: EntityTagger = make()
    text = "Margaret and Mr. Thornton left Acme for Norway."

    found = tagger.tag(text)

    assert [(span.text, span.type, span.confidence) for span in found] == [
        ("Margaret", "person", 0.875),
        ("Thornton", "person", 0.875),
        ("Acme", "organization", 0.875),
        ("Norway", "place", 0.875),
    ]
    assert all(text[span.start : span.end] == span.text for span in found)


def test_every_type_has_a_label() -> None:
    assert set(LABELS.values()) == {"person", "organization", "place", "product"}


def test_only_models_trained_on_several_languages_are_asked_about_these(library: type[StandIn], tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    names = ("urchade/gliner_medium-v2.1", "urchade/gliner_multi-v2.1", "my/model")
    known = [GlinerEntityTagger(replace(ENGINE, model=name), settings).languages for name in names]
    assert known == [{"en"}, None, None]


@pytest.mark.parametrize("text", ["", " \n "])
def test_no_words_no_work(make: Callable[..., GlinerEntityTagger], text: str) -> None:
    assert make().tag(text) == ()


def test_in_a_long_text_each_name_is_found_once_wherever_windows_meet(
    make: Callable[..., GlinerEntityTagger],
) -> None:
    # A name after every seventh word: some of them stand at each place within an overlap.
    text = " ".join("Norway" if number % 7 == 0 else f"word{number}" for number in range(1000))

    found = make().tag(text)

    assert [span.start for span in found] == [at for at in range(len(text)) if text.startswith("Norway", at)]


@given(st.lists(st.text(alphabet="ab.\n ", min_size=1, max_size=6), max_size=700))
def test_windows_cover_every_word_overlap_and_stay_short(parts: list[str]) -> None:
    text = " ".join(parts)

    frames = list(windows(text))

    assert "".join(text.split()) == "" or frames
    assert all(len(text[start:end].split()) <= WINDOW_WORDS for start, end in frames)
    for (_, end), (start, _) in pairwise(frames):
        assert len(text[start:end].split()) == OVERLAP_WORDS
    if frames:
        assert not text[: frames[0][0]].strip()
        assert not text[frames[-1][1] :].strip()


def test_the_model_comes_from_the_cache_alone_where_downloads_are_off(
    make: Callable[..., GlinerEntityTagger], library: type[StandIn], tmp_path: Path
) -> None:
    make(model_downloads=False, entity_tagger_device="cuda")

    assert library.loaded == [
        {"id": "some/model", "cache": tmp_path / "models" / "gliner", "offline": True, "device": "cuda"}
    ]


@pytest.mark.parametrize("error", [FileNotFoundError("no such model"), RuntimeError("sizes differ"), ValueError("id")])
def test_a_model_that_cannot_be_had_is_named(
    make: Callable[..., GlinerEntityTagger], library: type[StandIn], error: Exception
) -> None:
    library.load_error = error

    with pytest.raises(errors.ModelMissing, match="some/model") as raised:
        make()
    assert raised.value.__cause__ is error


def test_without_the_extra_the_message_says_how_to_install_it(
    make: Callable[..., GlinerEntityTagger], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gliner", None)

    with pytest.raises(errors.ModelMissing, match=r"echoic\[gliner\]"):
        make()


def test_what_the_library_raises_while_it_works_is_the_engines_failure(
    make: Callable[..., GlinerEntityTagger], library: type[StandIn]
) -> None:
    library.error = RuntimeError("CUDA out of memory")

    with pytest.raises(errors.EngineFailed) as raised:
        make().tag("Margaret")
    assert raised.value.__cause__ is library.error


def test_the_settings_name_it_and_its_model(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, entity_tagger="gliner", entity_tagger_model="my/model")

    assert Engines(settings).entity_tagger.id.label.startswith("gliner/my/model@")
