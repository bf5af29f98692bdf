"""What is said to WhisperX and what becomes of its answers, with a stand-in for the library."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from echoic import errors
from echoic.engines.protocols import TranscribeOptions
from echoic.engines.registry import Engines
from echoic.engines.whisperx.transcriber import WhisperXTranscriber
from echoic.records import Audio
from echoic.settings import Settings
from tests.engines.whisperx.stand_in import Library, install, load_whisperx

ENGLISH = TranscribeOptions(language="en")
Make = Callable[..., WhisperXTranscriber]


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    made = Library()
    install(made, monkeypatch)
    return made


@pytest.fixture
def make(library: Library, tmp_path: Path) -> Iterator[Make]:
    made: list[WhisperXTranscriber] = []

    def make(**changes: Any) -> WhisperXTranscriber:
        made.append(load_whisperx(tmp_path, **changes))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_telemetry_is_off_before_the_library_is_asked_for_anything(make: Make, library: Library) -> None:
    make()

    assert library.telemetry == {
        "PYANNOTE_METRICS_ENABLED": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "OTEL_SDK_DISABLED": "true",
    }


def test_the_settings_say_where_it_computes(make: Make, library: Library, tmp_path: Path) -> None:
    make(gpu_index=1, whisperx_compute_type="int8")

    (loaded,) = library.loaded
    assert loaded["model"] == str(tmp_path / "large")
    assert (loaded["device"], loaded["device_index"], loaded["compute_type"]) == ("cuda", 1, "int8")
    assert loaded["local_files_only"]


def test_words_are_aligned_and_those_without_times_get_some(make: Make, library: Library, jfk: Audio) -> None:
    found = make().transcribe(jfk, options=TranscribeOptions(hotwords=("Kennedy",), initial_prompt="A speech."))

    words = [word for segment in found.segments for word in segment.words]
    assert (found.language, found.language_probability) == ("en", 0.75)
    assert len(words) >= 8
    assert all(word.start < word.end for word in words)
    assert {word.score for word in words} > {0.9}
    assert (library.options[0].initial_prompt, library.options[0].hotwords) == ("A speech.", "Kennedy")


def test_a_batch_that_is_too_large_is_halved_until_it_fits_and_stays_so(
    make: Make, library: Library, jfk: Audio
) -> None:
    library.fits = 5
    transcriber = make()

    transcriber.transcribe(jfk, options=ENGLISH)
    transcriber.transcribe(jfk, options=ENGLISH)

    assert library.batches == [16, 8, 4, 4]


def test_a_device_too_small_for_one_window_fails_the_engine(make: Make, library: Library, jfk: Audio) -> None:
    library.fits = 0

    with pytest.raises(errors.EngineFailed, match="too small"):
        make().transcribe(jfk, options=ENGLISH)
    assert library.batches == [16, 8, 4, 2, 1]


def test_other_failures_of_the_library_are_the_engines(make: Make, library: Library, jfk: Audio) -> None:
    library.fail = RuntimeError("cuDNN error")

    with pytest.raises(errors.EngineFailed) as raised:
        make().transcribe(jfk, options=ENGLISH)
    assert raised.value.__cause__ is library.fail
    assert library.batches == [16]


def test_a_language_without_an_aligner_has_its_words_spread(make: Make, library: Library, jfk: Audio) -> None:
    found = make().transcribe(jfk, options=TranscribeOptions(language="de"))

    assert library.aligners == ["de"]
    assert all(segment.words for segment in found.segments)
    assert found.segments


def test_one_aligner_is_kept_and_changed_with_the_language(make: Make, library: Library, jfk: Audio) -> None:
    transcriber = make()

    for language in ("en", "en", "de", "en"):
        transcriber.transcribe(jfk, options=TranscribeOptions(language=language))

    assert library.aligners == ["en", "de", "en"]


def test_without_downloads_no_aligner_is_fetched(make: Make, library: Library, jfk: Audio) -> None:
    found = make(model_downloads=False).transcribe(jfk, options=ENGLISH)

    assert library.aligners == []
    assert found.segments


def test_a_language_the_model_does_not_know_is_refused(make: Make, jfk: Audio) -> None:
    with pytest.raises(errors.LanguageUnsupported, match="'xx'"):
        make().transcribe(jfk, options=TranscribeOptions(language="xx"))


def test_silence_is_not_asked_about(make: Make, library: Library) -> None:
    assert make().transcribe(np.zeros(80_000, dtype=np.float32), options=ENGLISH).segments == ()
    assert library.batches == []


def test_without_the_extra_the_message_says_how_to_install_it(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "whisperx", None)

    with pytest.raises(errors.ModelMissing, match=r"echoic\[whisperx\]"):
        make()


def test_the_settings_name_it_and_its_model(tmp_path: Path) -> None:
    engines = Engines(Settings(_env_file=None, data_dir=tmp_path, transcriber="whisperx", diarizer="pyannote"))

    assert engines.transcriber.id.label.startswith("whisperx/large-v3@")
    assert engines.diarizer.id.label.startswith("pyannote/pyannote/speaker-diarization-community-1@")
    assert engines.voice_encoder.id.model == "campplus"
