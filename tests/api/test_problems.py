"""The one error body, walked through every way to fail, and the table of statuses."""

import dataclasses
import inspect
import io
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from echoic import errors
from echoic.api.app import create_app
from echoic.api.openapi import DocumentedApi
from echoic.api.problems import INTERNAL_MESSAGE, STATUSES, public_code, status_of
from echoic.compose import Components
from echoic.db.connect import Database
from echoic.errors import EchoicError
from echoic.intake.body import MAX_JSON_BYTES
from tests.factories import World

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    412: "Precondition Failed",
    413: "Payload Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    416: "Range Not Satisfiable",
    422: "Unprocessable Entity",
    423: "Locked",
    429: "Rate Limited",
    431: "Request Header Fields Too Large",
    460: "Checksum Mismatch",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
ARGUMENTS: Mapping[type[EchoicError], tuple[Any, ...]] = {
    errors.DuplicateItem: (7,),
    errors.TranscriptChanged: (7,),
    errors.AccountOwnsLibraries: (["team"],),
    errors.UploadOffsetMismatch: (4, 2),
}
ERRORS = [
    value(*ARGUMENTS.get(value, ()))
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, EchoicError) and value is not EchoicError
]


def assert_problem(
    answer: httpx.Response, status: int, code: str, more: Mapping[str, object] = MappingProxyType({})
) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) - {"retry_after"} == {"error", "message", "code", "request_id", *more}
    assert {name: body[name] for name in more} == dict(more)
    assert (body["error"], body["code"]) == (TITLES[status], code)
    assert body["request_id"] == answer.headers["x-request-id"]
    # The public API writes this one message without a full stop.
    assert body["message"].endswith(".") == (body["message"] != errors.NotAuthenticated().message)
    assert body.get("retry_after") == (int(answer.headers["retry-after"]) if "retry-after" in answer.headers else None)


def test_every_family_has_its_status_and_no_single_class_has_one() -> None:
    assert set(STATUSES) == set(EchoicError.__subclasses__())


async def test_every_error_becomes_its_answer(app: DocumentedApi, client: httpx.AsyncClient) -> None:
    @app.get("/raise/{number}", tags=["test"])
    async def fail(number: int) -> None:
        raise ERRORS[number]

    for number, error in enumerate(ERRORS):
        status = status_of(error)
        answer = await client.get(f"/raise/{number}")
        assert_problem(answer, status, "internal_error" if status == 500 else public_code(error), more=error.details)
        assert ("retry-after" in answer.headers) == (
            error.retry_after_seconds is not None or (status == 503 and error.retryable)
        )
        assert ("www-authenticate" in answer.headers) == (status == 401)
        assert answer.json()["message"] == (INTERNAL_MESSAGE if status == 500 else error.message)


REFUSALS: list[tuple[str, str, bytes | None, int, str]] = [
    ("GET", "/api/nothing", None, 404, "not_found"),
    ("GET", "/nothing", None, 404, "not_found"),
    ("GET", "/api/items/1/", None, 404, "not_found"),
    ("GET", "/docs/files/nothing", None, 404, "not_found"),
    ("DELETE", "/api/search", None, 405, "method_not_allowed"),
    ("POST", "/health/live", None, 405, "method_not_allowed"),
    ("GET", "/api/items/999999", None, 404, "item_not_found"),
    ("GET", "/api/items/abc", None, 404, "item_not_found"),
    ("GET", "/api/items/0", None, 404, "item_not_found"),
    ("GET", "/api/items/-1", None, 404, "item_not_found"),
    ("GET", "/api/items/1.5", None, 404, "item_not_found"),
    ("GET", "/api/items/" + "9" * 50, None, 404, "item_not_found"),
    ("GET", "/api/items/" + "9" * 5000, None, 404, "item_not_found"),
    ("GET", "/api/items/%00", None, 404, "item_not_found"),
    ("GET", "/api/episodes/abc/transcript?format=pdf", None, 404, "item_not_found"),
    ("GET", "/api/datasets/mine/items", None, 404, "dataset_not_found"),
    ("POST", "/api/datasets/mine/items", b"", 404, "dataset_not_found"),
    ("GET", "/api/podcasts/mine", None, 404, "dataset_not_found"),
    ("GET", "/api/libraries/No%20Slug", None, 404, "library_not_found"),
    ("GET", "/api/libraries/x/speakers/anna", None, 404, "speaker_not_found"),
    ("DELETE", "/api/keys/first", None, 404, "key_not_found"),
    ("GET", "/api/items/{item_id}/transcript/versions/last", None, 404, "version_not_found"),
    ("PATCH", "/api/items/{item_id}/transcript/segments/first", b"", 404, "segment_not_found"),
    ("GET", "/api/datasets/999999/items", None, 404, "dataset_not_found"),
    ("GET", "/api/datasets/{dataset_id}/items?limit=x", None, 400, "field_invalid"),
    ("GET", "/api/datasets/{dataset_id}/items?status=%00", None, 400, "field_invalid"),
    ("GET", "/api/items/{item_id}/transcript", None, 409, "not_published"),
    ("POST", "/api/items/{item_id}/transcribe", None, 409, "run_active"),
    ("POST", "/api/search", b"", 400, "json_malformed"),
    ("POST", "/api/search", b"{'query': 1}", 400, "json_malformed"),
    ("POST", "/api/search", b'{"query": "\\ud800"}', 400, "json_malformed"),
    ("POST", "/api/search", b'{"query": "\xff"}', 400, "json_malformed"),
    ("POST", "/api/search", b"[" * 50_000, 400, "json_malformed"),
    ("POST", "/api/search", b"[]", 400, "json_not_object"),
    ("POST", "/api/search", b'"deadline"', 400, "json_not_object"),
    ("POST", "/api/search", b"{}", 400, "field_invalid"),
    ("POST", "/api/search", b'{"query": ""}', 400, "query_invalid"),
    ("POST", "/api/search", b" " * (MAX_JSON_BYTES + 1), 413, "request_too_large"),
]


async def test_every_refusal_has_the_one_body(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status="queued")
    for method, path, content, status, code in REFUSALS:
        full = path.format(item_id=item_id, dataset_id=tenant.dataset_id)
        answer = await client.request(method, full, content=content, headers=tenant.headers)
        assert_problem(answer, status, code)


async def test_a_refused_key_has_the_one_body(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get("/api/items/1"), 401, "unauthorized")
    assert_problem(await client.post("/api/search", content=b""), 401, "unauthorized")


async def test_a_refused_method_is_told_with_those_there_are(client: httpx.AsyncClient) -> None:
    for method, path, allowed in (
        ("DELETE", "/api/search", "GET, POST"),
        ("PUT", "/api/items/1", "DELETE, GET, PATCH"),
        ("POST", "/health/live", "GET"),
        ("X" * 500, "/api/items/1/cancel", "POST"),
    ):
        answer = await client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        assert answer.json()["message"] == f"The method {method[:20]} is not allowed here; allowed: {allowed}."


async def test_what_nobody_expected_is_told_without_its_text_and_logged_once(
    app: DocumentedApi, client: httpx.AsyncClient, log: io.StringIO
) -> None:
    @app.get("/raise", tags=["test"])
    async def fail() -> None:
        raise ZeroDivisionError("a secret text")

    answer = await client.get("/raise", headers={"X-Request-ID": "told-apart"})
    assert_problem(answer, 500, "internal_error")
    assert "secret" not in answer.text
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    failed, request = (line for line in lines if line["event"] in {"request_failed", "request"})
    assert (failed["event"], failed["level"], failed["request_id"]) == ("request_failed", "error", "told-apart")
    assert "a secret text" in failed["exception"]
    assert (request["event"], request["status"], request["route"]) == ("request", 500, "/raise")


async def test_an_answer_that_is_not_what_was_promised_is_our_failure(
    app: DocumentedApi, client: httpx.AsyncClient
) -> None:
    class Promise(BaseModel):
        number: int

    @app.get("/promise", response_model=Promise, tags=["test"])
    async def broken() -> dict[str, str]:
        return {"number": "many"}

    assert_problem(await client.get("/promise"), 500, "internal_error")


async def test_a_failure_after_the_answer_began_breaks_it_off(app: DocumentedApi, client: httpx.AsyncClient) -> None:
    @app.get("/raise", tags=["test"])
    async def fail() -> StreamingResponse:
        async def body() -> object:
            yield b"begun"
            raise ZeroDivisionError

        return StreamingResponse(body())  # type: ignore[arg-type]  # a generator is what it takes

    with pytest.raises(ZeroDivisionError):
        await client.get("/raise")


async def test_an_absent_database_is_a_failure_that_passes_and_the_log_alone_names_it(
    components: Components, log: io.StringIO
) -> None:
    away = Database("postgresql://nobody@/none?host=/nonexistent", pool_size=1)
    app = create_app(dataclasses.replace(components, database=away))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://echoic.test") as client:
        answer = await client.get("/api/items/1", headers={"Authorization": "Bearer some-key"})
    assert_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "5"
    [entry] = [entry for entry in map(json.loads, log.getvalue().splitlines()) if entry["event"] == "part_unavailable"]
    assert (entry["code"], entry["request_id"]) == ("database_unavailable", answer.json()["request_id"])
    await away.close()


def test_database_and_storage_have_one_code_and_what_only_some_requests_need_its_own() -> None:
    assert public_code(errors.StorageUnavailable()) == public_code(errors.DatabaseUnavailable()) == "unavailable"
    assert public_code(errors.FetchProxyUnavailable()) == "fetch_proxy_unavailable"
    assert public_code(errors.SemanticSearchUnavailable()) == "semantic_search_unavailable"
