"""The real OpenSearch that other tests ask is one; searches and copying go on when a node is gone."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from echoic.opensearch import copier as copying
from echoic.upkeep import Upkeep
from tests.factories import Tenant, World, talk
from tests.opensearch.cluster import VERSION, Node, cluster, health
from tests.opensearch.copied import CopiedIndex, copied_index, found_by, needs_opensearch
from tests.waiting import until

pytestmark = [needs_opensearch, pytest.mark.processes]


@pytest.fixture
def nodes() -> Iterator[Sequence[Node]]:
    """Three nodes that are one cluster."""
    with cluster(nodes=3) as started:
        yield started


def told(node: Node, path: str, settings: object = None) -> Any:
    """The answer of a node; ``settings`` are written."""
    body = None if settings is None else json.dumps(settings).encode()
    method = "GET" if body is None else "PUT"
    request = urllib.request.Request(node.url + path, body, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def holders(node: Node, index: str) -> dict[str, str]:
    """The names of the nodes that hold an index of one shard: ``p`` has the first copy, ``r`` the second."""
    return {one["prirep"]: one["node"] for one in told(node, f"/_cat/shards/{index}?format=json")}


def is_whole(node: Node, number: int) -> bool:
    """Whether so many nodes hold all there is, each twice."""
    found = health(node.url)
    wanted = {"status": "green", "number_of_nodes": number, "active_primary_shards": 1, "active_shards": 2}
    return found is not None and wanted.items() <= found.items()


@asynccontextmanager
async def searching(copied: CopiedIndex, tenant: Tenant) -> AsyncIterator[list[Sequence[str]]]:
    """Search without a pause for the length of the block; yields what was found, each time. An error ends it."""
    found: list[Sequence[str]] = []

    async def search() -> None:
        while True:
            found.append(await found_by(copied, tenant, "river"))

    task = asyncio.create_task(search())
    try:
        yield found
        if task.done():
            await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def copied_on(copied: CopiedIndex) -> AsyncIterator[None]:
    """Copy what changes for the length of the block, as a server does."""
    upkeep = Upkeep()
    upkeep.add(
        "search_outbox",
        copied.copier.write_due,
        every_seconds=copying.INTERVAL_SECONDS,
        longest_wait_seconds=copying.LONGEST_WAIT_SECONDS,
        busy=True,
    )
    async with upkeep.kept():
        yield


async def test_two_nodes_of_three_go_on_with_all_that_was_copied(nodes: Sequence[Node], world: World) -> None:
    assert told(nodes[2], "/")["version"]["number"] == VERSION
    tenant = await world.tenant()
    rivers = [f"river {number}" for number in range(12)]
    for river in rivers:
        await world.item(tenant.dataset_id, talk(river))
    asked = nodes[0]
    async with copied_index(world.database, url=asked.url) as copied:
        await copied.catch_up()
        (index,) = await copied.client.indices_of(copied.names.pattern)
        # OpenSearch waits a minute for a node to come back before it copies what that held.
        told(asked, f"/{index}/_settings", {"index.unassigned.node_left.delayed_timeout": "0"})

        async def is_copied_twice() -> bool:
            return await asyncio.to_thread(is_whole, asked, 3)

        await until(is_copied_twice, "each shard has a second copy")
        held = holders(asked, index)
        assert len({*held.values()}) == 2
        lost = held["p"] if held["p"] != asked.name else held["r"]
        gone = next(node for node in nodes if node.name == lost)
        others = [node for node in nodes if node is not gone]

        async with copied_on(copied):
            async with searching(copied, tenant) as found:

                async def was_found() -> bool:
                    return len(found) > before

                async def is_noticed() -> bool:
                    left = await asyncio.to_thread(health, asked.url)
                    return left is not None and left["number_of_nodes"] == 2

                before = 3
                await until(was_found, "searches are answered")
                gone.kill()
                before = len(found) + 3
                await until(was_found, "searches are answered without the node")
                await until(is_noticed, "the others know that it is gone")
                before = len(found) + 3
                await until(was_found, "searches are answered by the others")
            assert {tuple(one) for one in found} == {tuple(sorted(rivers))}

            await world.item(tenant.dataset_id, talk("a river at night"))

            async def is_found() -> bool:
                return await found_by(copied, tenant, "river") == sorted([*rivers, "a river at night"])

            await until(is_found, "what is published afterwards is found")

            async def is_copied_again() -> bool:
                return all([await asyncio.to_thread(is_whole, node, 2) for node in others])

            await until(is_copied_again, "each shard has a second copy again")
            assert {*holders(asked, index).values()} == {node.name for node in others}
            await until(is_found, "everything is found afterwards")
