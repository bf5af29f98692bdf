"""Requests per minute: how many pass, when the next one may, and that memory stays bounded."""

from collections.abc import AsyncIterator

import httpx
import pytest

from echoic.accounts.rate_limit import SECOND_NS, RateLimiter
from echoic.api.openapi import DocumentedApi
from echoic.errors import RateLimited
from tests.factories import World


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> int:
        return int(self.seconds * SECOND_NS)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def admitted(limiter: RateLimiter, tries: int, *, account_id: int = 1, per_minute: int | None = 3) -> int:
    passed = 0
    for _ in range(tries):
        try:
            limiter.admit(account_id, per_minute)
        except RateLimited:
            continue
        passed += 1
    return passed


@pytest.mark.parametrize("per_minute", [1, 3, 7, 60, 999, 1_000])
def test_a_minutes_worth_passes_at_once_and_not_one_more(clock: Clock, per_minute: int) -> None:
    assert admitted(RateLimiter(clock), per_minute + 50, per_minute=per_minute) == per_minute


def test_then_one_passes_for_each_part_of_a_minute(clock: Clock) -> None:
    limiter = RateLimiter(clock)
    admitted(limiter, 3)
    clock.seconds += 19.9
    assert admitted(limiter, 5) == 0
    clock.seconds += 0.2
    assert admitted(limiter, 5) == 1
    clock.seconds += 60
    assert admitted(limiter, 5) == 3


def test_whoever_waits_as_long_as_told_gets_through(clock: Clock) -> None:
    limiter = RateLimiter(clock)
    admitted(limiter, 3)
    clock.seconds += 2.5
    with pytest.raises(RateLimited) as refused:
        limiter.admit(1, 3)
    assert refused.value.retry_after_seconds == 18
    clock.seconds += 18
    assert admitted(limiter, 2) == 1


def test_accounts_count_for_themselves_and_one_without_a_limit_not_at_all(clock: Clock) -> None:
    limiter = RateLimiter(clock)
    assert [admitted(limiter, 5, account_id=account_id) for account_id in (1, 2)] == [3, 3]
    assert admitted(limiter, 1000, account_id=3, per_minute=None) == 1000
    assert len(limiter) == 2


def test_a_plan_that_changes_counts_from_then_on(clock: Clock) -> None:
    limiter = RateLimiter(clock)
    assert admitted(limiter, 5, per_minute=3) == 3
    clock.seconds += 30
    assert admitted(limiter, 100, per_minute=60) == 30


def test_who_is_idle_is_forgotten_and_never_more_than_so_many_are_remembered(clock: Clock) -> None:
    limiter = RateLimiter(clock, max_accounts=10)
    for account_id in range(100):
        limiter.admit(account_id, 1)
    assert len(limiter) == 10
    clock.seconds += 61
    limiter.admit(1, 1)
    assert len(limiter) == 1


async def test_a_request_too_many_is_refused_before_its_body_and_says_when_to_come_back(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant(plan="three-requests")
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield b"{}"

    for _ in range(3):
        assert (await client.get("/api/datasets", headers=tenant.headers)).status_code == 200
    answer = await client.post("/api/search", content=body(), headers=tenant.headers)
    assert answer.status_code == 429
    seconds = answer.json()["retry_after"]
    assert answer.json() | {"request_id": ""} == {
        "error": "Rate Limited",
        "message": "Too many requests: the account's plan allows 3 a minute.",
        "code": "rate_limited",
        "request_id": "",
        "retry_after": seconds,
    }
    assert answer.headers["retry-after"] == str(seconds)
    assert 1 <= seconds <= 20
    assert read == 0
    stranger = await client.get("/api/datasets", headers={"Authorization": "Bearer ek_wrong"})
    assert stranger.status_code == 401


async def test_without_a_limit_in_the_plan_nothing_is_refused(
    client: httpx.AsyncClient, world: World, app: DocumentedApi
) -> None:
    tenant = await world.tenant()
    for _ in range(20):
        assert (await client.get("/api/datasets", headers=tenant.headers)).status_code == 200
    assert len(app.state.rate_limiter) == 0
