"""What is said to pyannote and what becomes of its turns, with a stand-in for the library."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from echoic import errors
from echoic.engines.protocols import AudioReader, DiarizeOptions
from echoic.engines.whisperx.diarizer import PyannoteDiarizer
from echoic.records import Audio
from echoic.units import SAMPLE_RATE
from tests.engines.whisperx.stand_in import Library, install, load_pyannote

Make = Callable[..., PyannoteDiarizer]


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    made = Library()
    install(made, monkeypatch)
    return made


@pytest.fixture
def make(library: Library, tmp_path: Path) -> Make:
    return partial(load_pyannote, tmp_path)


def reader(audio: Audio) -> AudioReader:
    return lambda start, end: audio[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]


def two_tones() -> Audio:
    """Six seconds, each other one higher."""
    seconds = np.arange(6 * SAMPLE_RATE) / SAMPLE_RATE
    hertz = np.where(seconds.astype(int) % 2 == 0, 700.0, 100.0)
    return (0.3 * np.sin(2 * np.pi * hertz * seconds)).astype(np.float32)


def test_speakers_are_numbered_as_they_appear(make: Make, library: Library) -> None:
    audio = two_tones()

    found = make(gpu_index=2).diarize(reader(audio), 6.0, options=DiarizeOptions(min_speakers=1, max_speakers=4))

    assert [(turn.start, turn.end, turn.speaker) for turn in found.turns] == [
        (float(second), second + 1.0, f"SPEAKER_0{second % 2}") for second in range(6)
    ]
    assert found.exclusive == found.turns
    assert library.asked == [{"num_speakers": None, "min_speakers": 1, "max_speakers": 4}]
    assert library.loaded == [{"device": "cuda:2"}]


def test_an_exact_number_of_speakers_stands_alone(make: Make, library: Library) -> None:
    make().diarize(reader(two_tones()), 6.0, options=DiarizeOptions(num_speakers=1, max_speakers=9))

    assert library.asked == [{"num_speakers": 1, "min_speakers": None, "max_speakers": None}]


def test_memory_that_runs_out_halves_the_batch(make: Make, library: Library) -> None:
    library.fits = 9

    make().diarize(reader(two_tones()), 6.0, options=DiarizeOptions())

    assert library.batches == [32, 16, 8]


@pytest.mark.parametrize("length", [0.0, 0.01, 4.0])
def test_silence_has_no_turns_and_is_not_asked_about(make: Make, library: Library, length: float) -> None:
    audio = np.zeros(round(length * SAMPLE_RATE), dtype=np.float32)

    assert make().diarize(reader(audio), length, options=DiarizeOptions(num_speakers=2)).turns == ()
    assert library.batches == []


def test_progress_rises_to_the_end_and_what_it_raises_reaches_the_caller(make: Make) -> None:
    class Stop(Exception): ...

    def stop(_: float) -> None:
        raise Stop

    reported: list[float] = []
    make().diarize(reader(two_tones()), 6.0, options=DiarizeOptions(), on_progress=reported.append)
    assert reported == sorted(reported)
    assert reported[-1] == 6.0
    with pytest.raises(Stop):
        make().diarize(reader(two_tones()), 6.0, options=DiarizeOptions(), on_progress=stop)


def test_a_gated_model_without_a_token_says_how_to_get_one(make: Make) -> None:
    with pytest.raises(errors.ModelMissing, match=r"accept them at .*community-1.*ECHOIC_HUB_TOKEN"):
        make("pyannote/speaker-diarization-community-1", model_downloads=False)


def test_without_the_extra_the_message_says_how_to_install_it(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)

    with pytest.raises(errors.ModelMissing, match=r"echoic\[whisperx\]"):
        make()
