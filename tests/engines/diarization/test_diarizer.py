"""What the real diarizer hears, and how it reads."""

import numpy as np
import pytest

from echoic.engines.protocols import AudioReader, DiarizeOptions
from echoic.engines.registry import Engines
from echoic.records import Audio, Diarization
from echoic.units import SAMPLE_RATE

pytestmark = pytest.mark.models

LONGEST_READ_SECONDS = 110.0


def diarize(engines: Engines, read: AudioReader, seconds: float, options: DiarizeOptions | None = None) -> Diarization:
    with engines.diarizer.use() as diarizer:
        return diarizer.diarize(read, seconds, options=options or DiarizeOptions())


def reader(audio: Audio) -> AudioReader:
    return lambda start, end: audio[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]


@pytest.fixture(scope="module")
def told(engines: Engines, conversation: Audio) -> Diarization:
    return diarize(engines, reader(conversation), len(conversation) / SAMPLE_RATE)


def test_two_people_who_take_turns_are_two_speakers(told: Diarization) -> None:
    assert told.speakers == ("SPEAKER_00", "SPEAKER_01")
    assert len(told.exclusive) >= 4
    assert {turn.speaker for turn in told.exclusive} == set(told.speakers)


def test_one_person_is_one_speaker(engines: Engines, jfk: Audio) -> None:
    assert diarize(engines, reader(jfk), len(jfk) / SAMPLE_RATE).speakers == ("SPEAKER_00",)


def test_a_quiet_recording_has_the_same_turns(engines: Engines, conversation: Audio, told: Diarization) -> None:
    # As 16-bit samples hold it: 40 dB below, most of them are a few steps high.
    quiet = (np.rint(conversation * 327) / 32768).astype(np.float32)

    found = diarize(engines, reader(quiet), len(quiet) / SAMPLE_RATE)

    assert found.speakers == told.speakers
    assert sum(turn.end - turn.start for turn in found.turns) == pytest.approx(
        sum(turn.end - turn.start for turn in told.turns), rel=0.05
    )


@pytest.mark.parametrize("number", [1, 3])
def test_as_many_speakers_are_told_apart_as_are_asked_for(engines: Engines, conversation: Audio, number: int) -> None:
    part = conversation[: 30 * SAMPLE_RATE]

    found = diarize(engines, reader(part), 30.0, DiarizeOptions(num_speakers=number))

    assert len(found.speakers) == number


def test_a_recording_is_read_in_windows_however_long_it_is(engines: Engines, conversation: Audio) -> None:
    asked: list[tuple[float, float]] = []
    repeated = np.tile(conversation, 3)

    def read(start: float, end: float) -> Audio:
        asked.append((start, end))
        return reader(repeated)(start, end)

    found = diarize(engines, read, len(repeated) / SAMPLE_RATE)

    assert found.speakers == ("SPEAKER_00", "SPEAKER_01")
    assert found.turns[-1].end > 180.0
    assert max(end - start for start, end in asked) < LONGEST_READ_SECONDS
    # Twice, and what windows and batches share.
    assert sum(end - start for start, end in asked) < 5 * len(repeated) / SAMPLE_RATE
