"""Names with signs after a letter, such as C++ and C#."""

import pytest

from tests.factories import World, talk
from tests.search.conftest import Find, texts

SAID = {
    "plus": "We wrote the engine in C++ last year.",
    "sharp": "The tools are in C#, mostly.",
    "plain": "The kernel is written in C and nothing else.",
    "functional": "Some like F# more.",
    "editor": "Open it in Notepad++.",
    "wide": "昨日はＣ＋＋を学んだ",
    "issue": "See issue#5 for more.",
}

FOUND: list[tuple[str, list[str]]] = [
    ("C++", ["plus", "wide"]),
    ("c++ engine", ["plus"]),
    ("C#", ["sharp"]),
    ("C# OR F#", ["functional", "sharp"]),
    ("notepad++", ["editor"]),
    ("notepad", ["editor"]),
    ("kernel -C++", ["plain"]),
    ('"engine in C++ last"', ["plus"]),
    ('"in C#"', ["sharp"]),
    ("issue", ["issue"]),
]


async def test_names_with_signs_are_told_apart(find: Find, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk(*SAID.values()), language="en")
    names = {sentence: name for name, sentence in SAID.items()}
    found = {query: sorted(names[hit] for hit in texts(await find(tenant, query))) for query, _ in FOUND}
    assert found == dict(FOUND)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("C++ engine", "We wrote the <mark>engine</mark> in <mark>C++</mark> last year."),
        ('"in C++ last"', "We wrote the engine <mark>in</mark> <mark>C++</mark> <mark>last</mark> year."),
    ],
)
async def test_a_name_is_marked_with_its_signs(find: Find, world: World, query: str, shown: str) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk(*SAID.values()), language="en")

    found = await find(tenant, query)

    assert found.hits[0].highlighted == shown
