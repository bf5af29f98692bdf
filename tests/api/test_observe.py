"""What surrounds a request: its id, its log line, its metrics."""

import asyncio
import dataclasses
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from echoic.api.openapi import DocumentedApi
from echoic.api.problems import STOPPING_MESSAGE
from echoic.compose import Components
from echoic.db.runs import runs, totals
from tests.factories import World, talk
from tests.waiting import PATIENCE_SECONDS


def guard_metrics(app: DocumentedApi) -> None:
    components: Components = app.state.components
    settings = components.settings.model_copy(update={"metrics_token": SecretStr("t0ken")})
    app.state.components = dataclasses.replace(components, settings=settings)


def logged(log: io.StringIO, event: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, log.getvalue().splitlines()) if line["event"] == event]


async def test_a_request_keeps_the_id_it_comes_with_if_that_is_one(client: httpx.AsyncClient) -> None:
    given = await client.get("/health/live", headers={"X-Request-ID": "abc-1.2_3"})
    assert given.headers["x-request-id"] == "abc-1.2_3"


async def test_an_answer_without_content_has_no_type_of_it(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("a"))
    answer = await client.delete(f"/api/items/{item_id}", headers=tenant.headers)
    assert (answer.status_code, answer.headers.get("content-type")) == (204, None)
    assert "deletion-receipt" in answer.headers


@pytest.mark.parametrize("given", ["", "two words", "x" * 65, "<script>", "line\tbreak"])
async def test_an_id_that_could_do_harm_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/health/live", headers={"X-Request-ID": given})
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["x-request-id"].isalnum()


async def test_a_request_is_logged_with_its_route_and_without_its_key(
    client: httpx.AsyncClient, world: World, log: io.StringIO
) -> None:
    tenant = await world.tenant()
    await client.get(f"/api/items/7?api_key={tenant.key}", headers={"X-Request-ID": "seven"})
    (line,) = logged(log, "request")
    assert line["request_id"] == "seven"
    assert (line["method"], line["path"], line["route"]) == ("GET", "/api/items/7", "/api/items/{item_id}")
    assert (line["status"], line["level"]) == (404, "info")
    assert tenant.key not in log.getvalue()


async def test_a_path_is_logged_escaped_so_that_it_cannot_write_to_the_terminal(
    client: httpx.AsyncClient, log: io.StringIO
) -> None:
    await client.get("/api/%1B[2J%00%0Aforged")
    (line,) = logged(log, "request")
    assert line["path"] == "/api/%1B%5B2J%00%0Aforged"


async def test_probes_are_logged_at_the_debug_level(client: httpx.AsyncClient, log: io.StringIO) -> None:
    for path in ("/health/live", "/health/ready", "/metrics"):
        await client.get(path)
    assert {line["level"] for line in logged(log, "request")} == {"debug"}


async def test_metrics_count_requests_by_route_and_unknown_paths_as_one(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    for number in range(3):
        await client.get(f"/api/items/{number + 1}", headers=tenant.headers)
        await client.get(f"/scan/{number}")
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'echoic_requests_total{method="GET",route="/api/items/{item_id}",status="404"} 3.0' in answer.text
    assert 'echoic_requests_total{method="GET",route="(none)",status="404"} 3.0' in answer.text
    assert "/scan/" not in answer.text


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (None, 401),
        ("", 401),
        ("Bearer", 401),
        ("Bearer wrong", 401),
        ("Bearer ünicode", 401),
        ("Basic t0ken", 401),
        ("t0ken", 401),
        ("Bearer t0ken", 200),
        ("bearer t0ken", 200),
    ],
)
async def test_metrics_with_a_token_are_shown_to_those_who_have_it(
    client: httpx.AsyncClient, app: DocumentedApi, sent: str | None, status: int
) -> None:
    guard_metrics(app)
    headers = {} if sent is None else {b"Authorization": sent.encode()}
    answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == status
    assert ("echoic_" in answer.text) == (status == 200)


async def test_an_api_key_is_no_token_of_the_metrics(
    client: httpx.AsyncClient, app: DocumentedApi, world: World
) -> None:
    tenant = await world.tenant()
    guard_metrics(app)
    refused = await client.get("/metrics", headers=tenant.headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")


async def test_no_answer_is_guessed_to_be_a_page(client: httpx.AsyncClient) -> None:
    for path in ("/health/live", "/docs", "/docs/files/swagger-ui.css", "/api/items/1", "/nowhere", "/metrics"):
        assert (await client.get(path)).headers["x-content-type-options"] == "nosniff", path


async def test_metrics_show_the_pipeline_as_stored(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, status="queued")
    done = await world.item(tenant.dataset_id, talk("done"))
    async with world.database.transaction() as session:
        assert await runs.newest_run(session, done) is not None
        await totals.count_stage(session, stage="transcribe", seconds=3.0, audio_seconds=60.0)
        await totals.count_stage(session, stage="transcribe", code="engine_failed", seconds=1.0)
    text = (await client.get("/metrics")).text
    assert 'echoic_queue_depth{stage="decode"} 1.0' in text
    assert 'echoic_stage_runs_total{stage="transcribe"} 1.0' in text
    assert 'echoic_stage_seconds_total{stage="transcribe"} 3.0' in text
    assert 'echoic_stage_audio_seconds_total{stage="transcribe"} 60.0' in text
    assert 'echoic_stage_failures_total{code="engine_failed",stage="transcribe"} 1.0' in text


async def test_two_applications_in_one_process_count_apart(client: httpx.AsyncClient, app: DocumentedApi) -> None:
    await client.get("/health/live")
    from echoic.api.app import create_app

    assert b"/health/live" not in create_app(app.state.components).state.metrics.render({})


async def test_the_line_of_a_refused_request_says_why(
    client: httpx.AsyncClient, world: World, log: io.StringIO
) -> None:
    tenant = await world.tenant()
    items = f"/api/datasets/{tenant.dataset_id}/items"
    for method, path, body, code, reason in (
        ("GET", "/api/items/99", {}, "item_not_found", "Item not found."),
        ("GET", "/nowhere", {}, "not_found", "no such endpoint"),
        ("POST", items, {"audio_url": "http://a.example/b.mp3"}, "audio_url_not_https", "https://"),
        ("POST", "/api/search", {"query": "x", "\u001b[31m": 1}, "field_invalid", "\\x1b[31m"),
    ):
        refused = await client.request(method, path, headers=tenant.headers, json=body)
        line = logged(log, "request")[-1]
        assert (line["status"], line["code"]) == (refused.status_code, code)
        assert reason in line["reason"]
    await client.get("/api/datasets", headers=tenant.headers)
    assert "code" not in logged(log, "request")[-1]


@pytest.mark.parametrize(("path", "field"), [("/api/datasets/{}/items", "audio"), ("/v1/audio/transcriptions", "file")])
async def test_an_upload_that_the_server_cannot_wait_for_when_it_stops_is_told_to_come_again(
    client: httpx.AsyncClient, world: World, app: DocumentedApi, path: str, field: str
) -> None:
    tenant = await world.tenant()
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield f'--b\r\nContent-Disposition: form-data; name="{field}"; filename="a.wav"\r\n\r\nRIFF'.encode()
        begun.set()
        await asyncio.Event().wait()

    headers = {**tenant.headers, "Content-Type": "multipart/form-data; boundary=b"}
    request = asyncio.create_task(client.post(path.format(tenant.dataset_id), content=endless(), headers=headers))
    await asyncio.wait_for(begun.wait(), PATIENCE_SECONDS)
    app.state.stopping.set()
    request.cancel()  # as uvicorn does with what is still going on after its time
    answer = await request
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    told = answer.json()["error"] if path.startswith("/v1") else answer.json()
    assert told["code"] == "unavailable"
    assert told["message"] == STOPPING_MESSAGE
