"""Stages called directly, on a real database and store, with engines that need no models."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from echoic.compose import Components, open_components
from echoic.db.items import items
from echoic.db.runs import runs
from echoic.pipeline.stage import StageContext, StageOutput
from echoic.records import Segment
from echoic.settings import Settings
from echoic.stages.options import resolve_options
from echoic.stages.tools import Tools
from tests.factories import World
from tests.stage_contexts import stage_context
from tests.stored import store

MakeContext = Callable[..., Awaitable[StageContext[Tools]]]


@pytest.fixture
async def components(database_url: str, tmp_path: Path) -> AsyncIterator[Components]:
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path,
        transcriber="fake",
        entity_tagger="fake",
        text_encoder="fake",
        diarizer="fake",
    )
    async with open_components(settings, database_url) as opened:
        yield opened


@pytest.fixture
def world(components: Components) -> World:
    return World(components.database)


@pytest.fixture
def make_context(components: Components, world: World) -> MakeContext:
    """Makes the context of a stage for an item with this decoded audio and, where given, this transcript."""

    async def make(
        pcm: bytes, segments: Sequence[Segment] | None = None, *, dataset_id: int | None = None, **options: Any
    ) -> StageContext[Tools]:
        if dataset_id is None:
            dataset_id = (await world.tenant()).dataset_id
        item_id = await world.item(dataset_id, segments, status="processing")
        decoded_blob_id = await store(components, pcm)
        async with components.database.transaction() as session:
            item = await items.get_item(session, item_id)
            run = await runs.newest_run(session, item_id)
            assert item is not None
            assert run is not None
            item.decoded_blob_id = decoded_blob_id

        async def progress(seconds: float) -> None:
            assert 0 <= seconds <= len(pcm) / 32_000

        context = stage_context(components, run_id=run.id, item_id=item_id, progress=progress)
        return await resolved(context, **options)

    return make


async def resolved(context: StageContext[Tools], **asked: Any) -> StageContext[Tools]:
    """The context with the options that its run has when it starts now and is asked for these."""
    async with context.tools.database.transaction() as session:
        options = await resolve_options(session, context.item_id, asked, context.tools)
    return replace(context, options=json.loads(json.dumps(options)))


async def completed(
    context: StageContext[Tools], run: Callable[[StageContext[Tools]], Awaitable[StageOutput]], **changes: Any
) -> dict[str, Any]:
    """Run a stage and store what it wrote; returns its output."""
    output = await run(replace(context, **changes))
    if output.write is not None:
        async with context.tools.database.transaction() as session:
            await output.write(session)
    return output.output
