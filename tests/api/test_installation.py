"""What administrators are told of the installation itself: versions, models, loops, storage, workers."""

import httpx
import pytest
from sqlalchemy import text

from echoic import __version__
from echoic.cli.status import print_embeddings
from echoic.compose import Components
from echoic.db.items import items
from echoic.db.loops import LoopNotes
from echoic.db.runs import workers
from echoic.db.runs.workers import WorkerCard
from echoic.engines.fake import FakeTextEncoder
from echoic.engines.lease import EngineLease
from echoic.records import EngineId
from echoic.upkeep import LoopState
from tests.factories import Tenant, World, talk


@pytest.fixture
async def admin(world: World) -> Tenant:
    return await world.tenant("Admin", is_admin=True)


async def test_versions_and_engines_are_told(client: httpx.AsyncClient, components: Components, admin: Tenant) -> None:
    told = (await client.get("/api/installation", headers=admin.headers)).json()
    async with components.database.transaction() as session:
        server = await session.scalar(text("SHOW server_version"))
    assert (told["echoic"], told["postgresql"]) == (__version__, server)
    engines = {engine["task"]: engine["name"] for engine in told["engines"]}
    assert engines["transcriber"] == "fake"
    assert set(engines) == {
        *("transcriber", "speech_detector", "diarizer", "voice_encoder", "entity_tagger", "text_encoder")
    }


async def test_how_far_segments_are_embedded_by_the_present_model_is_told(
    *,
    client: httpx.AsyncClient,
    components: Components,
    world: World,
    admin: Tenant,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await world.item(admin.dataset_id, talk("a", "b"))
    told = (await client.get("/api/installation", headers=admin.headers)).json()
    assert told["embeddings"] == {"segments": 2, "by_present_model": 2}
    print_embeddings(told)
    assert capsys.readouterr().out == ""
    other = EngineId(name="e5", model="other", version="1")
    monkeypatch.setattr(components.engines, "text_encoder", EngineLease(other, FakeTextEncoder, idle_seconds=60))
    told = (await client.get("/api/installation", headers=admin.headers)).json()
    assert told["embeddings"] == {"segments": 2, "by_present_model": 0}
    print_embeddings(told)
    assert "0 of 2 segments are embedded by e5" in " ".join(capsys.readouterr().out.split())


async def test_a_transcriber_that_was_chosen_for_the_machine_is_told_with_the_reason(
    client: httpx.AsyncClient, components: Components, admin: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(components.settings, "_chosen_because", "4 cores")
    told = (await client.get("/api/installation", headers=admin.headers)).json()
    reasons = {engine["task"]: engine["chosen_because"] for engine in told["engines"]}
    assert (reasons["transcriber"], reasons["diarizer"]) == ("4 cores", None)


async def test_a_loop_that_keeps_failing_is_told_with_its_error(
    client: httpx.AsyncClient, components: Components, admin: Tenant
) -> None:
    tell = LoopNotes(components.database)
    await tell("sweep", LoopState(failures=3, failed_in_a_row=3, error="The storage is away."))
    await tell("reindex", LoopState())
    told = (await client.get("/api/installation", headers=admin.headers)).json()["loops"]
    assert [(loop["name"], loop["keeps_failing"], loop["error"]) for loop in told] == [
        ("reindex", False, None),
        ("sweep", True, "The storage is away."),
    ]
    assert told[1]["failing_since"] is not None


async def test_what_is_stored_is_told_by_account_and_by_library(
    client: httpx.AsyncClient, world: World, components: Components, admin: Tenant
) -> None:
    owner = await world.tenant("Owner")
    one, other = await world.item(owner.dataset_id), await world.item(admin.dataset_id)
    async with components.database.transaction() as session:
        for item_id, tenant, size in ((one, owner, 5000), (other, owner, 300)):
            item = await items.get_item(session, item_id)
            assert item is not None
            blob = await items.get_blob(session, item.audio_blob_id)
            assert blob is not None
            blob.account_id, blob.size_bytes = tenant.account_id, size
        decoded = await items.create_blob(session, key="decoded", size_bytes=9000, sha256="0")
        item = await items.get_item(session, other)
        assert item is not None
        await items.set_decoded(session, item, decoded=decoded, duration_seconds=1.0)
    told = (await client.get("/api/storage", headers=admin.headers)).json()
    whole = (told["items"], told["original_bytes"], told["decoded_bytes"], told["upload_bytes"])
    assert whole == (2, 5300, 9000, 0)
    (share,) = told["shares"]
    assert (share["account_id"], share["name"], share["original_bytes"]) == (owner.account_id, "Owner", 5300)
    by_library = (await client.get("/api/storage", headers=admin.headers, params={"by": "library"})).json()
    assert [(one["name"], one["original_bytes"], one["decoded_bytes"]) for one in by_library["shares"]] == [
        ("Admin's library", 300, 9000),
        ("Owner's library", 5000, 0),
    ]
    assert by_library["total"] == 2
    beyond = (await client.get("/api/storage", headers=admin.headers, params={"by": "library", "offset": 2})).json()
    assert (beyond["items"], beyond["decoded_bytes"], beyond["shares"], beyond["total"]) == (2, 9000, [], 2)


async def test_workers_are_told_with_their_last_sign_of_life(
    client: httpx.AsyncClient, components: Components, admin: Tenant
) -> None:
    card = WorkerCard(name="machine:7", version="9.9", queues=("cpu",), stages_at_once=2)
    silent = components.settings.worker_stalled_seconds + 60
    async with components.database.transaction() as session:
        rows = await session.scalars(
            text(
                "INSERT INTO procrastinate_workers (last_heartbeat) "
                "VALUES (now()), (now() - make_interval(secs => :silent)) RETURNING id"
            ),
            {"silent": silent},
        )
        living, _ = list(rows)
        await workers.note(session, living, card, age_seconds=30.0)
    told = (await client.get("/api/workers", headers=admin.headers)).json()["workers"]
    assert [(one["name"], one["version"], one["queues"], one["is_alive"], one["work"]) for one in told] == [
        ("machine:7", "9.9", ["cpu"], True, []),
        (None, None, None, False, []),
    ]
