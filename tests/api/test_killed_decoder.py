"""What lies with the server, and not with the file, refuses no upload for good and costs no byte that may be kept."""

import sys
from pathlib import Path

import httpx
import pytest

from echoic.compose import Components
from echoic.db.catalog import libraries
from echoic.db.speakers.speakers import create_speaker
from echoic.engines.media.parent import spare
from echoic.errors import PlanUnknown
from echoic.intake import accept
from tests.api.tus import AUDIO, Tus, count, nothing_left, stored_sizes
from tests.decoders import decoders, kill_whoever_reads
from tests.factories import Tenant, World

FILE = {"audio": ("jfk.flac", AUDIO)}

NEVER_SECONDS = 3600.0


def upload_url(tenant: Tenant) -> str:
    return f"/api/datasets/{tenant.dataset_id}/items"


@pytest.fixture
async def tus(client: httpx.AsyncClient, world: World) -> Tus:
    return Tus(client, await world.tenant())


async def test_a_form_whose_probe_is_killed_may_be_sent_again(
    client: httpx.AsyncClient, world: World, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spare, "REST_SECONDS", NEVER_SECONDS)
    tenant = await world.tenant()
    named = {**tenant.headers, "Idempotency-Key": "one"}
    with monkeypatch.context() as outage:
        kill_whoever_reads(outage, components.blobs)
        answer = await client.post(upload_url(tenant), headers=named, files=FILE)
    assert (answer.status_code, answer.json()["code"]) == (503, "decoder_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert await nothing_left(components)
    assert not decoders()
    assert (await client.post(upload_url(tenant), headers=named, files=FILE)).status_code == 200


async def test_a_finished_upload_whose_probe_is_killed_keeps_its_bytes(
    tus: Tus, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await tus.begin()
    with monkeypatch.context() as outage:
        kill_whoever_reads(outage, components.blobs)
        answer = await tus.patch(path, 0, AUDIO)
        assert (answer.status_code, answer.json()["code"]) == (503, "decoder_unavailable")
        assert (await tus.head(path)).status_code == 503
        assert (await tus.patch(path, len(AUDIO), b"")).status_code == 503
        assert await stored_sizes(components) == [len(AUDIO)]
    answer = await tus.patch(path, len(AUDIO), b"")
    assert answer.status_code == 204
    assert "Item-Id" in answer.headers
    assert await count(components, "items") == 1


async def test_a_finished_upload_outlives_a_decoder_that_does_not_start(
    tus: Tus, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await tus.begin()
    with monkeypatch.context() as outage:
        outage.setattr(sys, "executable", "/no/such/python")
        assert (await tus.patch(path, 0, AUDIO)).json()["code"] == "decoder_unavailable"
    assert "Item-Id" in (await tus.head(path)).headers
    assert await count(components, "items") == 1


async def test_a_finished_upload_outlives_a_fault_that_only_the_operator_can_mend(
    tus: Tus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(*_: object) -> None:
        raise PlanUnknown

    path = await tus.begin()
    with monkeypatch.context() as fault:
        fault.setattr(accept, "reserve_minutes", unknown)
        assert (await tus.patch(path, 0, AUDIO)).json()["code"] == "plan_unknown"
    assert "Item-Id" in (await tus.head(path)).headers


async def test_a_clip_whose_decoder_is_killed_is_not_called_bad(
    client: httpx.AsyncClient,
    components: Components,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    tenant = await world.tenant()
    async with components.database.transaction() as session:
        library = await libraries.first_own_library(session, tenant.account_id)
        assert library is not None
        speaker = await create_speaker(session, library_id=library.id, name="Anna")
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nkill -KILL $$\n", encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    url = f"/api/libraries/{library.slug}/speakers/{speaker.id}/clips"
    answer = await client.post(url, headers=tenant.headers, files=FILE)
    assert (answer.status_code, answer.json()["code"]) == (503, "decoder_unavailable")
