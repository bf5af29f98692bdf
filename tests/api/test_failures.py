"""What failed, told to administrators by code, and taken up again at the cost of those whose recordings they are."""

import httpx
import pytest
from sqlalchemy import text

from echoic.compose import Components
from echoic.db.items import items
from echoic.db.runs import item_state, runs, totals
from tests.factories import Tenant, World


@pytest.fixture
async def admin(world: World) -> Tenant:
    return await world.tenant("Admin", is_admin=True)


async def failed(world: World, tenant: Tenant, *, code: str = "stage_crashed", stage: str = "transcribe") -> int:
    """An item of a tenant whose run failed, with ten minutes of audio."""
    item_id = await world.item(tenant.dataset_id, status="failed", duration_seconds=600.0)
    async with world.database.transaction() as session:
        run = await runs.newest_run(session, item_id)
        assert run is not None
        run.stage, run.error_code, run.error_stage, run.error_message = stage, code, stage, "It crashed."
        run.finished_at = await runs.now(session)
        item = await item_state.show_run(session, run)
        assert item is not None
        blob = await items.get_blob(session, item.audio_blob_id)
        assert blob is not None
        blob.account_id = tenant.account_id
    return item_id


async def test_failures_are_counted_by_code_and_stage_until_they_go_well(
    client: httpx.AsyncClient, world: World, components: Components, admin: Tenant
) -> None:
    owner = await world.tenant("Owner")
    crashed = [await failed(world, owner) for _ in range(2)]
    await failed(world, owner, code="not_audio", stage="decode")
    async with components.database.transaction() as session:
        again = await items.get_item(session, crashed[0])
        assert again is not None
        await components.runs.start(session, again)
    told = (await client.get("/api/failures", headers=admin.headers)).json()["failures"]
    assert [(one["code"], one["stage"], one["runs"], one["left_out"]) for one in told] == [
        ("not_audio", "decode", 1, 0),
        ("stage_crashed", "transcribe", 1, 0),
    ]
    assert all(one["last_at"] for one in told)


async def test_a_stage_that_a_run_went_on_without_is_told_and_cannot_be_taken_up(
    client: httpx.AsyncClient, world: World, components: Components, admin: Tenant
) -> None:
    item_id = await world.item(admin.dataset_id, status="published")
    async with components.database.transaction() as session:
        await session.execute(
            text("UPDATE items SET error_code = 'engine_failed', error_stage = 'entities' WHERE id = :id"),
            {"id": item_id},
        )
    (told,) = (await client.get("/api/failures", headers=admin.headers)).json()["failures"]
    assert (told["runs"], told["left_out"]) == (0, 1)
    wanted = {"code": "engine_failed", "item_ids": [item_id]}
    done = (await client.post("/api/failures/retry", headers=admin.headers, json=wanted)).json()
    assert (done["retried"], [one["code"] for one in done["refused"]]) == (0, ["run_not_active"])


async def test_the_items_behind_a_code_are_shown_without_titles_that_are_none_of_the_administrators_business(
    client: httpx.AsyncClient, world: World, admin: Tenant
) -> None:
    owner, curator = await world.tenant("Owner"), await world.tenant("Curator", visibility="public")
    theirs, open_to_all, own = [await failed(world, one) for one in (owner, curator, admin)]
    path = "/api/failures/items?code=stage_crashed&stage=transcribe&limit=2"
    page = (await client.get(path, headers=admin.headers)).json()
    rest = (await client.get(f"{path}&offset=2", headers=admin.headers)).json()
    assert (page["total"], rest["total"]) == (3, 3)
    shown = [*page["items"], *rest["items"]]
    assert [one["id"] for one in shown] == [own, open_to_all, theirs]
    assert [one["title"] is not None for one in shown] == [True, False, False]
    assert [one["account"] for one in shown] == ["Admin", "Curator", "Owner"]
    assert (shown[2]["message"], shown[2]["duration_seconds"], shown[2]["is_left_out"]) == ("It crashed.", 600.0, False)


async def test_all_of_a_code_are_taken_up_where_they_failed_and_each_account_pays_for_its_own(
    client: httpx.AsyncClient, world: World, components: Components, admin: Tenant
) -> None:
    rich, poor = await world.tenant("Rich"), await world.tenant("Poor", plan="ten-minutes")
    one, two, three = await failed(world, rich), await failed(world, poor), await failed(world, poor)
    other = await failed(world, rich, code="not_audio", stage="decode")
    done = (await client.post("/api/failures/retry", headers=admin.headers, json={"code": "stage_crashed"})).json()
    assert (done["retried"], done["next_after_id"]) == (2, None)
    assert [(each["item_id"], each["code"]) for each in done["refused"]] == [(three, "quota_exhausted")]
    assert "minutes" in done["refused"][0]["message"]
    states = {}
    async with components.database.transaction() as session:
        for item_id in (one, two, three, other):
            run = await runs.newest_run(session, item_id)
            assert run is not None
            states[item_id] = (run.state, run.stage)
    assert states == {
        one: ("queued", "transcribe"),
        two: ("queued", "transcribe"),
        three: ("failed", "transcribe"),
        other: ("failed", "decode"),
    }
    minutes = (await client.get("/api/usage", headers=poor.headers)).json()["minutes"]
    assert (minutes["reserved"], minutes["left"]) == (10, 0)
    assert (await client.get("/api/usage", headers=admin.headers)).json()["minutes"]["reserved"] == 0


async def test_more_than_one_request_takes_are_taken_up_by_several(
    client: httpx.AsyncClient, world: World, admin: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("echoic.api.failures.MAX_RETRIED_AT_ONCE", 2)
    for _ in range(3):
        await failed(world, admin)
    first = await client.post("/api/failures/retry", headers=admin.headers, json={"code": "stage_crashed"})
    after = first.json()["next_after_id"]
    assert (first.json()["retried"], after is not None) == (2, True)
    wanted = {"code": "stage_crashed", "after_id": after}
    last = (await client.post("/api/failures/retry", headers=admin.headers, json=wanted)).json()
    assert (last["retried"], last["next_after_id"]) == (1, None)


async def test_named_items_are_taken_up_and_those_that_changed_meanwhile_are_left_alone(
    client: httpx.AsyncClient, world: World, admin: Tenant
) -> None:
    one, other = await failed(world, admin), await failed(world, admin)
    wanted = {"code": "stage_crashed", "item_ids": [one, one, 987_654]}
    done = (await client.post("/api/failures/retry", headers=admin.headers, json=wanted)).json()
    assert done["retried"] == 1
    assert [(each["item_id"], each["code"]) for each in done["refused"]] == [
        (one, "run_not_active"),
        (987_654, "item_not_found"),
    ]
    (told,) = (await client.get("/api/failures", headers=admin.headers)).json()["failures"]
    assert told["runs"] == 1
    assert (await client.get(f"/api/items/{other}", headers=admin.headers)).json()["status"] == "failed"


async def test_what_waits_and_ended_at_each_stage_is_what_the_metrics_tell(
    client: httpx.AsyncClient, world: World, components: Components, admin: Tenant
) -> None:
    await world.item(admin.dataset_id, status="queued")
    async with components.database.transaction() as session:
        await totals.count_stage(session, stage="decode", seconds=2.0, audio_seconds=60.0)
        await totals.count_stage(session, stage="decode", code="not_audio", seconds=1.0)
    stages = (await client.get("/api/stages", headers=admin.headers)).json()["stages"]
    assert [one["stage"] for one in stages] == list(components.runs.stages)
    decode = stages[0]
    assert (decode["stage"], decode["waiting"], decode["done"], decode["seconds"]) == ("decode", 1, 1, 2.0)
    assert decode["failures"] == {"not_audio": 1}
    shown = (await client.get("/metrics")).text.splitlines()
    for line in (
        'echoic_queue_depth{stage="decode"} 1.0',
        'echoic_stage_audio_seconds_total{stage="decode"} 60.0',
        'echoic_stage_failures_total{code="not_audio",stage="decode"} 1.0',
    ):
        assert line in shown


@pytest.mark.parametrize(
    "path", ["/api/workers", "/api/stages", "/api/failures", "/api/failures/items?code=x", "/api/installation"]
)
async def test_everybody_else_is_told_nothing_of_the_installation(
    client: httpx.AsyncClient, world: World, path: str
) -> None:
    refused = await client.get(path, headers=(await world.tenant()).headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "admin_only")


async def test_nobody_else_takes_up_what_failed(client: httpx.AsyncClient, world: World) -> None:
    owner = await world.tenant("Owner")
    item_id = await failed(world, owner)
    wanted = {"code": "stage_crashed", "item_ids": [item_id]}
    refused = await client.post("/api/failures/retry", headers=owner.headers, json=wanted)
    assert (refused.status_code, refused.json()["code"]) == (403, "admin_only")
    assert (await client.get(f"/api/items/{item_id}", headers=owner.headers)).json()["status"] == "failed"
