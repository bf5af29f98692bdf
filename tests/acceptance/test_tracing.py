"""One trace of an upload, from the request to what is told of it, as a collector gets it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from echoic.stages import STAGES
from echoic.testing.private_server import PrivateServer
from tests.acceptance.collector import CollectedSpan, Collector, collecting
from tests.acceptance.conftest import FAKES, RECORDING
from tests.folders import copied
from tests.waiting import wait_for

pytestmark = pytest.mark.processes

TITLE = "Talk with Ada Example"
FILE = "ada-private.flac"
SERVER_KIND, CLIENT_KIND, PRODUCER_KIND, CONSUMER_KIND = 2, 3, 4, 5
UPLOAD = "POST /api/datasets/{dataset_id}/items"
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@pytest.fixture(scope="module")
def server(first_start: Path, collector: Collector) -> Iterator[PrivateServer]:
    """A server and its worker, traced by the variables that people have."""
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}",
        "OTEL_SERVICE_NAME": "transcripts",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "NO_PROXY": "127.0.0.1",
        # So that the webhook below may be tried; nobody listens there.
        "ECHOIC_FETCH_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    with copied(first_start) as folder, PrivateServer(folder, **FAKES, **variables) as found:
        yield found


def upload(client: httpx.Client, **headers: str) -> int:
    answer = client.post(
        "/api/datasets/1/items",
        data={"title": TITLE},
        files={"audio": (FILE, RECORDING.read_bytes())},
        headers=headers,
    )
    assert answer.status_code == 200, answer.text
    return int(answer.json()["item_id"])


def test_an_upload_is_one_trace_through_all_processes(server: PrivateServer, collector: Collector) -> None:
    hook = server.client.post("/api/webhooks", json={"url": "https://127.0.0.1:1/secret-path"})
    assert hook.status_code == 201, hook.text
    item = upload(server.client, traceparent=f"00-{TRACE}-{CALLER}-01")
    wait_for(lambda: bool(collector.named("deliver")), "what was published is told", patience_seconds=120)
    wait_for(lambda: bool(collector.named("stage publish")), "the last stage has ended")
    spans = [span for span in list(collector.spans) if span.trace == TRACE]
    [request] = [span for span in spans if span.name == UPLOAD]
    assert (request.parent, request.kind) == (CALLER, SERVER_KIND)
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/datasets/{dataset_id}/items",
        "http.response.status_code": 200,
    }
    [queued] = [span for span in spans if span.name == "queue run"]
    assert (queued.parent, queued.kind) == (request.id, PRODUCER_KIND)
    stages = {span.attributes["echoic.stage"]: span for span in spans if span.name.startswith("stage ")}
    assert set(stages) == {stage.name for stage in STAGES}
    for name, stage in stages.items():
        assert (stage.parent, stage.kind, stage.failed) == (queued.id, CONSUMER_KIND, False)
        assert stage.attributes == {
            "echoic.stage": name, "echoic.item_id": item, "echoic.run_id": stages["decode"].attributes["echoic.run_id"],
            "echoic.attempt": 1,
        }  # fmt: skip
    told = [span for span in spans if span.name == "deliver"]
    assert {(span.parent, span.kind) for span in told} == {(stages["publish"].id, CLIENT_KIND)}
    assert told[0].attributes["echoic.event"] == "item.published"
    assert told[0].failed, "nobody listens there"
    assert processes(request) == ("transcripts", "server", "test")
    assert processes(stages["publish"]) == ("transcripts", "worker", "test")
    assert processes(told[0]) == ("transcripts", "server", "test")
    assert collector.paths == {"/v1/traces"}


def processes(span: CollectedSpan) -> tuple[str, str, str]:
    named = ("service.name", "echoic.process", "deployment.environment.name")
    first, second, third = (str(span.resource[name]) for name in named)
    return first, second, third


def test_nothing_that_people_wrote_or_said_and_no_address_is_sent(server: PrivateServer, collector: Collector) -> None:
    item = upload(server.client)
    server.client.get(f"/api/items/{item}/audio", params={"secret": "in-the-query"})
    server.client.post("/api/search", json={"query": "secret-question"})
    server.client.get("/api/libraries/secret-slug/nothing")
    wait_for(lambda: bool(collector.named("POST /api/search")), "the search has arrived")
    wait_for(lambda: bool(collector.named("GET (none)")), "what has no route has arrived")
    key = server.client.headers["Authorization"].removeprefix("Bearer ")
    private = (TITLE, FILE, "in-the-query", "secret-", "127.0.0.1", "python-httpx", key)
    sent = b"".join(collector.bodies)
    assert [text for text in private if text.encode() in sent] == []


def test_what_machines_ask_every_few_seconds_is_no_trace(server: PrivateServer, collector: Collector) -> None:
    server.client.get("/health/live")
    server.client.get("/metrics")
    server.client.get("/api/plans")
    wait_for(lambda: bool(collector.named("GET /api/plans")), "a later request has arrived")
    assert [span.name for span in collector.spans if "health" in span.name or "metrics" in span.name] == []
