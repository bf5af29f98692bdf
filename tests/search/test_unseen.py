"""Signs that nobody sees or that look alike: soft hyphens, joiners, and apostrophes that Unicode counts as letters."""

import pytest

from tests.factories import World, talk
from tests.search.conftest import Find, texts

SAID = {
    "german": "Das Vor\u00adstands\u00admit\u00adglied kam.",
    "joined": "Die Jahres\u2060bilanz liegt vor.",
    "english": "Their co\u00adope\u00adration ended.",
    "ukrainian": "Їх було п\u2019ять.",
    "letter": "Це об\u02bcєкт.",
    "hawaiian": "They flew to O\u02bbahu.",
    "name": "We met \u02bfAli.",
}

FOUND: list[tuple[str, list[str]]] = [
    ("Vorstandsmitglied", ["german"]),
    ("Vorstands\u00admitglied", ["german"]),
    ("jahresbilanz", ["joined"]),
    ("cooperation", ["english"]),
    ("coope*", ["english"]),
    ("п\u02bcять", ["ukrainian"]),
    ("п'ять", ["ukrainian"]),
    ("об\u2019єкт", ["letter"]),
    ("об'єкт", ["letter"]),
    ("o'ahu", ["hawaiian"]),
    ("ali", ["name"]),
]


async def test_words_are_found_whatever_is_unseen_in_them(find: Find, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk(*SAID.values()))
    names = {sentence: name for name, sentence in SAID.items()}
    found = {query: sorted(names[hit] for hit in texts(await find(tenant, query))) for query, _ in FOUND}
    assert found == dict(FOUND)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("cooperation", "Their <mark>co\u00adope\u00adration</mark> ended."),
        ("о\u00adб'єкт", "Це <mark>об</mark>\u02bc<mark>єкт</mark>."),
    ],
)
async def test_the_whole_word_is_marked(find: Find, world: World, query: str, shown: str) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk(*SAID.values()))
    assert (await find(tenant, query)).hits[0].highlighted == shown
