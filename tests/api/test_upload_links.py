"""Upload links: one recording each, without a key, for an hour, and not longer than what made them works."""

import io
from typing import Any

import httpx
from sqlalchemy import text

from echoic.compose import Components
from echoic.db.accounts import accounts
from tests.api.uploading import AUDIO, assert_refused, form, nothing_left
from tests.factories import Tenant, World


async def link_of(client: httpx.AsyncClient, tenant: Tenant) -> dict[str, Any]:
    answer = await client.post(f"/api/datasets/{tenant.dataset_id}/upload-links", headers=tenant.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def path_of(link: dict[str, Any]) -> str:
    return str(httpx.URL(link["url"]).path)


async def test_a_link_takes_one_recording_without_a_key(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    link = await link_of(client, tenant)
    assert link["command"] == f"curl -F audio=@FILE {link['url']}"
    assert link["allowed_formats"] == ["mp3", "wav", "m4a", "ogg", "flac"]
    first = await client.post(path_of(link), **form(title="By link"))
    assert first.json()["success"], first.text
    item = (await client.get(f"/api/items/{first.json()['item_id']}", headers=tenant.headers)).json()
    assert (item["title"], item["dataset_id"]) == ("By link", tenant.dataset_id)
    again = await client.post(path_of(link), **form(title="By link"))
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert_refused(await client.post(path_of(link), **form(title="Another")), 409, "upload_link_used")


async def test_an_upload_that_was_refused_leaves_the_link_for_another_try(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    link = await link_of(client, await world.tenant())
    assert_refused(await client.post(path_of(link), **form("notes.txt", b"words")), 415, "format_not_allowed")
    assert_refused(await client.post(path_of(link), **form("talk.flac", b"no sound")), 415, "not_audio")
    assert await nothing_left(components)
    assert (await client.post(path_of(link), **form())).is_success


async def test_a_link_ends_after_an_hour_with_its_key_and_with_its_account(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    links = [await link_of(client, tenant) for _ in range(3)]
    absent = await client.post("/api/upload-links/el_none", **form())
    assert_refused(absent, 404, "upload_link_not_found")
    statements = (
        "UPDATE upload_links SET expires_at = now() - interval '1 second' WHERE id = 1",
        "UPDATE api_keys SET revoked_at = now()",
        "UPDATE accounts SET locked_at = now()",
    )
    for link, statement in zip(links, statements, strict=True):
        async with components.database.transaction() as session:
            assert await session.scalar(text("SELECT max(expires_at - created_at) <= '1 hour' FROM upload_links"))
            await session.execute(text(statement))
        assert_refused(await client.post(path_of(link), **form()), 404, "upload_link_not_found")
        async with components.database.transaction() as session:
            await session.execute(text("UPDATE api_keys SET revoked_at = NULL"))
    assert await nothing_left(components)


async def test_no_token_of_a_link_stands_in_the_database_or_in_the_log(
    client: httpx.AsyncClient, world: World, components: Components, log: io.StringIO
) -> None:
    link = await link_of(client, await world.tenant())
    token = path_of(link).rpartition("/")[2]
    await client.post(path_of(link), **form("notes.txt", b"words"))
    assert "/api/upload-links/[masked]" in log.getvalue()
    assert token not in log.getvalue()
    async with components.database.transaction() as session:
        kept = str((await session.execute(text("SELECT row_to_json(one) FROM upload_links one"))).all())
    assert "sha256" in kept
    assert token not in kept


async def test_a_link_is_made_and_used_within_the_plan(client: httpx.AsyncClient, world: World) -> None:
    full = await world.tenant(plan="nothing")
    refused = await client.post(f"/api/datasets/{full.dataset_id}/upload-links", headers=full.headers)
    assert_refused(refused, 403, "quota_exhausted")
    quick = await world.tenant(plan="three-requests")
    link = await link_of(client, quick)
    answers = [await client.post(path_of(link), files={"audio": ("a.flac", AUDIO[:40])}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [415, 415, 429]
    assert accounts.KEY_PREFIX not in link["url"]
