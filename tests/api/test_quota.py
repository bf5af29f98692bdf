"""Minutes of a plan over the API: what is refused when, who pays, and that the figures are what the items say."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st
from sqlalchemy import text

from echoic.compose import Components
from echoic.db.accounts import minutes
from echoic.db.accounts.minutes import Usage, month_of
from echoic.db.catalog import libraries
from echoic.db.items import items
from echoic.db.runs import runs
from echoic.db.runs.runs import PipelineRun
from echoic.errors import MediaUnreadable
from echoic.pipeline.queue import JobQueue
from echoic.pipeline.stage import StageOutput
from echoic.pipeline.state_machine import RunStateMachine
from echoic.stages import STAGES
from tests.api.monthly_minutes import AUDIO_SECONDS, LIMIT_SECONDS, refusal, use
from tests.api.tus import Tus
from tests.api.uploading import AUDIO, form, nothing_left, post
from tests.factories import Tenant, World


async def usage(components: Components, tenant: Tenant) -> Usage:
    async with components.database.transaction() as session:
        return await minutes.usage(session, tenant.account_id)


async def test_with_nothing_left_a_body_is_not_even_read(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(plan="ten-minutes")
    await use(components, tenant, LIMIT_SECONDS)
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield AUDIO

    answer = await post(client, tenant, content=body(), headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert refusal(answer) == "Nothing is left of the 10 minutes that the plan 'ten-minutes' has for a month (UTC)."
    assert read == 0
    assert 'echoic_uploads_total{result="quota_exhausted"} 1.0' in (await client.get("/metrics")).text


async def test_a_recording_longer_than_what_is_left_is_refused_with_both_figures_and_leaves_nothing(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(plan="ten-minutes")
    await use(components, tenant, LIMIT_SECONDS - AUDIO_SECONDS + 0.01)
    answer = await post(client, tenant, **form())
    assert refusal(answer).startswith("The recording takes 0.19 minutes, but 0.18 are left of the 10 minutes")
    assert await nothing_left(components)
    assert (await usage(components, tenant)).reserved_seconds == 0


async def test_a_recording_that_takes_exactly_what_is_left_is_taken_and_the_next_one_is_not(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(plan="ten-minutes")
    await use(components, tenant, LIMIT_SECONDS - AUDIO_SECONDS)
    assert (await post(client, tenant, **form())).status_code == 200
    assert (await usage(components, tenant)).taken_seconds == LIMIT_SECONDS
    refusal(await post(client, tenant, **form()))


async def test_of_many_who_want_the_last_minutes_at_once_one_gets_them(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(plan="ten-minutes")
    await use(components, tenant, LIMIT_SECONDS - 1.5 * AUDIO_SECONDS)
    answers = await asyncio.gather(*(post(client, tenant, **form()) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403, 403]
    assert (await usage(components, tenant)).reserved_seconds == AUDIO_SECONDS


async def test_what_is_only_stored_costs_nothing_until_it_is_transcribed(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(plan="ten-minutes", auto_transcribe=False)
    await use(components, tenant, LIMIT_SECONDS)
    stored = await post(client, tenant, **form())
    assert stored.status_code == 200
    item = f"/api/items/{stored.json()['item_id']}"
    refusal(await client.post(f"{item}/transcribe", headers=tenant.headers))
    assert (await client.get(item, headers=tenant.headers)).json()["on_hold"]
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE monthly_use SET seconds = 0"))
    assert (await client.post(f"{item}/transcribe", headers=tenant.headers)).status_code == 200
    assert (await usage(components, tenant)).reserved_seconds == AUDIO_SECONDS


async def test_another_month_counts_for_itself(client: httpx.AsyncClient, world: World, components: Components) -> None:
    tenant = await world.tenant(plan="ten-minutes")
    for month in (date(2020, 1, 1), date(2099, 12, 1)):
        await use(components, tenant, LIMIT_SECONDS, month)
    assert (await usage(components, tenant)).taken_seconds == 0
    assert (await post(client, tenant, **form())).status_code == 200


async def test_a_run_counts_in_the_month_it_was_started_in(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(plan="ten-minutes")
    await post(client, tenant, **form())
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE minute_reservations SET month = '2020-01-01'"))
        run_id = await session.scalar(text("SELECT run_id FROM minute_reservations"))
        await minutes.settle(session, run_id=run_id, seconds=30.0)
        rows = (await session.execute(text("SELECT month, seconds FROM monthly_use WHERE seconds > 0"))).all()
    assert [tuple(row) for row in rows] == [(date(2020, 1, 1), 30.0)]
    assert (await usage(components, tenant)).taken_seconds == 0


@pytest.mark.parametrize(
    ("moment", "month"),
    [
        ("2026-11-30T23:59:59+00:00", date(2026, 11, 1)),
        ("2026-12-01T00:00:00+00:00", date(2026, 12, 1)),
        ("2026-11-30T19:30:00-05:00", date(2026, 12, 1)),
        ("2027-01-01T00:30:00+01:00", date(2026, 12, 1)),
    ],
)
def test_a_month_begins_and_ends_at_midnight_utc(moment: str, month: date) -> None:
    assert month_of(datetime.fromisoformat(moment)) == month


async def test_a_file_that_does_not_tell_its_length_reserves_by_its_size(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(plan="ten-minutes")
    item_id = await world.item(tenant.dataset_id, status="stored", duration_seconds=None)
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE blobs SET size_bytes = 8000 * 601"))
    refusal(await client.post(f"/api/items/{item_id}/transcribe", headers=tenant.headers))
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE blobs SET size_bytes = 8000 * 30"))
    assert (await client.post(f"/api/items/{item_id}/transcribe", headers=tenant.headers)).status_code == 200
    assert (await usage(components, tenant)).reserved_seconds == 30


ACTS = ("start", "start", "start", "work", "publish", "publish", "fail", "cancel", "notice", "die", "delete")


def acts(*names: str) -> list[tuple[str, int, int, float, float]]:
    """What one account does with one item after the other: ``start 1`` makes one, ``publish 0`` is done with the first."""
    pairs = [(name.split()[0], int(name.split()[1])) for name in names]
    return [(name, which, 0, 60.0, 90.5) for name, which in pairs]


@dataclass
class Ledger:
    """Does what clients and workers do, and keeps its own books by what became of the items."""

    client: httpx.AsyncClient
    world: World
    components: Components
    tenants: list[Tenant]
    machine: RunStateMachine
    payers: dict[int, Tenant] = field(default_factory=dict)
    """Of each item that was started and is not deleted."""
    spent: dict[int, float] = field(default_factory=dict)
    """By account: what was published of its items, deleted ones included."""

    async def act(self, act: str, *, which: int, who: int, claimed: float, true: float) -> None:
        if act == "start" and (which % 2 or not self.payers):
            item_id = await self.world.item(
                self.tenants[0].dataset_id, status="stored", duration_seconds=claimed, description=str(true)
            )
            return await self.start(item_id, self.tenants[who])
        if not self.payers:
            return None
        item_id = sorted(self.payers)[which % len(self.payers)]
        if act == "start":
            return await self.start(item_id, self.tenants[who])
        if act in ("cancel", "delete"):
            method, path = (
                ("POST", f"/api/items/{item_id}/cancel") if act == "cancel" else ("DELETE", f"/api/items/{item_id}")
            )
            answer = await self.client.request(method, path, headers=self.tenants[0].headers)
            assert answer.status_code in (200, 204, 409)
            if act == "delete":
                del self.payers[item_id]
            return None
        return await self.work(item_id, act)

    async def start(self, item_id: int, tenant: Tenant) -> None:
        left = LIMIT_SECONDS - (await usage(self.components, tenant)).taken_seconds
        answer = await self.client.post(f"/api/items/{item_id}/transcribe", headers=tenant.headers)
        async with self.components.database.transaction() as session:
            item = await items.get_item(session, item_id)
            assert item is not None
            assert item.duration_seconds is not None
        if answer.status_code == 409:
            assert answer.json()["code"] in ("run_active", "run_not_active")
        elif item.duration_seconds > left or left <= 0:
            refusal(answer)
        else:
            assert answer.status_code == 200, answer.text
            self.payers[item_id] = tenant

    async def work(self, item_id: int, act: str) -> None:
        again = True
        while again:
            async with self.components.database.transaction() as session:
                run = await runs.newest_run(session, item_id)
                assert run is not None
                again = act == "publish" and await self.work_on(session, run)
                if act != "publish":
                    await self.work_on(session, run, act)

    async def work_on(self, session: Any, run: PipelineRun, act: str = "work") -> bool:
        """One stage by one worker; tells whether the run goes on."""
        claimed = await self.machine.claim(session, run_id=run.id, stage=run.stage, worker="test")
        item = await items.get_item(session, run.item_id)
        assert item is not None
        if claimed is None or act == "die":
            return False
        if act == "notice":
            await self.machine.end_cancelled(session, claimed)
        elif act == "fail":
            await self.machine.fail(session, claimed, MediaUnreadable(), seconds=0.1)
        else:
            if claimed.stage == "decode":
                item.duration_seconds = float(item.description or 0)
                await minutes.correct(session, run_id=run.id, seconds=item.duration_seconds)
            if claimed.stage == "publish":
                item.status = "published"
            await self.machine.complete(session, claimed, StageOutput(), seconds=0.1)
        if run.state == "succeeded":
            account_id = self.payers[item.id].account_id
            self.spent[account_id] = self.spent.get(account_id, 0.0) + (item.duration_seconds or 0)
        return run.active

    async def check(self) -> None:
        reserved = dict.fromkeys((tenant.account_id for tenant in self.tenants), 0.0)
        async with self.components.database.transaction() as session:
            for item_id, payer in self.payers.items():
                item = await items.get_item(session, item_id)
                assert item is not None
                if item.status in ("queued", "processing"):
                    reserved[payer.account_id] += item.duration_seconds or 0.0
        for tenant in self.tenants:
            found = await usage(self.components, tenant)
            assert found.reserved_seconds == pytest.approx(reserved[tenant.account_id])
            assert found.used_seconds == pytest.approx(self.spent.get(tenant.account_id, 0.0))


@example(done=acts("start 1", "publish 0", "start 1", "publish 1", "delete 0", "start 1", "delete 1"))
@example(done=acts("start 1", "fail 0", "start 0", "die 0", "die 0", "die 0", "die 0", "start 0", "publish 0"))
@example(done=acts("start 1", "work 0", "cancel 0", "start 0", "die 0", "cancel 0", "notice 0", "work 0", "start 0"))
@given(
    done=st.lists(
        st.tuples(
            st.sampled_from(ACTS),
            st.integers(0, 5),
            st.integers(0, 1),
            st.sampled_from([60.0, 150.25, 400.0]),
            st.sampled_from([0.5, 60.0, 300.5]),
        ),
        min_size=4,
        max_size=16,
    )
)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_after_whatever_happens_the_figures_are_what_the_items_say(
    client: httpx.AsyncClient, world: World, components: Components, done: list[tuple[str, int, int, float, float]]
) -> None:
    owner, editor = await world.tenant(plan="ten-minutes"), await world.tenant(plan="ten-minutes")
    async with components.database.transaction() as session:
        await libraries.add_member(session, library_id=owner.library_id, account_id=editor.account_id, role="editor")
    machine = RunStateMachine(STAGES, JobQueue(components.database), max_attempts=3)
    ledger = Ledger(client, world, components, [owner, editor], machine)
    for act, which, who, claimed, true in done:
        await ledger.act(act, which=which, who=who, claimed=claimed, true=true)
        await ledger.check()


async def test_a_resumable_upload_is_refused_at_its_begin_with_nothing_left_and_at_its_end_with_too_little(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(plan="ten-minutes")
    tus = Tus(client, tenant)
    path = await tus.begin()
    await use(components, tenant, LIMIT_SECONDS - 1)
    assert "0.01 are left" in refusal(await tus.patch(path, 0, AUDIO))
    assert await nothing_left(components)
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE monthly_use SET seconds = 600"))
    assert "Nothing is left" in refusal(await tus.create())


async def test_a_resumable_upload_reserves_once_however_often_its_end_is_asked_for(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(plan="ten-minutes")
    tus = Tus(client, tenant)
    path = await tus.begin()
    assert (await tus.patch(path, 0, AUDIO)).status_code == 204
    for _ in range(2):
        await tus.patch(path, len(AUDIO), b"")
        await tus.head(path)
    assert (await usage(components, tenant)).taken_seconds == AUDIO_SECONDS
