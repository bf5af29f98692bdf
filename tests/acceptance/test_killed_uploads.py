"""kill -9 of the server amid uploads: what it accepted is whole, what it did not is gone."""

from pathlib import Path

import pytest

from bench.kill_uploads import kill_and_count
from tests.acceptance.conftest import FAKES

pytestmark = pytest.mark.processes

KILLS = 3


def test_killed_amid_uploads_every_200_is_whole_and_nothing_of_the_others_is_left(used_folder: Path) -> None:
    outcome = kill_and_count(used_folder, kills=KILLS, seed=3, most_answers=4, **FAKES)
    assert outcome.kills == KILLS
    assert outcome.accepted > 0
    assert outcome.broken_off > 0
    assert (outcome.lost, outcome.left_behind) == (0, 0)
