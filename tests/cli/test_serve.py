"""What ``echoic serve`` judges before it listens."""

from pathlib import Path

import pytest

from echoic.cli.serve import _judge_plans
from echoic.compose import open_components
from echoic.errors import SettingInvalid
from echoic.plans import Plan, Plans
from echoic.settings import Settings
from tests.factories import World


async def test_a_plan_that_an_account_has_and_the_file_lacks_stops_the_start(database_url: str, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    async with open_components(settings, database_url) as components:
        world = World(components.database)
        await world.tenant(plan="free")
        await _judge_plans(components)
        await world.tenant(plan="gold")
        with pytest.raises(SettingInvalid) as refused:
            await _judge_plans(components)
    for named in ("not there: gold.", "plans are free, unlimited;", "ECHOIC_PLANS_FILE", "echoic accounts plan"):
        assert named in refused.value.message
    async with open_components(settings, database_url, plans=Plans(Plan(name="gold"))) as components:
        await _judge_plans(components)
