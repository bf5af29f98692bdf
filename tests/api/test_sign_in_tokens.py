"""One-time tokens: they let in once, within ten minutes, in a session of their own."""

import asyncio

import httpx
import pytest
from sqlalchemy import text

from echoic.accounts import guessing
from echoic.api.openapi import DocumentedApi
from echoic.api.own_page import PAGE_HEADER
from tests.api.browser import browser
from tests.factories import Tenant, World


async def made_token(page: httpx.AsyncClient, tenant: Tenant) -> str:
    made = await page.post("/api/sign-in-tokens", headers=tenant.headers)
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    token: str = made.json()["token"]
    assert made.json()["url"] == f"http://localhost:8080/sign-in#token={token}"
    return token


async def test_a_token_lets_in_once(page: httpx.AsyncClient, ada: Tenant) -> None:
    token = await made_token(page, ada)
    entered = await page.post("/api/sign-in/token", json={"token": token})
    assert entered.json()["account_id"] == ada.account_id
    assert (await page.get("/api/account")).status_code == 200
    again = await page.post("/api/sign-in/token", json={"token": token})
    assert (again.status_code, again.json()["code"]) == (401, "sign_in_refused")
    assert "'echoic open' makes another" in again.json()["message"]


async def test_of_two_who_use_a_token_at_the_same_time_one_gets_in(app: DocumentedApi, ada: Tenant) -> None:
    async with browser(app) as one, browser(app) as other:
        token = await made_token(one, ada)
        both = await asyncio.gather(*(each.post("/api/sign-in/token", json={"token": token}) for each in (one, other)))
    assert sorted(answer.status_code for answer in both) == [200, 401]


async def test_a_token_runs_out_and_leaves_no_row(page: httpx.AsyncClient, ada: Tenant, world: World) -> None:
    token = await made_token(page, ada)
    async with world.database.transaction() as session:
        await session.execute(text("UPDATE sign_in_tokens SET expires_at = now() - interval '1 second'"))
    assert (await page.post("/api/sign-in/token", json={"token": token})).status_code == 401
    await made_token(page, ada)
    async with world.database.transaction() as session:
        rows = list(await session.scalars(text("SELECT t::text FROM sign_in_tokens AS t")))
    assert len(rows) == 1
    assert token not in rows[0]


async def test_a_key_without_all_scopes_makes_none_for_a_session_would_have_them(
    page: httpx.AsyncClient, world: World
) -> None:
    narrow = await world.tenant(scopes=("read", "manage"))
    refused = await page.post("/api/sign-in-tokens", headers=narrow.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


async def test_a_token_is_used_by_the_servers_own_page_only(page: httpx.AsyncClient, ada: Tenant) -> None:
    token = await made_token(page, ada)
    for headers, code in (
        ({"Origin": "http://evil.example"}, "origin_not_allowed"),
        ({"Host": "evil.example"}, "host_not_allowed"),
    ):
        refused = await page.post("/api/sign-in/token", json={"token": token}, headers=headers)
        assert refused.json()["code"] == code
    unreachable = await page.post("/api/sign-in-tokens", headers={**ada.headers, "Host": "evil.example"})
    assert unreachable.json()["code"] == "host_not_allowed"
    assert (await page.post("/api/sign-in/token", json={"token": token})).status_code == 200


async def test_trying_tokens_is_slowed(page: httpx.AsyncClient) -> None:
    for _ in range(guessing.PER_ADDRESS.at_once):
        assert (await page.post("/api/sign-in/token", json={"token": "et_guess"})).status_code == 401
    assert (await page.post("/api/sign-in/token", json={"token": "et_guess"})).status_code == 429


@pytest.mark.parametrize("path", ["/docs"])
async def test_the_page_of_the_api_may_try_changes_with_a_session(page: httpx.AsyncClient, path: str) -> None:
    assert f"requestInterceptor: (asked) => {{ asked.headers['{PAGE_HEADER}'] = '1'" in (await page.get(path)).text
