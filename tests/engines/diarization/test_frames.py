"""From windows to frames to turns: nothing is lost where windows, blocks and turns meet."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from echoic.engines.diarization.attribution import Voices, people_heard
from echoic.engines.diarization.grid import (
    FRAME_SECONDS,
    HOP_FRAMES,
    HOP_SAMPLES,
    WINDOW_FRAMES,
    WINDOW_SAMPLES,
    frame_at,
    frame_count,
    frame_start,
    window_count,
    windows_over,
)
from echoic.engines.diarization.segmentation import LOCAL_SPEAKERS, Activity, window_mean
from echoic.engines.diarization.stretches import lone_stretches
from echoic.engines.diarization.turns import MAX_PAUSE_SECONDS, Turns
from echoic.records import Diarization

Spoken = list[tuple[int, int, int]]
"""Person, first and end frame."""


def activity_of(spoken: Spoken, windows: int, *, shuffled: int | None = 0) -> Activity:
    """What a perfect model sees: in each window the people are numbered anew, in any order."""
    random = np.random.default_rng(shuffled)
    activity = np.zeros((windows, WINDOW_FRAMES, LOCAL_SPEAKERS), dtype=np.uint8)
    for window in range(windows):
        local = random.permutation(LOCAL_SPEAKERS) if shuffled is not None else np.arange(LOCAL_SPEAKERS)
        for person, first, end in spoken:
            begin = window * HOP_FRAMES
            activity[window, max(0, first - begin) : max(0, end - begin), local[person]] = 255
    return activity


def voices_of(spoken: Spoken) -> Voices:
    return Voices(
        starts=np.array([frame_start(first) for _, first, _ in spoken]),
        ends=np.array([frame_start(end) for _, _, end in spoken]),
        people=np.array([person for person, _, _ in spoken], dtype=np.intp),
    )


def turns_of(spoken: Spoken, voices: Spoken, windows: int, block: int = 10_000) -> Diarization:
    activity = activity_of(spoken, windows)
    turns = Turns(duration_seconds=frame_start(frame_count(windows)))
    for first in range(0, frame_count(windows), block):
        end = min(first + block, frame_count(windows))
        turns.add(first, *people_heard(activity, voices_of(voices), first, end))
    return turns.finish()


@given(st.integers(min_value=1, max_value=40 * 16_000))
def test_windows_cover_the_recording_and_none_is_beyond_it(samples: int) -> None:
    windows = window_count(samples)

    assert (windows - 1) * HOP_SAMPLES + WINDOW_SAMPLES >= samples
    assert windows == 1 or (windows - 2) * HOP_SAMPLES + WINDOW_SAMPLES < samples


def test_no_samples_have_no_windows_and_no_frames() -> None:
    assert (window_count(0), frame_count(0)) == (0, 0)


@given(st.integers(0, 5_000), st.integers(1, 500), st.integers(1, 40))
def test_the_windows_over_some_frames_are_those_that_share_one(first: int, number: int, windows: int) -> None:
    frames = frame_count(windows)
    first = min(first, frames - 1)
    end = min(first + number, frames)

    expected = [
        window for window in range(windows) if window * HOP_FRAMES < end and window * HOP_FRAMES + WINDOW_FRAMES > first
    ]

    assert list(windows_over(first, end, windows)) == expected


@given(st.integers(0, 3_000_000))
def test_the_frame_at_the_start_of_a_frame_is_that_frame(frame: int) -> None:
    assert frame_at(frame_start(frame)) == frame


def test_the_mean_over_windows_is_that_of_the_windows_that_see_the_frame() -> None:
    values = np.stack([np.full(WINDOW_FRAMES, value, dtype=np.float32) for value in (0.0, 1.0, 2.0)])

    mean = window_mean(values, range(3), 0, frame_count(3))

    assert mean[0] == 0
    assert mean[HOP_FRAMES] == 0.5
    assert mean[2 * HOP_FRAMES] == 1
    assert mean[-1] == 2
    assert window_mean(values[1:], range(1, 3), 300, 700).tolist() == mean[300:700].tolist() or mean[300] == 1


def test_people_who_speak_alone_have_stretches_and_those_who_speak_at_once_have_none() -> None:
    spoken = [(0, 100, 400), (1, 350, 600), (0, 700, 900)]

    assert lone_stretches(activity_of(spoken, 5), 0, frame_count(5)) == [(100, 350), (400, 600), (700, 900)]


def test_a_stretch_ends_where_the_speaker_changes_without_a_pause() -> None:
    spoken = [(0, 100, 500), (1, 500, 800)]

    assert lone_stretches(activity_of(spoken, 5), 0, frame_count(5)) == [(100, 500), (500, 800)]


def test_a_pause_alone_is_no_change() -> None:
    spoken = [(0, 100, 300), (0, 310, 600)]

    assert lone_stretches(activity_of(spoken, 5), 0, frame_count(5)) == [(100, 300), (310, 600)]


def test_turns_are_what_was_spoken_whatever_each_window_calls_the_speakers() -> None:
    spoken = [(1, 50, 450), (0, 500, 800), (2, 850, 1200)]

    told = turns_of(spoken, spoken, windows=8)

    assert told.speakers == ("SPEAKER_00", "SPEAKER_01", "SPEAKER_02")
    assert told.turns == told.exclusive
    assert [turn.speaker for turn in told.turns] == list(told.speakers)
    for turn, (_, first, end) in zip(told.turns, spoken, strict=True):
        assert (turn.start, turn.end) == pytest.approx((frame_start(first), frame_start(end)), abs=0.001)


@pytest.mark.parametrize("block", [37, HOP_FRAMES, 500])
def test_blocks_change_nothing(block: int) -> None:
    spoken = [(0, 20, 450), (1, 400, 800), (0, 790, 1000), (2, 1100, 1300)]

    assert turns_of(spoken, spoken, windows=8, block=block) == turns_of(spoken, spoken, windows=8)


def test_those_who_speak_at_once_both_have_turns_and_one_has_the_word() -> None:
    spoken = [(0, 100, 700), (1, 500, 1000)]

    told = turns_of(spoken, [(0, 100, 500), (1, 700, 1000)], windows=8)

    assert len(told.turns) == 2
    assert told.turns[0].end - told.turns[1].start == pytest.approx(200 * FRAME_SECONDS, abs=0.001)
    assert told.exclusive[0].end <= told.exclusive[1].start


def test_a_short_pause_is_part_of_the_turn_and_a_long_one_is_not() -> None:
    short = int(MAX_PAUSE_SECONDS / FRAME_SECONDS)
    spoken = [(0, 100, 200), (0, 200 + short, 400), (0, 400 + short + 2, 600)]

    told = turns_of(spoken, spoken, windows=4)

    assert len(told.turns) == 2
    assert told.turns[0].end == pytest.approx(frame_start(400), abs=0.001)


def test_a_pause_in_which_another_speaks_ends_the_turn_of_who_has_the_word() -> None:
    spoken = [(0, 100, 300), (1, 300, 325), (0, 325, 500)]

    told = turns_of(spoken, spoken, windows=4)

    assert [turn.speaker for turn in told.exclusive] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00"]
    assert [turn.speaker for turn in told.turns] == ["SPEAKER_00", "SPEAKER_01"]


def test_who_speaks_too_little_to_be_compared_is_somebody() -> None:
    told = turns_of([(0, 100, 120)], [], windows=1)

    assert told.speakers == ("SPEAKER_00",)


def test_a_voice_heard_alone_outweighs_the_windows() -> None:
    # The windows hear one local speaker throughout; the voices are two people's.
    told = turns_of([(0, 100, 900)], [(0, 100, 500), (1, 500, 900)], windows=6)

    assert [turn.speaker for turn in told.exclusive] == ["SPEAKER_00", "SPEAKER_01"]
    assert told.exclusive[0].end == pytest.approx(frame_start(500), abs=0.02)
