"""Moments as people read them."""

import pytest

from echoic.text.clock import clock


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0:00"), (19.54, "0:19"), (59.99, "0:59"), (60, "1:00"), (3599.9, "59:59"), (3723.5, "1:02:03")],
)
def test_a_moment_is_cut_to_its_second(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
