"""Pages of other origins: what they may ask and read with a key, and that a session is never theirs."""

import dataclasses
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute

from echoic.api.app import create_app
from echoic.api.cross_origin import ANSWER_HEADERS, OWN_PAGE_PATHS, PUBLIC_PATHS, REQUEST_HEADERS
from echoic.api.openapi import DocumentedApi
from echoic.api.own_page import PAGE_HEADER
from echoic.compose import Components
from echoic.origins import Origins
from tests.api.browser import PAGE, browser, signed_in
from tests.api.tus import creation
from tests.factories import Tenant, World

APP = "https://app.example.org"
OTHER = "https://other.example"
Opening = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


def of_client(answer: httpx.Response) -> dict[str, str]:
    """The headers of the CORS protocol."""
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def names(value: str) -> set[str]:
    return {name.strip().lower() for name in value.split(",")}


def allowing(components: Components, *origins: str) -> DocumentedApi:
    return create_app(dataclasses.replace(components, origins=Origins.parse(origins)))


@pytest.fixture
def opened(components: Components) -> Opening:
    """Opens a client of a server that allows these origins."""

    @asynccontextmanager
    async def open_for(*origins: str) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app=allowing(components, *origins), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://echoic.test") as client:
            yield client

    return open_for


async def preflight(
    client: httpx.AsyncClient, path: str, method: str, origin: str = APP, headers: str = "authorization"
) -> httpx.Response:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }
    return await client.options(path, headers=asked)


async def test_every_route_that_a_key_opens_answers_preflights_and_no_other_does(
    app: DocumentedApi, opened: Opening
) -> None:
    routes = [route for route in app.state.routes if isinstance(route, APIRoute)]
    asked = {(route.path, method) for route in routes for method in route.methods or ()}
    assert len(asked) > 100
    async with opened(APP) as client:
        for path, method in sorted(asked):
            answer = await preflight(client, path.replace("{", "").replace("}", ""), method)
            is_own = any(path == own or path.startswith(f"{own}/") for own in OWN_PAGE_PATHS) or path == "/metrics"
            is_own = is_own or path.startswith(("/share/", "/mail/"))
            if is_own:
                assert (answer.is_success, of_client(answer)) == (False, {}), (method, path)
                continue
            assert answer.status_code == 204, (method, path, answer.text)
            told = of_client(answer)
            assert told["access-control-allow-origin"] == ("*" if path.startswith(PUBLIC_PATHS) else APP)
            assert method.lower() in names(told["access-control-allow-methods"])
            assert names(", ".join(REQUEST_HEADERS)) == names(told["access-control-allow-headers"])
            assert told["access-control-max-age"] == "7200"
            assert "access-control-allow-credentials" not in told
            assert "origin" in names(answer.headers["vary"])


def test_every_header_of_an_answer_that_the_document_names_may_be_read() -> None:
    document = json.loads((Path(__file__).parents[2] / "docs/openapi.json").read_text(encoding="utf-8"))
    told: set[str] = set()
    sent: set[str] = set()
    for methods in document["paths"].values():
        for operation in methods.values():
            for response in operation.get("responses", {}).values():
                told |= {name.lower() for name in response.get("headers", {})}
            sent |= {one["name"].lower() for one in operation.get("parameters", []) if one["in"] == "header"}
    assert told
    assert sent
    assert told - names(", ".join(ANSWER_HEADERS)) == set()
    assert sent - names(", ".join(REQUEST_HEADERS)) == set()


async def test_a_page_may_send_neither_what_a_session_needs_nor_what_names_people(opened: Opening) -> None:
    asked = f"authorization, {PAGE_HEADER}, remote-user, cookie, x-forwarded-for, x-stainless-lang, x-stainless-(a)"
    async with opened("*") as client:
        answer = await preflight(client, "/api/search", "POST", headers=asked)
        allowed = names(answer.headers["access-control-allow-headers"])
    assert allowed & names(asked) == {"authorization", "x-stainless-lang"}


@pytest.mark.parametrize("origin", [OTHER, "null", f"{APP}:8443", f"{APP}/", APP.upper(), f"{APP}.evil.example"])
async def test_another_origin_is_refused_and_told_where_that_is_set(opened: Opening, world: World, origin: str) -> None:
    tenant = await world.tenant()
    async with opened(APP) as client:
        asked = await preflight(client, "/api/search", "POST", origin)
        assert (asked.status_code, asked.json()["code"]) == (403, "origin_not_allowed")
        assert "ECHOIC_CORS_ORIGINS" in asked.json()["message"]
        read = await client.get("/api/items", headers={**tenant.headers, "Origin": origin})
    assert (of_client(asked), of_client(read)) == ({}, {})
    assert read.status_code == 200
    assert "origin" in names(read.headers["vary"])


async def test_without_the_setting_no_page_of_another_origin_may_ask(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    assert (await preflight(client, "/api/items", "GET")).status_code == 403
    read = await client.get("/api/items", headers={**tenant.headers, "Origin": APP})
    assert of_client(read) == {}
    assert "vary" not in read.headers


async def test_two_origins_in_one_request_are_none(opened: Opening) -> None:
    async with opened(APP) as client:
        answer = await client.get("/api/items", headers=[("Origin", APP), ("Origin", OTHER)])
    assert of_client(answer) == {}


async def test_answers_and_refusals_of_every_kind_may_be_read(opened: Opening, world: World) -> None:
    tenant = await world.tenant()
    upload = f"/api/datasets/{tenant.dataset_id}/uploads"
    tus = {**tenant.headers, "Tus-Resumable": "1.0.0"}
    asked = [
        ("GET", "/api/items", tenant.headers, 200),
        ("GET", "/api/items", {}, 401),
        ("GET", "/api/items/999", tenant.headers, 404),
        ("GET", "/api/nothing", tenant.headers, 404),
        ("DELETE", "/api/search", tenant.headers, 405),
        ("POST", "/api/search", tenant.headers, 400),
        ("OPTIONS", upload, tus, 204),
        ("POST", upload, {**tenant.headers, **creation(1, {})}, 412),
        ("HEAD", f"{upload}/{'0' * 32}", tus, 404),
    ]
    async with opened(APP) as client:
        for method, path, headers, status in asked:
            answer = await client.request(method, path, headers={**headers, "Origin": APP})
            assert answer.status_code == status, (method, path, answer.text)
            told = of_client(answer)
            assert told["access-control-allow-origin"] == APP, (method, path)
            exposed = names(told["access-control-expose-headers"])
            assert {"x-request-id", "location", "retry-after", "content-range", "upload-offset"} <= exposed
            assert names(", ".join(answer.headers)) - exposed <= {
                *("content-type", "vary", "x-content-type-options", "cache-control"),
                *("access-control-allow-origin", "access-control-expose-headers"),
            }


async def test_an_answer_to_something_unexpected_may_be_read(components: Components) -> None:
    app = allowing(components, APP)

    async def fails() -> None:
        raise RuntimeError

    app.add_api_route("/api/fails", fails, tags=["items"])
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://echoic.test") as client:
        answer = await client.get("/api/fails", headers={"Origin": APP})
    assert (answer.status_code, of_client(answer)["access-control-allow-origin"]) == (500, APP)


async def test_a_star_allows_every_origin_and_still_no_cookie(opened: Opening, world: World) -> None:
    tenant = await world.tenant()
    async with opened("*") as client:
        for origin in (APP, "null"):
            asked = await preflight(client, "/api/items", "GET", origin)
            read = await client.get("/api/items", headers={**tenant.headers, "Origin": origin})
            for answer in (asked, read):
                told = of_client(answer)
                assert answer.is_success
                assert told["access-control-allow-origin"] == "*"
                assert "access-control-allow-credentials" not in told


@pytest.mark.parametrize("path", ["/.well-known/oauth-authorization-server", "/oauth/token"])
async def test_what_is_the_same_for_everybody_may_be_read_by_every_origin(opened: Opening, path: str) -> None:
    for allowed in ((), (APP,)):
        async with opened(*allowed) as client:
            asked = await preflight(client, path, "GET", OTHER, "mcp-protocol-version")
            assert (asked.status_code, of_client(asked)["access-control-allow-origin"]) == (204, "*")


@pytest.mark.parametrize("allowed", [(APP,), ("*",), ("http://localhost:3000", APP)])
@pytest.mark.parametrize("origin", [APP, "http://localhost:3000", "null"])
async def test_a_session_is_of_no_use_to_a_page_of_another_origin(
    components: Components, ada: Tenant, allowed: tuple[str, ...], origin: str
) -> None:
    """Also where its origin is allowed, and whatever it says of itself: a browser of today says where a request comes from."""
    app = allowing(components, *allowed)
    async with browser(app) as own:
        assert (await signed_in(own)).is_success
        cookie = dict(own.cookies)
        assert (await own.get("/api/account")).is_success
    assert cookie
    browsers = [{}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {PAGE_HEADER: "1"}]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PAGE, cookies=cookie) as foreign:
        for headers in browsers:
            for method, path in (("GET", "/api/account"), ("POST", "/api/datasets"), ("POST", "/api/sign-out")):
                answer = await foreign.request(method, path, headers={"Origin": origin, **headers}, json={"name": "x"})
                assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed"), (method, headers)
                assert "access-control-allow-credentials" not in answer.headers
        assert (await foreign.get("/api/account", headers={"Origin": PAGE})).is_success, "the session still stands"


async def test_a_page_of_another_origin_cannot_sign_anybody_in(components: Components, ada: Tenant) -> None:
    async with browser(allowing(components, APP)) as opened:
        opened.headers["Origin"], opened.headers["Sec-Fetch-Site"] = APP, "cross-site"
        answer = await signed_in(opened)
    assert (answer.status_code, of_client(answer)) == (403, {})
    assert "set-cookie" not in answer.headers
