"""``echoic health`` as a supervisor calls it: without a key, by its exit code."""

import asyncio
import json
import socket
from pathlib import Path

import pytest
from sqlalchemy import text

from echoic.cli.connection import ExitCode
from echoic.db.connect import Database
from echoic.db.runs import workers
from echoic.db.runs.workers import WorkerCard
from echoic.testing.private_server import PrivateServer
from tests.cli.conftest import run
from tests.scripted import Reply, scripted


@pytest.mark.processes
@pytest.mark.usefixtures("no_access")
def test_a_server_that_works_is_healthy_without_a_key(server: PrivateServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOIC_PORT", str(server.client.base_url.port))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    done = run("health")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[:3] == ["database  ok", "storage   ok", "decoder   ok"]


@pytest.mark.usefixtures("no_access")
def test_it_says_how_the_parts_are_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    ready, away = {"checks": {"database": "ok"}}, {"database": "ok", "storage": "unavailable"}
    refusal = {"code": "not_ready", "message": "Not ready: storage not available.", "checks": away}
    replies = [Reply(body=json.dumps(ready).encode()), Reply(status=503, body=json.dumps(refusal).encode())]
    with scripted(lambda _asked, before: replies[before]) as server:
        monkeypatch.setenv("ECHOIC_PORT", server.address.rpartition(":")[2])
        well, ill = run("health"), run("health")
    assert (well.exit_code, well.stdout, well.stderr) == (0, "database  ok\n", "")
    assert (ill.exit_code, ill.stdout) == (ExitCode.UNREACHABLE, "database  ok\nstorage   unavailable\n")
    assert ill.stderr == "echoic: Not ready: storage not available. (not_ready)\n"


@pytest.mark.usefixtures("no_access")
@pytest.mark.parametrize("body", [b"[]", b"<p>hello", b'{"checks": 3}'])
def test_what_is_no_server_of_ours_is_not_healthy(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    with scripted(lambda _asked, _before: Reply(body=body)) as server:
        monkeypatch.setenv("ECHOIC_PORT", server.address.rpartition(":")[2])
        done = run("health")
    assert (done.exit_code, done.stdout) == (ExitCode.UNREACHABLE, "")
    assert done.stderr == f"echoic: What answers at {server.address} is no Echoic server.\n"


@pytest.mark.usefixtures("no_access")
def test_where_nothing_answers_the_exit_code_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setenv("ECHOIC_PORT", str(port))
        done = run("health")
    assert done.exit_code == ExitCode.UNREACHABLE
    assert f"No Echoic answers at http://127.0.0.1:{port}" in done.stderr


@pytest.mark.usefixtures("no_access")
async def test_a_worker_is_healthy_while_its_heart_beats(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOIC_DATABASE_URL", database_url)
    monkeypatch.setattr(socket, "gethostname", lambda: "pod_1")
    database = Database(database_url, pool_size=1)
    try:
        await _add_worker(database, name="podx1:7", silent_seconds=0)  # whose name is not this one's, as a pattern
        await _add_worker(database, name="pod_1:7", silent_seconds=3600)
        assert await _health_of_worker() == (
            ExitCode.UNREACHABLE,
            "echoic: No worker of pod_1 has been heard for 30 s.\n",
        )
        await _add_worker(database, name="pod_1:8", silent_seconds=0)
        assert await _health_of_worker() == (0, "worker    ok\n")
    finally:
        await database.close()


@pytest.mark.usefixtures("no_access")
async def test_a_worker_that_waits_for_the_database_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHOIC_DATABASE_URL", f"postgresql://nobody@/none?host={tmp_path}")
    code, said = await _health_of_worker()
    assert code == 0
    assert said.startswith("worker    waits for the database: ")


async def _health_of_worker() -> tuple[int, str]:
    done = await asyncio.to_thread(run, "health", "--worker")
    return done.exit_code, done.output


async def _add_worker(database: Database, *, name: str, silent_seconds: float) -> None:
    async with database.transaction() as session:
        worker_id = await session.scalar(
            text(
                "INSERT INTO procrastinate_workers (last_heartbeat)"
                " VALUES (now() - make_interval(secs => :silent)) RETURNING id"
            ),
            {"silent": silent_seconds},
        )
        assert worker_id is not None
        card = WorkerCard(name=name, version="9.9", queues=("cpu",), stages_at_once=1)
        await workers.note(session, worker_id, card, age_seconds=silent_seconds)
