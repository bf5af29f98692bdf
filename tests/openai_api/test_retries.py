"""The same request once more: the client's own retries, cut lines, several at once. One recording is one run."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from openai import OpenAI

from echoic.testing.private_server import PrivateServer
from tests.acceptance.breaking_proxy import BreakingProxy
from tests.openai_api.conftest import client_of
from tests.recordings import tones
from tests.waiting import wait_for

pytestmark = pytest.mark.processes


def items_named(server: PrivateServer, title: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = server.client.get("/api/items", params={"q": title}).json()["items"]
    return [item for item in found if item["title"] == title]


def test_a_client_whose_line_is_cut_gets_the_result_by_its_own_retry(server: PrivateServer) -> None:
    recording = tones(111.0)
    port = server.client.base_url.port
    assert port is not None
    # Broken within the body: nothing was taken. Then behind it: the run is there, the answer is lost.
    with (
        BreakingProxy(port, len(recording) // 2, len(recording) + 600) as proxy,
        client_of(server, port=proxy.port) as client,
    ):
        heard = client.audio.transcriptions.create(file=("cut.wav", recording), model="whisper-1")
        assert proxy.breaks_left == 0
    assert heard.text
    assert len(items_named(server, "cut")) == 1


def test_the_run_goes_on_when_the_client_goes_away(server: PrivateServer, client: OpenAI) -> None:
    recording = tones(122.0)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{server.client.base_url}/v1/audio/transcriptions",
            files={"file": ("away.wav", recording)},
            headers={"Authorization": server.client.headers["Authorization"]},
            timeout=httpx.Timeout(30.0, read=0.2),
        )
    wait_for(
        lambda: [item["status"] for item in items_named(server, "away")] in ([], ["published"]),
        "it is done, or never came",
    )
    heard = client.audio.transcriptions.with_raw_response.create(file=("away.wav", recording), model="whisper-1")
    assert heard.parse().text
    assert len(items_named(server, "away")) == 1


def test_equal_requests_at_once_are_one_run(server: PrivateServer, client: OpenAI) -> None:
    recording = tones(133.0)
    ready = threading.Barrier(6)

    def ask() -> tuple[str, str]:
        ready.wait()
        answer = client.audio.transcriptions.with_raw_response.create(file=("many.wav", recording), model="whisper-1")
        return answer.headers["X-Item-Id"], answer.parse().text

    with ThreadPoolExecutor(6) as pool:
        answers = {future.result() for future in [pool.submit(ask) for _ in range(6)]}
    assert len(answers) == 1
    assert len(items_named(server, "many")) == 1


def test_another_wish_another_key_and_another_recording_are_other_runs(server: PrivateServer, client: OpenAI) -> None:
    first = tones(144.0)
    other_key = server.client.post("/api/keys", json={"name": "Other"}).json()["key"]

    def item(recording: bytes = first, client: OpenAI = client, **more: str) -> str:
        answer = client.audio.transcriptions.with_raw_response.create(
            file=("other.wav", recording), model="whisper-1", extra_body=more
        )
        return answer.headers["X-Item-Id"]

    same = {item(), item(response_format="text"), item(temperature="0.2"), item(language="")}
    assert len(same) == 1
    others = {
        item(language="en"),
        item(prompt="Kubernetes"),
        item(response_format="diarized_json"),
        item(tones(155.0)),
        item(client=client.with_options(api_key=other_key)),
    }
    assert len(others | same) == 6


def test_an_item_that_is_gone_is_made_again(server: PrivateServer, client: OpenAI) -> None:
    recording = tones(166.0)
    first = client.audio.transcriptions.with_raw_response.create(file=("gone.wav", recording), model="whisper-1")
    assert server.client.delete(f"/api/items/{first.headers['X-Item-Id']}").status_code == 204
    second = client.audio.transcriptions.with_raw_response.create(file=("gone.wav", recording), model="whisper-1")
    assert second.headers["X-Item-Id"] != first.headers["X-Item-Id"]
    assert second.parse().text == first.parse().text
