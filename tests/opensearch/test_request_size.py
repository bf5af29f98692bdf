"""An OpenSearch that takes no large request gets smaller ones, and what is too large alone holds up nothing else."""

from collections.abc import AsyncIterator, Iterator

import pytest

from echoic.db.items import items
from echoic.errors import SearchUnavailable
from echoic.opensearch.bulk import deletion
from tests.factories import World, talk
from tests.opensearch.cluster import Node, cluster
from tests.opensearch.copied import CopiedIndex, copied_index, documents, found_by, needs_opensearch

pytestmark = [needs_opensearch, pytest.mark.processes]

MOST_BYTES = 20_000
TOO_LONG = " ".join(f"word{number}" for number in range(2_000))
"""A segment whose document alone has more bytes."""
REASON = "413 too large for OpenSearch or a proxy before it"


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A node that answers larger requests with 413."""
    with cluster(settings={"http.max_content_length": f"{MOST_BYTES}b"}) as (started,):
        yield started


@pytest.fixture
async def copied(node: Node, world: World) -> AsyncIterator[CopiedIndex]:
    """An empty copy of the index in that OpenSearch."""
    async with copied_index(world.database, url=node.url) as made:
        yield made


async def test_a_request_that_is_too_large_is_halved_until_it_passes(copied: CopiedIndex, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk(*(f"a river {number}" for number in range(101))))
    await copied.catch_up()
    assert len(await documents(copied.client, copied.names.alias)) == 102
    assert (await copied.refused(), await copied.copier.waiting()) == ([], 0)
    async with world.database.transaction() as session:
        await items.delete_item(session, item_id)
    await copied.catch_up()
    assert await documents(copied.client, copied.names.alias) == []


async def test_what_is_too_large_alone_is_refused_and_the_rest_goes_on(copied: CopiedIndex, world: World) -> None:
    tenant = await world.tenant()
    bad = await world.item(tenant.dataset_id, talk("a quiet river", TOO_LONG, "a broad river"))
    await world.item(tenant.dataset_id, talk("a river at night"))
    await copied.catch_up()
    assert await copied.refused() == [(bad, REASON)]
    assert await copied.copier.waiting() == 0
    assert await found_by(copied, tenant, "river") == ["a broad river", "a quiet river", "a river at night"]
    assert await found_by(copied, tenant, "word7") == []


async def test_a_deletion_for_which_there_is_no_room_is_no_refusal(copied: CopiedIndex) -> None:
    action = deletion("1" * MOST_BYTES, library_id=1, version=1)
    with pytest.raises(SearchUnavailable):
        await copied.client.write(copied.names.alias, [action])
