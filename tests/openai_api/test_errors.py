"""Every error in OpenAI's shape, as OpenAI's client raises it."""

from collections.abc import Mapping
from pathlib import Path

import httpx
import openai
import pytest
from openai import OpenAI

from echoic.testing.private_server import FAKE_ENGINES, PrivateServer
from tests.folders import passable_folder
from tests.openai_api.conftest import RECORDING, client_of
from tests.recordings import tones

pytestmark = pytest.mark.processes

PLANS = """
[narrow]
max_file_mb = 2
monthly_minutes = 1
requests_per_minute = 5
"""


def told(error: openai.APIStatusError) -> tuple[int, str | None, str | None]:
    assert isinstance(error.body, Mapping)
    assert set(error.body) == {"message", "type", "param", "code"}
    assert error.body["message"]
    return error.status_code, error.code, error.param


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("response_format", "xml"),
        ("temperature", "warm"),
        ("temperature", "1.5"),
        ("language", "klingon"),
        ("languages[]", "klingon"),
        ("timestamp_granularities[]", "letter"),
        ("timestamp_granularities[][]", "letter"),
        ("stream", "perhaps"),
        ("known_speaker_names[]", "Ada"),
        ("prompt", "with a \0 in it"),
    ],
)
def test_a_wrong_field_is_named(client: OpenAI, field: str, value: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.transcriptions.create(file=RECORDING, model="whisper-1", extra_body={field: value})
    status, code, param = told(caught.value)
    assert (status, code) == (400, "field_invalid")
    assert param in (field.partition("[")[0], "known_speaker_references")


def test_what_is_no_recording_is_a_bad_request(client: OpenAI) -> None:
    for content, code in ((b"Nobody speaks here.", "not_audio"), (b"", "audio_empty")):
        with pytest.raises(openai.BadRequestError) as caught:
            client.audio.transcriptions.create(file=("a.wav", content), model="whisper-1")
        assert told(caught.value) == (400, code, None)


def test_paths_and_methods_that_are_not_there_are_told_with_those_that_are(server: PrivateServer) -> None:
    browser = {"Accept": "text/html"}
    for method, path, status, code in (
        ("GET", "/v1/chat/completions", 404, "unknown_url"),
        ("GET", "/v1", 404, "unknown_url"),
        ("DELETE", "/v1/models", 405, "method_not_supported"),
    ):
        answer = server.client.request(method, path, headers=browser)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["type"]) == (status, code, "invalid_request_error")
        assert "POST /v1/audio/transcriptions" in error["message"]
    assert answer.headers["Allow"] == "GET"


def test_another_body_than_a_form_is_a_bad_request_too(server: PrivateServer) -> None:
    for request in ({"json": {"model": "x"}}, {"data": {"model": "x"}}, {"files": {"model": (None, "x")}}):
        answer = server.client.post("/v1/audio/transcriptions", **request)
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["type"] == "invalid_request_error"


def test_strangers_and_models_and_datasets_that_are_not_there(server: PrivateServer, client: OpenAI) -> None:
    stranger = client.with_options(api_key="ek_nobody")
    for ask in (stranger.models.list, lambda: stranger.audio.transcriptions.create(file=RECORDING, model="x")):
        with pytest.raises(openai.AuthenticationError) as caught:
            ask()
        assert told(caught.value) == (401, "invalid_api_key", None)
        assert caught.value.response.headers["WWW-Authenticate"] == "Bearer"
    with pytest.raises(openai.NotFoundError) as missing:
        client.models.retrieve("gpt-9")
    assert told(missing.value) == (404, "model_not_found", "model")
    with pytest.raises(openai.NotFoundError) as absent:
        client.audio.transcriptions.create(file=RECORDING, model="x", extra_query={"dataset": 4711})
    assert told(absent.value) == (404, "dataset_not_found", None)
    with pytest.raises(openai.BadRequestError) as wrong:
        client.audio.transcriptions.create(file=RECORDING, model="x", extra_query={"dataset": "mine"})
    assert told(wrong.value) == (400, "field_invalid", "dataset")
    narrow = server.client.post("/api/keys", json={"name": "Reads", "scopes": ["read"]}).json()["key"]
    with pytest.raises(openai.PermissionDeniedError) as shut_out:
        client.with_options(api_key=narrow).audio.transcriptions.create(file=RECORDING, model="x")
    assert told(shut_out.value) == (403, "scope_missing", None)


def test_a_key_that_may_upload_alone_gets_its_own_words(server: PrivateServer, client: OpenAI) -> None:
    narrow = server.client.post("/api/keys", json={"name": "Uploads", "scopes": ["upload"]}).json()["key"]
    with_it = client.with_options(api_key=narrow)
    assert with_it.audio.transcriptions.create(file=RECORDING, model="whisper-1").text
    with pytest.raises(openai.PermissionDeniedError):
        with_it.models.list()


def test_what_a_plan_does_not_allow_is_told_once(tmp_path: Path) -> None:
    plans = tmp_path / "plans.toml"
    plans.write_text(PLANS)
    with (
        passable_folder() as folder,
        PrivateServer(folder, ECHOIC_PLANS_FILE=str(plans), **FAKE_ENGINES) as server,
        client_of(server) as opened,
    ):
        account = server.client.get("/api/account").raise_for_status().json()
        changed = server.client.patch(f"/api/accounts/{account['id']}", json={"plan": "narrow"})
        assert changed.is_success, changed.text
        client = opened.with_options(max_retries=0)
        with pytest.raises(openai.APIStatusError) as large:
            client.audio.transcriptions.create(file=("a.wav", tones(100.0, seconds=90.0)), model="x")
        assert told(large.value) == (413, "file_too_large", None)
        a_minute = tones(100.0, seconds=60.0)
        assert client.audio.transcriptions.create(file=("a.wav", a_minute), model="x").text
        with pytest.raises(openai.RateLimitError) as spent:
            client.audio.transcriptions.create(file=("b.wav", tones(200.0, seconds=3.0)), model="x")
        assert told(spent.value)[1] == "insufficient_quota"
        assert int(spent.value.response.headers["Retry-After"]) > 0
        # The result of what was paid for is to be had although nothing is left.
        assert client.audio.transcriptions.create(file=("a.wav", a_minute), model="x").text
        with pytest.raises(openai.RateLimitError) as limited:
            _ask_often(client)
        assert told(limited.value)[1] == "rate_limit_exceeded"
        assert int(limited.value.response.headers["Retry-After"]) > 0


def _ask_often(client: OpenAI) -> None:
    for _ in range(10):
        client.models.list()


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
def test_a_failure_of_the_engine_is_not_tried_again_by_the_client() -> None:
    nowhere = {"ECHOIC_TRANSCRIBER": "openai", "ECHOIC_OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    quick = {"ECHOIC_STAGE_MAX_ATTEMPTS": "1", "ECHOIC_STAGE_RETRY_BASE_SECONDS": "0.1"}
    with (
        passable_folder() as folder,
        PrivateServer(folder, **{**FAKE_ENGINES, **nowhere, **quick}) as server,
        client_of(server) as client,
    ):
        with pytest.raises(openai.InternalServerError) as failed:
            client.audio.transcriptions.create(file=RECORDING, model="whisper-1")
        assert told(failed.value) == (500, "engine_unreachable", None)
        assert failed.value.response.headers["x-should-retry"] == "false"
        assert server.client.get("/api/items").json()["total"] == 1
        with pytest.raises(openai.BadRequestError) as refused:
            client.audio.translations.create(file=RECORDING, model="whisper-1")
        assert told(refused.value)[1] == "translation_not_offered"


def test_other_paths_below_v1_are_not_there(server: PrivateServer) -> None:
    answer = httpx.post(f"{server.client.base_url}/v1/chat/completions", headers=server.client.headers)
    assert answer.status_code == 404
