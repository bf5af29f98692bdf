"""Temporary items: deleted some time after their work has ended, and not before; what people corrected stays."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from echoic.compose import Components
from echoic.intake.temporary import delete_temporary
from tests.factories import World, talk

LONG_AGO = datetime.now(UTC) - timedelta(hours=2)


async def stored(components: Components) -> list[int]:
    async with components.database.transaction() as session:
        return list(await session.scalars(text("SELECT id FROM items ORDER BY id")))


async def ended(components: Components, item_id: int, at: datetime = LONG_AGO) -> None:
    async with components.database.transaction() as session:
        await session.execute(
            text("UPDATE pipeline_queue SET finished_at = :at WHERE item_id = :id"), {"at": at, "id": item_id}
        )


async def test_one_goes_when_its_time_is_over(world: World, components: Components) -> None:
    tenant = await world.tenant()
    keep: dict[str, Any] = {"keep_seconds": 3600.0}
    over = await world.item(tenant.dataset_id, talk("gone"), **keep)
    fresh = await world.item(tenant.dataset_id, talk("fresh"), **keep)
    kept = await world.item(tenant.dataset_id, talk("kept"))
    at_work = await world.item(tenant.dataset_id, status="queued", **keep)
    for item_id in (over, kept, at_work):
        await ended(components, item_id)
    await ended(components, fresh, datetime.now(UTC))
    assert await delete_temporary(components.database, components.blobs) == 1
    assert await stored(components) == [fresh, kept, at_work]
    assert await delete_temporary(components.database, components.blobs) == 0


async def test_one_that_somebody_corrected_stays(
    world: World, components: Components, client: httpx.AsyncClient
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("what was said"), keep_seconds=1.0)
    await ended(components, item_id)
    answer = await client.patch(
        f"/api/items/{item_id}/transcript/segments/0", json={"text": "what was meant"}, headers=tenant.headers
    )
    assert answer.is_success, answer.text
    assert await delete_temporary(components.database, components.blobs) == 0
    assert await stored(components) == [item_id]


@pytest.mark.parametrize("count", [250])
async def test_many_go_in_batches(world: World, components: Components, count: int) -> None:
    tenant = await world.tenant()
    for _ in range(count):
        await ended(components, await world.item(tenant.dataset_id, keep_seconds=1.0))
    assert await delete_temporary(components.database, components.blobs) == count
    assert await stored(components) == []
