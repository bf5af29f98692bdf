"""Waiting for a condition, with a bound: how every test waits."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

PATIENCE_SECONDS = 180.0
LOOK_AGAIN_SECONDS = 0.05


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until the condition holds; fail where it does not in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not await condition():
        _give_up_after(deadline, what)
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


def wait_for(condition: Callable[[], bool], what: str, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """The same for tests without an event loop."""
    deadline = time.monotonic() + patience_seconds
    while not condition():
        _give_up_after(deadline, what)
        time.sleep(LOOK_AGAIN_SECONDS)


def _give_up_after(deadline: float, what: str) -> None:
    if time.monotonic() > deadline:
        pytest.fail(f"Waited in vain until {what}")
