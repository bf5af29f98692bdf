"""Times shared among words."""

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from echoic.text.timing import share_time


def test_each_text_gets_its_share_of_the_characters() -> None:
    assert list(share_time(["ab", "", "c"], 1.0, 3.0)) == [(1.0, 2.0), (2.0, 2.5), (2.5, 3.0)]
    assert list(share_time([], 1.0, 3.0)) == []


@given(st.lists(st.text(max_size=5), min_size=1, max_size=20), st.floats(0, 1e4), st.floats(0, 1e3))
def test_the_times_fill_the_stretch_one_after_the_other(texts: list[str], start: float, seconds: float) -> None:
    times = list(share_time(texts, start, start + seconds))
    assert times[0][0] == start
    assert times[-1][1] == pytest.approx(start + seconds)
    assert all(before[1] == after[0] for before, after in pairwise(times))
