"""Requests per minute of a share link: how many pass, when the next one may, and that memory stays bounded."""

import pytest

from echoic.errors import RateLimited
from echoic.sharing.rate_limiter import SECOND_NS, RateLimiter


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> int:
        return int(self.seconds * SECOND_NS)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def admitted(limiter: RateLimiter, tries: int, *, share_id: int = 1) -> int:
    passed = 0
    for _ in range(tries):
        try:
            limiter.admit(share_id)
        except RateLimited:
            continue
        passed += 1
    return passed


@pytest.mark.parametrize("per_minute", [1, 7, 600])
def test_a_minutes_worth_passes_at_once_and_not_one_more(clock: Clock, per_minute: int) -> None:
    assert admitted(RateLimiter(per_minute, clock), per_minute + 50) == per_minute


def test_then_one_passes_for_each_part_of_a_minute(clock: Clock) -> None:
    limiter = RateLimiter(3, clock)
    admitted(limiter, 3)
    clock.seconds += 19.9
    assert admitted(limiter, 5) == 0
    clock.seconds += 0.2
    assert admitted(limiter, 5) == 1
    clock.seconds += 60
    assert admitted(limiter, 5) == 3


def test_whoever_waits_as_long_as_told_gets_through(clock: Clock) -> None:
    limiter = RateLimiter(3, clock)
    admitted(limiter, 3)
    clock.seconds += 2.5
    with pytest.raises(RateLimited) as refused:
        limiter.admit(1)
    assert refused.value.retry_after_seconds == 18
    clock.seconds += 18
    assert admitted(limiter, 2) == 1


def test_links_count_for_themselves(clock: Clock) -> None:
    limiter = RateLimiter(3, clock)
    assert [admitted(limiter, 5, share_id=share_id) for share_id in (1, 2)] == [3, 3]
    assert len(limiter) == 2


def test_what_is_idle_is_forgotten_and_never_more_than_so_many_are_remembered(clock: Clock) -> None:
    limiter = RateLimiter(1, clock, max_links=10)
    for share_id in range(100):
        limiter.admit(share_id)
    assert len(limiter) == 10
    clock.seconds += 61
    limiter.admit(1)
    assert len(limiter) == 1
