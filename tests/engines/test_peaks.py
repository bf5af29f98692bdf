"""The outline of a sound: true to the samples, and the same however they come."""

import numpy as np
import pytest

from echoic.engines.media.parent import Peaks
from echoic.engines.media.parent.peaks import MAX_STRETCHES, PAIRS
from echoic.units import SAMPLE_RATE


def outline(samples: np.ndarray, chunk: int = 10 * SAMPLE_RATE) -> np.ndarray:
    peaks = Peaks()
    for start in range(0, samples.size, chunk):
        peaks.add(samples[start : start + chunk].astype("<i2").tobytes())
    return np.frombuffer(peaks.pairs(), dtype=np.int8).reshape(-1, 2)


def test_no_sound_has_no_pairs_and_a_short_one_a_pair_for_each_sample() -> None:
    assert Peaks().pairs() == b""
    assert outline(np.array([0, 32_767, -32_768])).tolist() == [[0, 0], [127, 127], [-127, -127]]


@pytest.mark.parametrize("seconds", [0.2, 3.3, 61.7, 1_234.5])
def test_each_pair_holds_the_lowest_and_the_highest_sample_of_its_part(seconds: float) -> None:
    size = int(seconds * SAMPLE_RATE)
    wave = np.random.default_rng(3).integers(-9_000, 9_000, size) * np.abs(np.sin(np.arange(size) / size * 20))
    found = outline(wave.astype(np.int16))
    assert found.shape == (PAIRS, 2)
    # A pair may take in a stretch beside its part, or leave one out.
    slack = size // (MAX_STRETCHES // 2) + 1
    for number in range(0, PAIRS, 37):
        start, end = number * size // PAIRS, (number + 1) * size // PAIRS
        around = wave[max(0, start - slack) : end + slack]
        assert (
            around.min() * 127 / 32_768 - 0.6
            <= found[number, 0]
            <= found[number, 1]
            <= around.max() * 127 / 32_768 + 0.6
        )


def test_a_click_stands_where_it_is_in_a_long_recording() -> None:
    samples = np.zeros(2 * 3600 * SAMPLE_RATE, dtype=np.int16)
    samples[samples.size // 4] = 20_000
    (place,) = np.flatnonzero(outline(samples)[:, 1])
    assert abs(place - PAIRS // 4) <= 1


def test_the_pieces_in_which_samples_come_change_nothing() -> None:
    samples = np.random.default_rng(4).integers(-32_768, 32_767, 500_001)
    whole = outline(samples)
    for chunk in (977, 16_384, 160_000):
        assert np.array_equal(outline(samples, chunk), whole)
