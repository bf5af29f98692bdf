"""Keys: who gets in, how, and what a refusal gives away."""

import re
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import httpx
import pytest
from sqlalchemy import text

from echoic.api.openapi import DocumentedApi
from echoic.db.accounts.accounts import ApiKey
from tests.api.open_paths import OPEN_PATHS
from tests.factories import World


async def key_row(world: World) -> ApiKey:
    async with world.database.transaction() as session:
        row = await session.get(ApiKey, 1)
        assert row is not None
        return row


async def test_a_key_is_taken_from_the_header_and_from_the_query(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    path = f"/api/datasets/{tenant.dataset_id}/items"
    assert (await client.get(path, headers=tenant.headers)).status_code == 200
    assert (await client.get(path, headers={"Authorization": f"bearer {tenant.key}"})).status_code == 200
    assert (await client.get(path, params={"api_key": tenant.key})).status_code == 200
    in_both = await client.get(path, params={"api_key": tenant.key}, headers={"Authorization": "Bearer wrong"})
    assert in_both.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer ek_wrong"},
        {"Authorization": "Bearer \xe9\xff".encode("latin-1")},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "Bearer " + "x" * 10_000},
    ],
)
async def test_all_that_is_no_key_is_refused_alike(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.get("/api/items/1", headers={**headers, "X-Request-ID": "same"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json() == {
        "error": "Unauthorized",
        "message": "Invalid or missing API key",
        "code": "unauthorized",
        "request_id": "same",
    }


@pytest.mark.parametrize(
    "statement", ["UPDATE api_keys SET revoked_at = now()", "UPDATE api_keys SET expires_at = now()"]
)
async def test_a_key_that_was_revoked_or_ran_out_ends_at_once(
    client: httpx.AsyncClient, world: World, statement: str
) -> None:
    tenant = await world.tenant()
    path = f"/api/datasets/{tenant.dataset_id}/items"
    assert (await client.get(path, headers=tenant.headers)).status_code == 200
    async with world.database.transaction() as session:
        await session.execute(text(statement))
    assert (await client.get(path, headers=tenant.headers)).status_code == 401


async def test_a_key_without_the_scope_is_refused_with_its_name(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant(scopes=("upload",))
    item_id = await world.item(tenant.dataset_id, status="failed")
    refused = await client.get(f"/api/items/{item_id}", headers=tenant.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert "'read'" in refused.json()["message"]
    assert (await client.post(f"/api/items/{item_id}/transcribe", headers=tenant.headers)).status_code == 204


async def test_the_last_use_of_a_key_is_noted_once_a_minute(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    path = f"/api/datasets/{tenant.dataset_id}/items"
    await client.get(path, headers=tenant.headers)
    noted = (await key_row(world)).last_used_at
    assert noted is not None
    assert abs(datetime.now(UTC) - noted) < timedelta(minutes=1)
    await client.get(path, headers=tenant.headers)
    assert (await key_row(world)).last_used_at == noted
    async with world.database.transaction() as session:
        await session.execute(text("UPDATE api_keys SET last_used_at = now() - interval '2 minutes'"))
    await client.get(path, headers=tenant.headers)
    again = (await key_row(world)).last_used_at
    assert again is not None
    assert again >= noted


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer ek_wrong"}])
async def test_every_path_but_the_open_ones_needs_a_key(
    client: httpx.AsyncClient, app: DocumentedApi, headers: dict[str, str]
) -> None:
    for path, methods in app.openapi()["paths"].items():
        for method in methods:
            answer = await client.request(method, re.sub(r"{\w+}", "1", path), headers=headers)
            assert (answer.status_code == 401) == (path not in OPEN_PATHS), (method, path)


class Unreadable(httpx.AsyncByteStream):
    """A body that must not be asked for."""

    def __aiter__(self) -> NoReturn:
        raise AssertionError("The body was read")


async def test_a_body_is_not_read_before_the_key_is_known(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/search", content=Unreadable())
    assert answer.status_code == 401
