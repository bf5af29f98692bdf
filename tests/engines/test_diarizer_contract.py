"""What every diarizer does."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest

from echoic.engines.fake_diarization import FakeDiarizer
from echoic.engines.protocols import AudioReader, DiarizeOptions, Diarizer
from echoic.engines.registry import Engines
from echoic.records import Audio, Diarization
from echoic.units import SAMPLE_RATE
from tests.engines.whisperx.stand_in import Library, install, load_pyannote


@pytest.fixture(params=["fake", "pyannote", pytest.param("real", marks=pytest.mark.models)], scope="module")
def diarizer(request: pytest.FixtureRequest) -> Iterator[Diarizer]:
    if request.param == "fake":
        yield FakeDiarizer()
    elif request.param == "pyannote":
        folder = request.getfixturevalue("tmp_path_factory").mktemp("pyannote")
        with pytest.MonkeyPatch.context() as patch:
            install(Library(), patch)
            pyannote = load_pyannote(folder)
            yield pyannote
            pyannote.close()
    else:
        engines: Engines = request.getfixturevalue("engines")
        with engines.diarizer.use() as engine:
            yield engine


def reader(audio: Audio) -> AudioReader:
    return lambda start, end: audio[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]


def seconds(audio: Audio) -> float:
    return len(audio) / SAMPLE_RATE


def diarize(
    diarizer: Diarizer,
    audio: Audio,
    options: DiarizeOptions | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> Diarization:
    return diarizer.diarize(reader(audio), seconds(audio), options=options or DiarizeOptions(), on_progress=on_progress)


@pytest.fixture(scope="module")
def spoken(diarizer: Diarizer, conversation: Audio) -> Diarization:
    return diarize(diarizer, conversation[: 30 * SAMPLE_RATE])


def test_turns_lie_in_the_recording_in_the_order_of_their_starts(spoken: Diarization) -> None:
    assert spoken.turns
    assert all(0 <= turn.start < turn.end <= 30.0 for turn in spoken.turns)
    assert all(before.start <= after.start for before, after in pairwise(spoken.turns))


def test_turns_of_one_speaker_do_not_overlap(spoken: Diarization) -> None:
    for speaker in spoken.speakers:
        turns = [turn for turn in spoken.turns if turn.speaker == speaker]
        assert all(before.end < after.start for before, after in pairwise(turns))


def test_exclusive_turns_follow_each_other_without_overlap(spoken: Diarization) -> None:
    assert spoken.exclusive
    assert all(0 <= turn.start < turn.end <= 30.0 for turn in spoken.exclusive)
    assert all(before.end <= after.start for before, after in pairwise(spoken.exclusive))
    assert {turn.speaker for turn in spoken.exclusive} <= set(spoken.speakers)


def test_speakers_are_numbered_in_order_of_appearance(spoken: Diarization) -> None:
    appeared = list(dict.fromkeys(turn.speaker for turn in spoken.turns))

    assert appeared == list(spoken.speakers) == [f"SPEAKER_{number:02}" for number in range(len(spoken.speakers))]


def test_no_more_speakers_are_told_apart_than_are_allowed(diarizer: Diarizer, conversation: Audio) -> None:
    told = diarize(diarizer, conversation[: 20 * SAMPLE_RATE], DiarizeOptions(max_speakers=1))

    assert told.speakers == ("SPEAKER_00",)


def test_the_same_recording_gives_the_same_turns_again(diarizer: Diarizer, jfk: Audio) -> None:
    assert diarize(diarizer, jfk) == diarize(diarizer, jfk)


@pytest.mark.parametrize("length", [0.0, 0.01, 4.0, 12.0])
def test_silence_of_any_length_has_no_turns(diarizer: Diarizer, length: float) -> None:
    told = diarize(diarizer, np.zeros(round(length * SAMPLE_RATE), dtype=np.float32))

    assert told == Diarization(turns=(), exclusive=(), speakers=())


def test_progress_rises_to_the_length_of_the_recording(diarizer: Diarizer, jfk: Audio) -> None:
    reported: list[float] = []

    diarize(diarizer, jfk, on_progress=reported.append)

    assert reported == sorted(reported)
    assert reported[-1] == pytest.approx(seconds(jfk))


def test_what_the_reader_or_the_progress_raises_reaches_the_caller(diarizer: Diarizer, jfk: Audio) -> None:
    class Interrupted(Exception): ...

    def interrupt(*_: float) -> Audio:
        raise Interrupted

    with pytest.raises(Interrupted):
        diarizer.diarize(interrupt, 5.0, options=DiarizeOptions())
    with pytest.raises(Interrupted):
        diarize(diarizer, jfk, on_progress=interrupt)  # type: ignore[arg-type]  # it never returns


@pytest.mark.parametrize("impossible", [{"num_speakers": 0}, {"min_speakers": 3, "max_speakers": 2}])
def test_impossible_numbers_of_speakers_are_refused(impossible: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="speaker"):
        DiarizeOptions(**impossible)


def test_an_exact_number_outweighs_bounds() -> None:
    options = DiarizeOptions(num_speakers=2, min_speakers=1, max_speakers=9)

    assert (options.least, options.most) == (2, 2)
