"""Notices of an item, wherever the item is shown."""

import httpx
from sqlalchemy import update

from echoic.db.connect import Database
from echoic.db.runs import runs
from echoic.db.runs.runs import PipelineRun, StageResult
from echoic.notices import Notice
from tests.factories import World, talk

ENDS_EARLY = Notice(code="file_ends_early", message="It ends early.", detail={"seconds": 5.5})
FAILED = Notice(code="bytes_not_read", message="Nine bytes were not read.", detail={"bytes": 9})


async def note(database: Database, run_id: int, notice: Notice) -> None:
    async with database.transaction() as session:
        session.add(
            StageResult(
                run_id=run_id, stage="decode", version=1, output={}, attempt=1, seconds=1, notices=[notice.to_object()]
            )
        )


async def run_of(database: Database, item_id: int) -> int:
    async with database.transaction() as session:
        run = await runs.newest_run(session, item_id)
        assert run is not None
        return run.id


async def test_an_item_its_list_its_transcript_and_its_last_event_have_the_notices(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("Good morning."))
    await note(world.database, await run_of(world.database, item_id), ENDS_EARLY)
    wanted = [ENDS_EARLY.to_object()]

    async def get(path: str) -> httpx.Response:
        return await client.get(path, headers=tenant.headers)

    assert (await get(f"/api/items/{item_id}")).json()["notices"] == wanted
    (listed,) = (await get(f"/api/datasets/{tenant.dataset_id}/items")).json()["items"]
    assert listed["notices"] == wanted
    transcript = await get(f"/api/items/{item_id}/transcript")
    assert transcript.json()["notices"] == wanted
    assert (await get(f"/api/items/{item_id}/transcript?format=srt")).headers["X-Item-Notices"] == "file_ends_early"
    events = await get(f"/api/items/{item_id}/events")
    assert '"notices": [{"code": "file_ends_early"' in events.text


async def test_a_published_item_has_the_notices_of_its_transcript_not_those_of_a_later_run_that_failed(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("Good morning."))
    await note(world.database, await run_of(world.database, item_id), ENDS_EARLY)
    async with world.database.transaction() as session:
        later = PipelineRun(item_id=item_id, stage="transcribe", state="failed")
        session.add(later)
        await session.flush()
        later_id = later.id
    await note(world.database, later_id, FAILED)
    shown = (await client.get(f"/api/items/{item_id}", headers=tenant.headers)).json()
    assert [notice["code"] for notice in shown["notices"]] == ["file_ends_early"]


async def test_an_item_without_transcript_has_those_of_its_newest_run(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status="failed")
    await note(world.database, await run_of(world.database, item_id), FAILED)
    shown = (await client.get(f"/api/items/{item_id}", headers=tenant.headers)).json()
    assert shown["notices"] == [FAILED.to_object()]


async def test_a_result_that_an_older_release_stored_has_none(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("Good morning."))
    run_id = await run_of(world.database, item_id)
    await note(world.database, run_id, FAILED)
    async with world.database.transaction() as session:
        await session.execute(update(StageResult).where(StageResult.run_id == run_id).values(notices=[]))
    assert (await client.get(f"/api/items/{item_id}", headers=tenant.headers)).json()["notices"] == []
    answer = await client.get(f"/api/items/{item_id}/transcript?format=srt", headers=tenant.headers)
    assert "X-Item-Notices" not in answer.headers
