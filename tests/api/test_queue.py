"""What the queue's own page says."""

import httpx
from sqlalchemy import text

from echoic.compose import Components
from tests.factories import World


async def test_what_waits_and_who_works_is_told_to_whoever_may_read(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    one, other = await world.tenant("One"), await world.tenant("Other", scopes=("upload",))
    for status in ("queued", "queued", "processing", "published", "failed", "stored"):
        await world.item(other.dataset_id, status=status)
    async with components.database.transaction() as session:
        await session.execute(
            text("UPDATE pipeline_queue SET claim = gen_random_uuid(), claimed_by = 'w' WHERE state = 'running'")
        )
        silent = components.settings.worker_stalled_seconds + 60
        await session.execute(
            text(
                "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()), (now() - make_interval(secs => :s))"
            ),
            {"s": silent},
        )
    told = (await client.get("/api/queue", headers=one.headers)).json()
    assert (told["workers"], told["waiting"], told["working"]) == (1, 2, 1)
    assert 0 <= told["oldest_waiting_seconds"] < 60
    assert (await client.get("/api/queue", headers=other.headers)).json()["code"] == "scope_missing"
    assert (await client.get("/api/queue")).status_code == 401


async def test_an_empty_queue_has_no_oldest(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    assert (await client.get("/api/queue", headers=tenant.headers)).json() == {
        "workers": 0,
        "waiting": 0,
        "working": 0,
        "oldest_waiting_seconds": None,
    }
