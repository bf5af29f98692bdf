import pytest

from echoic.engines.media import wire
from echoic.engines.media.child.pcm import MAX_GAP_SECONDS, Timeline, TooLong, Windows
from echoic.units import SAMPLE_RATE


def gaps(timeline: Timeline, *starts: float | None, duration: float = 1.0) -> list[float]:
    return [timeline.gap_before(start, duration) for start in starts]


def test_frames_that_follow_each_other_leave_no_gap() -> None:
    assert gaps(Timeline(0.0), 0.0, 1.0, 2.0) == [0.0, 0.0, 0.0]


def test_a_jump_ahead_is_a_gap_of_its_length() -> None:
    assert gaps(Timeline(0.0), 0.0, 5.0, 6.0) == [0.0, 4.0, 0.0]


def test_sound_that_begins_after_the_recording_does_leaves_a_gap_before_it() -> None:
    assert gaps(Timeline(0.0), 2.5) == [2.5]


def test_a_recording_whose_clock_starts_at_some_hour_has_no_gap_before_it() -> None:
    assert gaps(Timeline(7200.0), 7200.0, 7201.0) == [0.0, 0.0]


def test_rounding_of_timestamps_is_no_gap_but_many_of_them_add_up_to_one() -> None:
    found = gaps(Timeline(0.0), *(index * 1.03 for index in range(8)))

    assert found[:4] == [0.0] * 4
    assert sum(found) == pytest.approx(0.12, abs=0.04)


def test_a_clock_that_jumps_back_or_very_far_starts_anew_there() -> None:
    far = MAX_GAP_SECONDS + 100

    assert gaps(Timeline(0.0), 0.0, -5.0, -4.0, far, far + 1.0, far + 4.0) == [0.0, 0.0, 0.0, 0.0, 0.0, 2.0]


def test_a_very_far_jump_is_a_gap_where_the_stated_length_holds_it() -> None:
    far = MAX_GAP_SECONDS + 100

    assert gaps(Timeline(0.0, far + 1.0), 0.0, far) == [0.0, far - 1.0]
    timeline = Timeline(0.0, far - 10.0)
    assert gaps(timeline, 0.0, far) == [0.0, 0.0]
    assert timeline.skipped_seconds == far - 1.0


def test_a_clock_that_jumps_back_again_has_skipped_nothing() -> None:
    timeline = Timeline(0.0)

    assert gaps(timeline, 0.0, MAX_GAP_SECONDS + 100, 2.0, 3.0) == [0.0] * 4
    assert timeline.skipped_seconds == 0.0


def test_frames_without_a_time_follow_the_ones_before() -> None:
    assert gaps(Timeline(0.0), 0.0, None, 2.0, 5.0) == [0.0, 0.0, 0.0, 2.0]
    assert gaps(Timeline(None), None, None, 3.0) == [0.0, 0.0, 0.0]


def test_windows_are_of_one_size_whatever_the_size_of_the_parts() -> None:
    sizes: list[int] = []
    windows = Windows(lambda pcm: sizes.append(len(pcm)), max_seconds=100.0)

    windows.add(bytes(wire.WINDOW_BYTES * 2 + 4))
    windows.add_silence(0.5)
    windows.finish()

    assert sizes == [wire.WINDOW_BYTES, wire.WINDOW_BYTES, 4 + SAMPLE_RATE]
    assert windows.samples * wire.BYTES_PER_SAMPLE == sum(sizes)


def test_the_longest_duration_is_allowed_and_one_sample_more_is_not() -> None:
    windows = Windows(len, max_seconds=2.0)
    windows.add_silence(2.0)

    with pytest.raises(TooLong):
        windows.add(bytes(wire.BYTES_PER_SAMPLE))
