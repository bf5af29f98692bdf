"""The options of a run: whose word counts when it starts, and that it counts for all of its stages."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from echoic.compose import Components
from echoic.db.sources import feeds
from echoic.engines.protocols import DiarizeOptions, TranscribeOptions
from echoic.errors import StageInternalError
from echoic.stages.options import RunOptions, resolve_options
from echoic.text.replacements import Replacement
from tests.factories import World
from tests.stages.conftest import MakeContext, resolved

SILENCE = bytes(32_000)


async def test_the_request_counts_before_the_dataset_and_that_before_the_settings(
    components: Components, make_context: MakeContext, world: World
) -> None:
    said: dict[str, Any] = {
        "tier": "careful",
        "initial_prompt": "A talk about birds.",
        "vocabulary": ["Echoic"],
        "replacements": [{"find": "echo ick", "replace": "Echoic"}],
    }
    dataset_id = (await world.tenant(**said)).dataset_id
    context = await make_context(SILENCE, dataset_id=dataset_id)
    of_dataset = RunOptions.from_json(context.options)
    assert of_dataset.to_transcribe == TranscribeOptions(
        tier="careful", initial_prompt="A talk about birds.", hotwords=("Echoic",)
    )
    assert of_dataset.replacements == (Replacement(find="echo ick", replace="Echoic"),)
    settings = components.settings.model_copy(update={"language": "de"})
    context = replace(context, tools=replace(context.tools, settings=settings))
    assert RunOptions.from_json((await resolved(context)).options).language == "de"
    of_request = RunOptions.from_json((await resolved(context, language="fr", tier="fast")).options)
    assert (of_request.language, of_request.tier) == ("fr", "fast")
    assert of_request.vocabulary == ("Echoic",)


async def test_numbers_of_speakers_and_names_of_a_transcriber_come_all_from_one_place(
    make_context: MakeContext, world: World
) -> None:
    tenant = await world.tenant(min_speakers=4, engine="openai", model="large")
    context = await make_context(SILENCE, dataset_id=tenant.dataset_id, max_speakers=2, model="small")
    options = RunOptions.from_json(context.options)
    assert options.to_diarize == DiarizeOptions(max_speakers=2)
    assert (options.engine, options.model) == (None, "small")
    taken_back = {"num_speakers": None, "min_speakers": None, "max_speakers": None, "engine": None, "model": None}
    options = RunOptions.from_json((await resolved(context, **taken_back)).options)
    assert options.to_diarize == DiarizeOptions(min_speakers=4)
    assert (options.engine, options.model) == ("openai", "large")


@pytest.mark.parametrize(
    ("of_dataset", "asked", "expected"),
    [
        ({"languages": ["de", "en"]}, {}, (None, ("de", "en"))),
        ({"languages": ["de", "en"]}, {"languages": ["fr"]}, (None, ("fr",))),
        ({"languages": ["de", "en"]}, {"language": "fr"}, ("fr", ())),
        ({"language": "de"}, {"languages": ["fr", "en"]}, (None, ("fr", "en"))),
        ({"language": "de", "languages": ["de", "en"]}, {}, ("de", ("de", "en"))),
        ({}, {"languages": []}, ("nl", ())),
    ],
)
async def test_one_language_and_several_come_from_one_place(
    make_context: MakeContext,
    world: World,
    of_dataset: dict[str, Any],
    asked: dict[str, Any],
    expected: tuple[str | None, tuple[str, ...]],
) -> None:
    tenant = await world.tenant(**of_dataset)
    context = await make_context(SILENCE, dataset_id=tenant.dataset_id)
    settings = context.tools.settings.model_copy(update={"language": "nl"})
    context = replace(context, tools=replace(context.tools, settings=settings))
    options = RunOptions.from_json((await resolved(context, **asked)).options).to_transcribe
    assert (options.language, options.languages) == expected


async def test_the_language_of_a_feed_is_a_hint_where_nobody_says_more(
    make_context: MakeContext, components: Components, world: World
) -> None:
    tenant = await world.tenant()
    context = await make_context(SILENCE, dataset_id=tenant.dataset_id)
    async with components.database.transaction() as session:
        await feeds.create_feed(
            session, dataset_id=tenant.dataset_id, url="https://a.example/f", newest=1, podcast={"language": "de-AT"}
        )
        await session.execute(text("UPDATE items SET source_type = 'podcast_episode'"))
    said_by_server = context.tools.settings.model_copy(update={"language": "nl"})
    for settings, asked, expected in (
        (context.tools.settings, {}, (None, ("de",))),
        (context.tools.settings, {"language": "fr"}, ("fr", ())),
        (said_by_server, {}, ("nl", ())),
    ):
        here = replace(context, tools=replace(context.tools, settings=settings))
        options = RunOptions.from_json((await resolved(here, **asked)).options).to_transcribe
        assert (options.language, options.languages) == expected


def test_options_of_another_release_are_passed_over_and_missing_ones_are_not_asked() -> None:
    assert RunOptions.from_json({"language": "de", "of_tomorrow": 1}) == RunOptions(language="de")


async def test_the_options_of_a_deleted_item_cannot_be_resolved(
    components: Components, make_context: MakeContext
) -> None:
    context = await make_context(SILENCE)
    async with components.database.transaction() as session:
        with pytest.raises(StageInternalError, match="is gone"):
            await resolve_options(session, context.item_id + 1, {}, context.tools)
