"""An alert and a search agree: what an alert finds in an item is what a search over everything finds there."""

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from echoic.alerts.matching import hits_in, is_same
from echoic.db.connect import Database
from echoic.db.search.postgres import PostgresIndex
from echoic.db.search.stems import StemMemory
from echoic.engines.registry import Engines
from echoic.search.question import Order, Search
from echoic.search.run import search
from echoic.settings import Settings
from tests.factories import World, talk
from tests.search.memory_world import memory_index

WORDS = ("machine", "machines", "learning", "learned", "deadline", "deadlines", "pottery", "the", "june", "joan")
SHAPES = (
    *("{0}", "{0} {1}", '"{0} {1}"', "{0} OR {1}", "{0} -{1}", "{0}*", "({0} OR {1}) {2}", '"{0} {1}" OR {2}'),
    *("{0} NOT ({1} {2})", "m* AND {0}"),
)
"""Queries with every sign of the language."""
QUERIES = 60
ENCODER = Engines(Settings(_env_file=None, text_encoder="fake")).text_encoder


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    database = Database(database_url, pool_size=5)
    yield World(database)
    await database.close()


async def test_an_alert_finds_in_an_item_what_a_search_over_everything_finds_there(world: World) -> None:
    """By the other engine, which is exact: the one in memory reads the whole index for each search."""
    chance = random.Random(7)
    tenant, other = await world.tenant("Anna"), await world.tenant("Other")
    items = []
    for _ in range(4):
        said = [" ".join(chance.choices(WORDS, k=chance.randint(1, 5))) for _ in range(5)]
        items.append(await world.item(tenant.dataset_id, talk(*said), title=" ".join(chance.choices(WORDS, k=2))))
    index, oracle = PostgresIndex(world.database), await memory_index(world.database, StemMemory())
    found_any = 0
    for _ in range(QUERIES):
        query = chance.choice(SHAPES).format(*chance.choices(WORDS, k=3))
        wanted = Search(
            account_id=tenant.account_id,
            query=query,
            search_type="text",
            order=Order(sort="date"),
            limit=1000,
            similar=False,
        )
        everything = (await search(wanted, index=oracle, encoder=ENCODER)).hits
        for item_id in items:
            arguments: dict[str, Any] = {"query": query, "filters": {}, "index": index, "encoder": ENCODER}
            hits = await hits_in(item_id, account_id=tenant.account_id, **arguments)
            expected = [(hit.segment_id, hit.text) for hit in everything if hit.item_id == item_id]
            assert [(hit.segment_id, hit.text) for hit in hits] == expected, query
            found_any += bool(hits)
            assert await hits_in(item_id, account_id=other.account_id, **arguments) == []
    assert found_any > QUERIES


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((0.0, 4.0), (0.0, 4.0), True),
        ((0.0, 4.0), (2.0, 12.0), True),
        ((0.0, 4.0), (2.1, 12.0), False),
        ((0.0, 4.0), (4.0, 8.0), False),
        ((-1.0, -1.0), (-1.0, -1.0), True),
        ((-1.0, -1.0), (0.0, 4.0), False),
    ],
)
def test_stretches_are_the_same_that_share_half_of_the_shorter_one(
    one: tuple[float, float], other: tuple[float, float], same: bool
) -> None:
    assert is_same(one, other) is is_same(other, one) is same
