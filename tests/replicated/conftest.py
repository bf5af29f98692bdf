"""A primary and its standby for each test."""

from collections.abc import Iterator

import pytest

from tests.replicated.pair import Pair, replicated


@pytest.fixture
def pair() -> Iterator[Pair]:
    with replicated() as pair:
        yield pair
