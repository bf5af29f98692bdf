"""Keys over the API: shown once, bounded in what and how long, and each account's own."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from echoic.compose import Components
from echoic.db.accounts import accounts
from echoic.db.accounts.accounts import ApiKey, hash_key
from tests.factories import Tenant, World

ABSENT = 987_654_321


async def make(client: httpx.AsyncClient, tenant: Tenant, **fields: Any) -> dict[str, Any]:
    answer = await client.post("/api/keys", headers=tenant.headers, json={"name": "Laptop"} | fields)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    return body


async def listed(client: httpx.AsyncClient, tenant: Tenant) -> list[dict[str, Any]]:
    answer = await client.get("/api/keys", headers=tenant.headers)
    assert answer.status_code == 200
    keys: list[dict[str, Any]] = answer.json()["keys"]
    assert answer.json()["total"] == len(keys)
    return keys


async def test_a_new_key_works_and_is_shown_once_and_kept_as_a_hash(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    made = await make(client, tenant, name=" Laptop ")
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert (await client.get(f"/api/datasets/{tenant.dataset_id}", headers=headers)).status_code == 200
    own, shown = await listed(client, tenant)
    assert made.pop("key").startswith(shown["prefix"])
    assert made == shown | {"last_used_at": None}
    assert (shown["name"], shown["scopes"], shown["expires_at"]) == ("Laptop", ["read", "upload"], None)
    assert shown["last_used_at"] is not None
    assert (own["is_current"], shown["is_current"]) == (True, False)
    async with world.database.transaction() as session:
        row = (await session.scalars(select(ApiKey).where(ApiKey.id == made["id"]))).one()
    key = headers["Authorization"].removeprefix("Bearer ")
    assert row.sha256 == hash_key(key)
    assert key not in {value for value in vars(row).values() if isinstance(value, str)}


async def test_a_key_has_the_scopes_it_was_made_with(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    made = await make(client, tenant, scopes=["read", "read"])
    assert made["scopes"] == ["read"]
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert (await client.get("/api/datasets", headers=headers)).status_code == 200
    for method, path in (("GET", "/api/keys"), ("POST", "/api/keys"), ("DELETE", f"/api/keys/{made['id']}")):
        refused = await client.request(method, path, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


async def test_a_key_gives_no_scope_away_that_it_lacks(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant(scopes=("manage",))
    refused = await client.post("/api/keys", headers=tenant.headers, json={"name": "More"})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert "'read'" in refused.json()["message"]
    assert (await make(client, tenant, scopes=["manage"]))["scopes"] == ["manage"]


async def test_a_key_runs_out_when_it_was_said_to(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    moment = datetime.now(UTC) + timedelta(hours=1)
    made = await make(client, tenant, expires_at=moment.isoformat())
    assert datetime.fromisoformat(made["expires_at"]) == moment
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert (await client.get("/api/datasets", headers=headers)).status_code == 200
    async with world.database.transaction() as session:
        row = await session.get_one(ApiKey, made["id"])
        row.expires_at = datetime.now(UTC) - timedelta(seconds=1)
    assert (await client.get("/api/datasets", headers=headers)).status_code == 401
    assert made["id"] in {key["id"] for key in await listed(client, tenant)}


async def test_a_revoked_key_ends_at_once_and_is_gone(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    made = await make(client, tenant, scopes=["read", "manage"])
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert (await client.delete(f"/api/keys/{made['id']}", headers=headers)).status_code == 204
    assert (await client.get("/api/keys", headers=headers)).status_code == 401
    assert len(await listed(client, tenant)) == 1
    again = await client.delete(f"/api/keys/{made['id']}", headers=tenant.headers)
    assert (again.status_code, again.json()["code"]) == (404, "key_not_found")


async def test_the_keys_of_others_are_neither_seen_nor_revoked(client: httpx.AsyncClient, world: World) -> None:
    owner, stranger = await world.tenant(), await world.tenant()
    (key,) = await listed(client, owner)
    assert key["id"] not in {other["id"] for other in await listed(client, stranger)}
    answers = []
    for number in (key["id"], ABSENT):
        answer = await client.delete(f"/api/keys/{number}", headers={**stranger.headers, "X-Request-ID": "same"})
        answers.append((answer.status_code, answer.content))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404
    assert len(await listed(client, owner)) == 1


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": ""}, "name: must not be empty"),
        ({"scopes": []}, "scopes: must not be empty"),
        ({"scopes": ["admin"]}, "scopes[0]: must be 'read', 'upload' or 'manage'"),
        ({"scopes": None}, "scopes: must be a list"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at: must lie in the future"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at: must lie in the future, at most 100 years ahead"),
        ({"expires_at": "2100-01-01T00:00:00"}, "expires_at: must say its time zone"),
        ({"expires_at": "soon"}, "expires_at: must be a time, as"),
        ({"ttl": 5}, "Unknown field 'ttl'"),
    ],
)
async def test_a_key_that_cannot_be_is_refused_with_what_can(
    client: httpx.AsyncClient, world: World, fields: dict[str, Any], named: str
) -> None:
    tenant = await world.tenant()
    answer = await client.post("/api/keys", headers=tenant.headers, json={"name": "Laptop"} | fields)
    assert (answer.status_code, answer.json()["code"]) == (400, "field_invalid")
    assert named in answer.json()["message"]
    assert len(await listed(client, tenant)) == 1


async def test_only_keys_that_work_count_against_the_plan(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    allowed = components.plans["free"].api_keys
    tenant = await world.tenant(plan="free")
    made = await make(client, tenant)
    refused = await client.post("/api/keys", headers=tenant.headers, json={"name": "One too many"})
    assert (refused.status_code, refused.json()["code"]) == (403, "key_limit_reached")
    assert f"allows {allowed} API keys" in refused.json()["message"]
    assert len(await listed(client, tenant)) == allowed
    async with world.database.transaction() as session:
        row = await session.get_one(ApiKey, made["id"])
        row.expires_at = datetime.now(UTC) - timedelta(seconds=1)
    made = await make(client, tenant)
    assert (await client.delete(f"/api/keys/{made['id']}", headers=tenant.headers)).status_code == 204
    await make(client, tenant)


async def test_two_who_make_the_last_key_at_once_do_not_both_get_one(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(plan="free")
    answers = await asyncio.gather(
        *(client.post("/api/keys", headers=tenant.headers, json={"name": f"Key {n}"}) for n in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 403, 403, 403]
    async with world.database.transaction() as session:
        assert await accounts.count_keys(session, tenant.account_id) == components.plans["free"].api_keys


async def test_an_account_whose_plan_the_server_does_not_know_is_told_so(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant(plan="gold")
    answer = await client.post("/api/keys", headers=tenant.headers, json={"name": "Laptop"})
    assert (answer.status_code, answer.json()["code"]) == (503, "plan_unknown")
    assert "'gold'" in answer.json()["message"]
