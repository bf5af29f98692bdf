"""Parts of compounds, in languages that write them as one word."""

import pytest

from tests.factories import World, talk
from tests.search.conftest import Find, texts

SAID = {
    "long": "Die Donaudampfschifffahrtselektrizitätengesellschaft gab es nie.",
    "head": "Er arbeitet bei der Donaudampfschifffahrt.",
    "first": "Das Schifffahrtsamt hat geschlossen.",
    "plural": "Die Binnenschifffahrten dauern lange.",
    "ending": "Die Versicherungen steigen.",
    "insured": "Eine Lebensversicherung ist teuer.",
    "apart": "Das Schiff ist gefahren.",
    "short": "Ein Vorrat an Eis liegt im Keller.",
}

FOUND: list[tuple[str, list[str]]] = [
    ("Schifffahrt", ["first", "head", "long", "plural"]),
    ("Gesellschaft", ["long"]),
    ("Versicherung", ["ending", "insured"]),
    ("Versicherungen teuer", ["insured"]),
    ("Rat", []),
    ('"Schifffahrt"', []),
]


async def test_a_word_is_found_in_compounds(find: Find, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk(*SAID.values()), language="de")
    names = {sentence: name for name, sentence in SAID.items()}
    found = {query: sorted(names[hit] for hit in texts(await find(tenant, query))) for query, _ in FOUND}
    assert found == dict(FOUND)


async def test_the_word_itself_ranks_before_its_compounds_and_the_answer_names_them(find: Find, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk(SAID["insured"], SAID["ending"]), language="de")

    found = await find(tenant, "Versicherung")

    assert texts(found) == [SAID["ending"], SAID["insured"]]
    assert "lebensversicherung" in str(found.corrections)


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_other_languages_join_no_words(find: Find, world: World, language: str) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("A counterrevolutionary spoke."), language=language)

    assert texts(await find(tenant, "revolutionary")) == []
