"""The query language against the real index: its table, row by row, and any text at all."""

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from echoic.errors import QueryInvalid
from echoic.search.language import parse
from tests.factories import Tenant, World, talk
from tests.search.conftest import Find, texts

SAID = (
    "the red car",
    "a car that is red",
    "red wine",
    "The cafés were closing.",
    "closing time",
    "a database of database tables",
)

LANGUAGE: list[tuple[str, list[str]]] = [
    ("red car", ["a car that is red", "the red car"]),
    ("red AND car", ["a car that is red", "the red car"]),
    ("wine OR closing", ["The cafés were closing.", "closing time", "red wine"]),
    ("red NOT car", ["red wine"]),
    ("red -car", ["red wine"]),
    ("red -(car OR time)", ["red wine"]),
    ('"red car"', ["the red car"]),
    ('"closing"', ["The cafés were closing.", "closing time"]),
    ('"close"', []),
    ("close", ["The cafés were closing.", "closing time"]),
    ("CAFE", ["The cafés were closing."]),
    ("datab*", ["a database of database tables"]),
    ("clos*", ["The cafés were closing.", "closing time"]),
    ("closings*", []),
    ("(wine OR time) red", ["red wine"]),
    ("wine red OR time", ["closing time", "red wine"]),
    ("that is", ["a car that is red"]),
    ("the wine", ["red wine"]),
    ("a OR the", ["The cafés were closing.", "a car that is red", "a database of database tables", "the red car"]),
]
"""The table of docs/search.md."""


@pytest.fixture
async def spoken(world: World) -> Tenant:
    """A reader of what was said in ``SAID``."""
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk(*SAID))
    return tenant


async def test_the_query_language_finds_what_its_table_says(find: Find, spoken: Tenant) -> None:
    found = {query: sorted(texts(await find(spoken, query))) for query, _ in LANGUAGE}
    assert found == dict(LANGUAGE)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
    | st.lists(st.sampled_from(["-", '"', "(", ")", " ", " OR ", " NOT ", "a", "the ", "*", "!"]), max_size=80).map(
        "".join
    )
    | st.text(alphabet="ab \"'()&|!<>:*-\\~@ ORNTAD", max_size=60)
)
@example("漢" * 1000)
@example("ﷺ" * 1000)
@example("a" * 1000 + "*")
@example("'\\':* & !b <-> c")
@example("~~2~a @d1 '~b'")
async def test_no_query_is_an_error_of_the_server(find: Find, spoken: Tenant, query: str) -> None:
    try:
        parse(query)
    except QueryInvalid:
        return
    found = await find(spoken, query)
    assert {hit.text for hit in found.hits} <= {*SAID, *(hit.item.title for hit in found.hits)}


async def test_a_stop_word_that_need_not_be_there_counts_where_it_is(find: Find, world: World) -> None:
    tenant = await world.tenant()
    for said in ("the cup of tea", "cup of tea"):
        await world.item(tenant.dataset_id, talk(said))
    assert texts(await find(tenant, "the (a OR of)")) == ["the cup of tea", "cup of tea"]
