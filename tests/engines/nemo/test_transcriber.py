"""What differs from Whisper, on models of a few operations; what all transcribers do is in the contract."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from echoic import errors
from echoic.engines.models import find, hub
from echoic.engines.models.model import HubModel
from echoic.engines.models.nemo import NEMO, NEMO_FLOAT
from echoic.engines.models.nemo_dir import nemo_dir
from echoic.engines.nemo.transcriber import NemoTranscriber
from echoic.engines.protocols import TranscribeOptions
from echoic.records import Audio, EngineId
from echoic.settings import Settings
from tests.engines.nemo import tiny

ENGLISH = TranscribeOptions(language="en")


def settings(folder: Path, **changes: Any) -> Settings:
    return Settings(_env_file=None, data_dir=folder, model_downloads=False).model_copy(update=changes)


@pytest.fixture(scope="module")
def parakeet(tmp_path_factory: pytest.TempPathFactory) -> NemoTranscriber:
    folder = tmp_path_factory.mktemp("parakeet")
    return tiny.load(tiny.write_tdt(folder / "model"), folder)


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> NemoTranscriber:
    folder = tmp_path_factory.mktemp("canary")
    return tiny.load(tiny.write_aed(folder / "model"), folder)


def test_a_transducers_words_have_its_times_and_probabilities(parakeet: NemoTranscriber, jfk: Audio) -> None:
    heard = parakeet.transcribe(jfk, options=ENGLISH)

    words = [word for segment in heard.segments for word in segment.words]
    assert {word.text for word in words} == {"ja", "na"}
    assert all(0.05 <= word.end - word.start <= 0.33 for word in words)
    assert all(0.5 <= word.score < 1 for word in words)
    assert heard.limits == ()
    # Marks of quality are those of Whisper's own decoding.
    assert {segment.quality for segment in heard.segments} == {None}


def test_canary_writes_the_language_it_is_told_and_its_words_are_placed_in_the_speech(
    canary: NemoTranscriber, jfk: Audio
) -> None:
    english, german = (
        canary.transcribe(jfk, options=TranscribeOptions(language=language)) for language in ("en", "de")
    )

    assert " ".join(segment.text for segment in english.segments) == "yes of course, it is so and not otherwise."
    assert " ".join(segment.text for segment in german.segments) == "ja das ist, nun mal so und nicht anders."
    assert english.segments[-1].end > 10
    assert english.limits == ("word_times_estimated",)


def test_a_vocabulary_is_said_to_have_no_effect(parakeet: NemoTranscriber, jfk: Audio) -> None:
    options = TranscribeOptions(language="en", hotwords=("Kubernetes",))

    assert parakeet.transcribe(jfk, options=options).limits == ("vocabulary_not_used",)


def test_a_language_that_the_model_does_not_know_is_refused(tmp_path: Path, jfk: Audio) -> None:
    folder = tiny.write_tdt(tmp_path / "models" / "parakeet-tdt-0.6b-v2")
    own = settings(tmp_path, models_dir=folder.parent)
    english_only = NemoTranscriber(EngineId(name="onnx-asr", model=folder.name, version="1"), own)

    with pytest.raises(errors.LanguageUnsupported, match=r"'parakeet-tdt-0\.6b-v2' .* 'de'; it knows en"):
        english_only.transcribe(jfk, options=TranscribeOptions(language="de"))
    # A model of one language need not guess it.
    heard = english_only.transcribe(jfk, options=TranscribeOptions())
    assert (heard.language, heard.language_probability) == ("en", 1.0)


def test_a_model_of_canarys_kind_knows_the_languages_of_its_vocabulary(canary: NemoTranscriber, jfk: Audio) -> None:
    with pytest.raises(errors.LanguageUnsupported, match="it knows de, en"):
        canary.transcribe(jfk, options=TranscribeOptions(language="fr"))


@pytest.mark.models
def test_the_language_is_guessed_where_it_is_not_told(parakeet: NemoTranscriber, jfk: Audio) -> None:
    heard = parakeet.transcribe(jfk, options=TranscribeOptions())

    assert heard.language == "en"
    assert heard.language_probability > 0.5
    assert [run.certain for run in heard.languages] == [True]


@pytest.mark.models
def test_speech_in_a_language_that_the_model_does_not_know_is_marked_as_doubtful(
    parakeet: NemoTranscriber, jfk: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parakeet, "_known", frozenset({"fi", "et"}))

    heard = parakeet.transcribe(jfk, options=TranscribeOptions())

    assert heard.language in ("fi", "et")
    assert heard.language_probability < 0.1
    assert [run.certain for run in heard.languages] == [False]


def test_a_long_recording_is_heard_to_its_end_window_by_window(parakeet: NemoTranscriber, jfk: Audio) -> None:
    audio = np.tile(jfk, 6)
    progress: list[float] = []

    heard = parakeet.transcribe(audio, options=ENGLISH, on_progress=progress.append)

    assert len(progress) >= 3
    starts = [word.start for segment in heard.segments for word in segment.words]
    assert max(np.diff(starts)) < 2.0
    assert starts[-1] > 63


def test_a_loop_is_transcribed_again_in_halves_and_left_out_where_they_loop_too(
    canary: NemoTranscriber, jfk: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths: list[float] = []
    recognize = canary._model.recognize

    def looping(audio: Audio, **named: Any) -> Any:
        result = recognize(audio, **named)
        lengths.append(len(audio) / 16_000)
        if len(audio) > 6 * 16_000:
            result.text = "and then " * 40
        return result

    monkeypatch.setattr(canary._model, "recognize", looping)

    heard = canary.transcribe(jfk, options=ENGLISH)

    assert lengths[0] > 6 > max(lengths[-2:])
    assert not any("and then" in segment.text for segment in heard.segments)
    assert sum(segment.text.count("of course") for segment in heard.segments) >= 2


def test_the_number_format_is_int8_or_float32(tmp_path: Path, jfk: Audio) -> None:
    folder = tiny.write_tdt(tmp_path / "model", form="")

    with pytest.raises(errors.ModelMissing, match=r"encoder-model\.int8\.onnx.*'int8'"):
        tiny.load(folder, tmp_path)
    with pytest.raises(errors.SettingInvalid, match="'int8' or 'float32'"):
        tiny.load(folder, tmp_path, transcriber_compute_type="float16")
    exact = tiny.load(folder, tmp_path, transcriber_compute_type="float32")
    assert exact.transcribe(jfk, options=ENGLISH).segments


def test_a_model_of_another_kind_or_with_damaged_weights_is_no_crash(tmp_path: Path) -> None:
    folder = tiny.write_tdt(tmp_path / "model")
    (folder / "config.json").write_text('{"model_type": "whisper"}', encoding="utf-8")
    with pytest.raises(errors.ModelMissing, match="'whisper'"):
        tiny.load(folder, tmp_path)

    tiny.write_tdt(folder)
    (folder / "encoder-model.int8.onnx").write_bytes(b"no model")
    with pytest.raises(errors.EngineFailed):
        tiny.load(folder, tmp_path)


def test_a_model_is_looked_for_in_the_folder_then_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[HubModel] = []

    def fetch(model: HubModel, own: Settings, **_: str) -> Path:
        asked.append(model)
        return tmp_path

    monkeypatch.setattr(hub, "fetch", fetch)
    own = settings(tmp_path, models_dir=tmp_path / "models")

    nemo_dir(own, "parakeet-tdt-0.6b-v3")
    nemo_dir(settings(tmp_path, transcriber_compute_type="float32"), "canary-1b-v2")
    folder = tiny.write_tdt(tmp_path / "models" / "parakeet-tdt-0.6b-v3")

    assert nemo_dir(own, "parakeet-tdt-0.6b-v3") == folder
    assert [model.repo for model in asked] == ["istupakov/parakeet-tdt-0.6b-v3-onnx", "istupakov/canary-1b-v2-onnx"]
    assert set(asked[0].required) <= {path.name for path in folder.iterdir()}
    assert asked[1].required[-2:] == ("encoder-model.onnx", "decoder-model.onnx")
    with pytest.raises(errors.ModelMissing, match=r"choose one of: parakeet-tdt-0\.6b-v3"):
        nemo_dir(own, "parakeet")


def test_the_hub_is_asked_for_the_files_of_one_number_format_alone() -> None:
    from fnmatch import fnmatch

    def fetched(model: Any, names: list[str]) -> set[str]:
        return {name for name in names if any(fnmatch(name, pattern) for pattern in model.hub.files)}

    kinds = ("encoder-model", "decoder_joint-model")
    whole, small = ([f"{kind}{form}" for kind in kinds] for form in (".onnx", ".int8.onnx"))
    names = [*whole, *small, "encoder-model.onnx.data", "nemo128.onnx", "vocab.txt", "config.json", "README.md"]

    assert fetched(NEMO["parakeet-tdt-0.6b-v3"], names) == {*small, "vocab.txt", "config.json"}
    assert fetched(NEMO_FLOAT["parakeet-tdt-0.6b-v3"], names) == {
        *(*whole, "encoder-model.onnx.data", "vocab.txt", "config.json")
    }


def test_the_settings_call_for_the_model_and_for_the_one_that_guesses_the_language(tmp_path: Path) -> None:
    called_for = [model.name for model in find.needed(settings(tmp_path, transcriber="onnx-asr"))]

    assert called_for[:2] == ["parakeet-tdt-0.6b-v3", "base"]
    assert "silero-vad-v6" in called_for
