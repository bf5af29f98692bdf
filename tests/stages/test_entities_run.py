"""The entities stage with the real tagger on a real database: from segments to joined names with their mentions."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from echoic.compose import Components, open_components
from echoic.db.runs import runs
from echoic.db.transcripts import entity_list
from echoic.pipeline.stage import StageContext
from echoic.settings import Settings
from echoic.stages import entities
from echoic.stages.tools import Tools
from tests.factories import World, talk
from tests.stage_contexts import stage_context


@pytest.fixture
async def components(database_url: str, tmp_path: Path) -> AsyncIterator[Components]:
    settings = Settings(_env_file=None, data_dir=tmp_path, transcriber="fake", text_encoder="fake")
    async with open_components(settings, database_url) as opened:
        yield opened


async def make_context(components: Components, item_id: int) -> StageContext[Tools]:
    async with components.database.transaction() as session:
        run = await runs.newest_run(session, item_id)
        assert run is not None
    return stage_context(components, run_id=run.id, item_id=item_id)


@pytest.mark.models
async def test_names_that_recur_are_one_entity_with_every_mention_and_a_repeat_changes_nothing(
    components: Components,
) -> None:
    world = World(components.database)
    tenant = await world.tenant()
    spoken = talk("Barack Obama flew to Norway.", "There Mr. Obama spoke of Norway's coast.", "Nothing else.")
    item_id = await world.item(tenant.dataset_id, spoken, status="processing")
    context = await make_context(components, item_id)

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


SAID = {
    "de": ("Guten Tag, meine Damen und Herren. Jedes Jahr kommen viele Schiffe nach Hamburg.", ["Hamburg"]),
    "it": ("Buongiorno Signora. Ogni Anno Google pubblica un rapporto. Il Presidente è qui.", ["Google"]),
    "es": ("Buenos Días a todos. La Señora y el Señor viven en Barcelona.", ["Barcelona"]),
    "ja": ("今日は新しい会議室で話しました。", []),
}


@pytest.mark.parametrize(
    ("languages", "tagger", "told"),
    [
        (["de"], "spacy", ["Names said in German may", "adds de to ECHOIC_ENTITY_LANGUAGES."]),
        (
            ["de", "it", "ka"],
            "spacy",
            ["said in German, Italian and Georgian may", "adds de,it to ECHOIC_ENTITY_LANGUAGES."],
        ),
        (["qqq"], "spacy", ["Names said in qqq may"]),
        (["de"], "gliner", ["Names said in German may"]),
    ],
)
def test_languages_without_a_model_are_named_with_the_setting_that_adds_one(
    languages: list[str], tagger: str, told: list[str]
) -> None:
    message = entities.not_available(languages, tagger).message
    assert all(part in message for part in told)
    assert ("ECHOIC_ENTITY_LANGUAGES" in message) == (len(told) > 1)


@pytest.mark.models
@pytest.mark.parametrize("language", SAID)
async def test_in_a_language_the_tagger_does_not_know_only_listed_names_are_found_and_the_item_says_so(
    components: Components, language: str
) -> None:
    world = World(components.database)
    tenant = await world.tenant()
    text, names = SAID[language]
    item_id = await world.item(tenant.dataset_id, talk(text), status="processing", language=language)

    output = await entities.run(await make_context(components, item_id))

    assert output.write is not None
    async with components.database.transaction() as session:
        await output.write(session)
        found, _ = await entity_list.list_mentioned(session, item_id=item_id, type_=None, limit=9, offset=0)
    assert [one.name for one in found] == names
    (notice,) = output.notices
    assert (notice.code, notice.detail) == ("entities_not_available", {"language": language, "languages": [language]})


@pytest.mark.models
@pytest.mark.parametrize("language", ["en", "und"])
async def test_the_tagger_is_asked_about_its_own_language_and_where_nobody_knows_which_it_is(
    components: Components, language: str
) -> None:
    world = World(components.database)
    tenant = await world.tenant()
    item_id = await world.item(
        tenant.dataset_id, talk("Margaret Thornton came."), status="processing", language=language
    )
    output = await entities.run(await make_context(components, item_id))
    assert output.output["mentions"] == 1
    assert not output.notices


@pytest.mark.models
async def test_what_is_said_in_another_language_is_left_to_the_list(components: Components) -> None:
    world = World(components.database)
    tenant = await world.tenant()
    english, german = talk("Margaret Thornton flew to Norway.", "Guten Tag. Jedes Jahr kommen Schiffe nach Hamburg.")
    spoken = [english, replace(german, language="de")]
    item_id = await world.item(tenant.dataset_id, spoken, status="processing")
    output = await entities.run(await make_context(components, item_id))
    assert output.write is not None
    async with components.database.transaction() as session:
        await output.write(session)
        found, _ = await entity_list.list_mentioned(session, item_id=item_id, type_=None, limit=9, offset=0)
    assert sorted(one.name for one in found) == ["Hamburg", "Margaret Thornton", "Norway"]
    hamburg = next(one for one in found if one.name == "Hamburg")
    assert [(m.segment, m.start) for m in hamburg.mentions] == [(1, 13.5)]
    (notice,) = output.notices
    assert notice.detail == {"language": "de", "languages": ["de"]}


@pytest.mark.models
async def test_each_language_that_has_a_tagger_is_tagged_by_its_own(components: Components) -> None:
    world = World(components.database)
    tenant = await world.tenant()
    english, french = talk(
        "Margaret Thornton flew to Norway.", "Bonjour Madame. Hier, Emmanuel Macron est venu chez Renault."
    )
    item_id = await world.item(tenant.dataset_id, [english, replace(french, language="fr")], status="processing")

    output = await entities.run(await make_context(components, item_id))

    assert output.write is not None
    async with components.database.transaction() as session:
        await output.write(session)
        found, _ = await entity_list.list_mentioned(session, item_id=item_id, type_=None, limit=9, offset=0)
    assert sorted(one.name for one in found) == ["Emmanuel Macron", "Margaret Thornton", "Norway", "Renault"]
    assert not output.notices


@pytest.mark.models
async def test_no_names_are_looked_for_in_what_nobody_is_likely_to_have_said(components: Components) -> None:
    world = World(components.database)
    tenant = await world.tenant()
    said, doubted, unlikely = talk("Barack Obama flew away.", "He flew to Norway.", "Angela Merkel flew to France.")
    spoken = [
        said,
        replace(doubted, quality="doubtful", confidence=0.4),
        replace(unlikely, quality="doubtful", confidence=0.2),
    ]
    item_id = await world.item(tenant.dataset_id, spoken, status="processing")

    output = await entities.run(await make_context(components, item_id))

    assert output.output["mentions"] == 2
