"""Uploads by the IETF's draft over a line that breaks, and a server that is killed in the midst of them."""

from pathlib import Path

import pytest

from bench.cut_uploads import cut_and_count
from tests.acceptance.conftest import FAKES

pytestmark = pytest.mark.processes

CUTS, KILLS = 20, 2


def test_uploads_that_are_cut_at_random_bytes_are_whole_and_there_once(used_folder: Path) -> None:
    outcome = cut_and_count(used_folder, cuts=CUTS, kills=KILLS, seed=4, **FAKES)
    assert (outcome.cuts, outcome.kills) == (CUTS, KILLS)
    assert outcome.uploads > 3
    assert (outcome.lost, outcome.doubled, outcome.forgotten) == (0, 0, 0)
