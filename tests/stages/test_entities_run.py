"""The entities stage with the real tagger on a real database: from segments to joined names with their mentions."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from echoic.compose import Components, open_components
from echoic.db import entity_list, runs
from echoic.pipeline.stage import StageContext
from echoic.settings import Settings
from echoic.stages import entities
from echoic.stages.tools import Tools
from tests.factories import World, talk


@pytest.fixture
async def components(database_url: str, tmp_path: Path) -> AsyncIterator[Components]:
    settings = Settings(_env_file=None, data_dir=tmp_path, transcriber="fake", text_encoder="fake")
    async with open_components(settings, database_url) as opened:
        yield opened


async def nothing(_: Any) -> None:
    """Progress and checkpoints are not what this is about."""


@pytest.mark.models
async def test_names_that_recur_are_one_entity_with_every_mention_and_a_repeat_changes_nothing(
    components: Components,
) -> None:
    world = World(components.database)
    tenant = await world.tenant()
    spoken = talk("Barack Obama flew to Norway.", "There Mr. Obama spoke of Norway's coast.", "Nothing else.")
    item_id = await world.item(tenant.dataset_id, spoken, status="processing")
    async with components.database.transaction() as session:
        run = await runs.newest_run(session, item_id)
        assert run is not None
    context = StageContext(
        run_id=run.id,
        item_id=item_id,
        claim=uuid.uuid4(),
        options={},
        tools=Tools(
            settings=components.settings,
            database=components.database,
            blobs=components.blobs,
            engines=components.engines,
        ),
        progress=nothing,
        checkpoints=[],
        save_checkpoint=nothing,
    )

    for _ in range(2):
        output = await entities.run(context)
        assert output.write is not None
        async with components.database.transaction() as session:
            await output.write(session)
            found, total = await entity_list.list_mentioned(session, item_id=item_id, type_=None, limit=9, offset=0)

        assert output.output["mentions"] == 4
        assert total == 2
        assert [(one.type, one.name) for one in found] == [("person", "Barack Obama"), ("place", "Norway")]
        obama, norway = found
        assert [(m.segment, m.start, m.end, m.text) for m in obama.mentions] == [
            (0, 0.0, 1.0, "Barack Obama"),
            (1, 11.0, 11.5, "Obama"),
        ]
        assert [(m.segment, m.text, m.confidence) for m in norway.mentions] == [
            (0, "Norway", None),
            (1, "Norway", None),
        ]
