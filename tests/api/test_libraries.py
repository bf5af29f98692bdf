"""Libraries and their members: what each sees, who may do what, and that a library is never without an owner."""

import asyncio
from typing import Any

import httpx
import pytest

from echoic.compose import Components
from echoic.db.catalog import libraries
from tests.factories import Tenant, World, talk
from tests.stored import store

ABSENT = 987_654_321


async def slug_of(client: httpx.AsyncClient, tenant: Tenant) -> str:
    answer = await client.get(f"/api/datasets/{tenant.dataset_id}", headers=tenant.headers)
    return str(answer.json()["library"])


async def listed(client: httpx.AsyncClient, tenant: Tenant, query: str = "") -> list[dict[str, Any]]:
    body = (await client.get(f"/api/libraries{query}", headers=tenant.headers)).json()
    assert set(body) == {"libraries", "total"}
    found: list[dict[str, Any]] = body["libraries"]
    return found


async def join(world: World, guest: Tenant, host: Tenant, role: libraries.Role) -> None:
    async with world.database.transaction() as session:
        await libraries.add_member(session, library_id=host.library_id, account_id=guest.account_id, role=role)


async def test_public_libraries_are_listed_in_the_known_shape_those_with_most_members_first(
    client: httpx.AsyncClient, world: World
) -> None:
    small = await world.tenant("Ada", visibility="public")
    large = await world.tenant("Bob", visibility="public")
    private = await world.tenant("Eve")
    await world.item(large.dataset_id, talk("a"))
    await world.item(large.dataset_id, status="failed")
    await join(world, private, large, "viewer")
    slugs = [await slug_of(client, tenant) for tenant in (large, small, private)]
    found = await listed(client, private)
    assert found[0] == {
        "slug": slugs[0],
        "name": "Bob's library",
        "description": None,
        "curator": "Bob",
        "subscriber_count": 2,
        "dataset_count": 1,
        "episode_count": 1,
        "is_subscribed": True,
    }
    assert [(library["slug"], library["is_subscribed"]) for library in found] == [(slugs[0], True), (slugs[1], False)]
    assert [library["slug"] for library in await listed(client, private, "?mine=true")] == [slugs[0], slugs[2]]
    assert [library["slug"] for library in await listed(client, private, "?limit=1&offset=1")] == [slugs[1]]


async def test_a_new_library_belongs_to_who_made_it(client: httpx.AsyncClient, world: World) -> None:
    tenant, stranger = await world.tenant("Ada"), await world.tenant()
    fields = {"slug": "city-council", "name": " Council ", "description": "Hearings", "visibility": "private"}
    made = await client.post("/api/libraries", headers=tenant.headers, json=fields)
    assert made.status_code == 201
    body = made.json()
    assert {name: body[name] for name in fields} == fields | {"name": "Council"}
    assert (body["role"], body["curator"], body["datasets"], body["subscriber_count"]) == ("owner", "Ada", [], 1)
    dataset = await client.post(
        "/api/datasets", headers=tenant.headers, json={"name": "2026", "library": "city-council"}
    )
    seen = (await client.get("/api/libraries/city-council", headers=tenant.headers)).json()
    assert seen["datasets"] == [dataset.json()]
    taken = await client.post("/api/libraries", headers=stranger.headers, json=fields)
    assert (taken.status_code, taken.json()["code"]) == (409, "slug_taken")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"slug": "Not A Slug"}, "slug: must be small letters and digits"),
        ({"slug": "-a"}, "slug: must be small letters and digits"),
        ({"slug": "a" * 65}, "slug: must have at most 64 characters"),
        ({"name": ""}, "name: must not be empty"),
        ({"visibility": "secret"}, "visibility: must be 'private' or 'public'"),
        ({"owner": 5}, "Unknown field 'owner'"),
    ],
)
async def test_a_library_that_cannot_be_is_refused_with_what_can(
    client: httpx.AsyncClient, world: World, fields: dict[str, Any], named: str
) -> None:
    tenant = await world.tenant()
    answer = await client.post("/api/libraries", headers=tenant.headers, json={"slug": "a", "name": "A"} | fields)
    assert (answer.status_code, answer.json()["code"]) == (400, "field_invalid")
    assert named in answer.json()["message"]


async def test_a_hidden_library_is_answered_like_an_absent_one(client: httpx.AsyncClient, world: World) -> None:
    owner, stranger = await world.tenant(), await world.tenant()
    hidden = await slug_of(client, owner)
    for method, path in (
        ("GET", "/api/libraries/{}"),
        ("POST", "/api/libraries/{}/subscribe"),
        ("DELETE", "/api/libraries/{}/subscribe"),
        ("GET", "/api/libraries/{}/members"),
        ("PUT", f"/api/libraries/{{}}/members/{stranger.account_id}"),
        ("DELETE", f"/api/libraries/{{}}/members/{stranger.account_id}"),
        ("DELETE", f"/api/libraries/{{}}/members/{owner.account_id}"),
    ):
        answers = []
        for slug in (hidden, "no-such-library"):
            answer = await client.request(
                method,
                path.format(slug),
                headers={**stranger.headers, "X-Request-ID": "same"},
                content=b'{"role": "owner"}' if method == "PUT" else None,
            )
            answers.append((answer.status_code, answer.content))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404


async def test_a_subscriber_follows_without_a_role_until_it_leaves(client: httpx.AsyncClient, world: World) -> None:
    owner, guest = await world.tenant(visibility="public"), await world.tenant()
    path = f"/api/libraries/{await slug_of(client, owner)}"
    for _ in range(2):
        answer = await client.post(f"{path}/subscribe", headers=guest.headers)
        assert answer.status_code == 200
        body = answer.json()
        assert (body["role"], body["is_subscribed"], body["subscriber_count"]) == (None, True, 2)
    kept = (await client.post(f"{path}/subscribe", headers=owner.headers)).json()
    assert (kept["role"], kept["is_subscribed"], kept["subscriber_count"]) == ("owner", True, 2)
    mine = (await client.get("/api/libraries?mine=true", headers=guest.headers)).json()["libraries"]
    assert path.rpartition("/")[2] in [library["slug"] for library in mine]
    for _ in range(2):
        assert (await client.delete(f"{path}/subscribe", headers=guest.headers)).status_code == 204
    seen = (await client.get(path, headers=guest.headers)).json()
    assert (seen["role"], seen["is_subscribed"], seen["subscriber_count"]) == (None, False, 1)


async def test_a_subscription_ends_where_a_membership_begins_and_shows_no_library_that_is_hidden(
    client: httpx.AsyncClient, world: World
) -> None:
    owner, guest = await world.tenant(visibility="public"), await world.tenant()
    path = f"/api/libraries/{await slug_of(client, owner)}"
    await client.post(f"{path}/subscribe", headers=guest.headers)
    await client.patch(path, headers=owner.headers, json={"visibility": "private"})
    assert (await client.get(path, headers=guest.headers)).status_code == 404
    mine = (await client.get("/api/libraries?mine=true", headers=guest.headers)).json()["libraries"]
    assert path.rpartition("/")[2] not in [library["slug"] for library in mine]
    await client.put(f"{path}/members/{guest.account_id}", headers=owner.headers, json={"role": "viewer"})
    seen = (await client.get(path, headers=guest.headers)).json()
    assert (seen["role"], seen["is_subscribed"], seen["subscriber_count"]) == ("viewer", True, 2)
    assert (await client.delete(f"{path}/members/{guest.account_id}", headers=owner.headers)).status_code == 204
    assert (await client.get(path, headers=guest.headers)).status_code == 404


async def test_an_owner_gives_and_takes_roles(client: httpx.AsyncClient, world: World) -> None:
    owner, guest = await world.tenant("Ada"), await world.tenant("Bob")
    path = f"/api/libraries/{await slug_of(client, owner)}"
    member = f"{path}/members/{guest.account_id}"
    for role, may_make in (("viewer", 403), ("editor", 201)):
        put = await client.put(member, headers=owner.headers, json={"role": role})
        assert (put.status_code, put.json()["role"], put.json()["name"]) == (200, role, "Bob")
        made = await client.post(
            "/api/datasets", headers=guest.headers, json={"name": "New", "library": path.rpartition("/")[2]}
        )
        assert made.status_code == may_make
    seen = (await client.get(f"{path}/members", headers=guest.headers)).json()
    assert [(one["name"], one["role"]) for one in seen["members"]] == [("Ada", "owner"), ("Bob", "editor")]
    assert (await client.delete(member, headers=owner.headers)).status_code == 204
    assert (await client.get(path, headers=guest.headers)).status_code == 404
    again = await client.delete(member, headers=owner.headers)
    assert (again.status_code, again.json()["code"]) == (404, "member_not_found")
    unknown = await client.put(f"{path}/members/{ABSENT}", headers=owner.headers, json={"role": "viewer"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "account_not_found")
    wrong = await client.put(member, headers=owner.headers, json={"role": "king"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "field_invalid")


async def test_who_does_not_own_a_library_changes_no_role_but_may_leave(
    client: httpx.AsyncClient, world: World
) -> None:
    owner, editor, stranger = await world.tenant(visibility="public"), await world.tenant(), await world.tenant()
    await join(world, editor, owner, "editor")
    path = f"/api/libraries/{await slug_of(client, owner)}/members"
    for guest in (editor, stranger):
        for account_id in (guest.account_id, owner.account_id):
            put = await client.put(f"{path}/{account_id}", headers=guest.headers, json={"role": "owner"})
            assert (put.status_code, put.json()["code"]) == (403, "forbidden")
        assert (await client.delete(f"{path}/{owner.account_id}", headers=guest.headers)).status_code == 403
    assert (await client.get(path, headers=stranger.headers)).status_code == 403
    assert (await client.delete(f"{path}/{editor.account_id}", headers=editor.headers)).status_code == 204


async def test_the_last_owner_stays_until_there_is_another(client: httpx.AsyncClient, world: World) -> None:
    owner, heir = await world.tenant("Ada"), await world.tenant("Bob")
    path = f"/api/libraries/{await slug_of(client, owner)}"
    me = f"{path}/members/{owner.account_id}"
    for answer in (
        await client.put(me, headers=owner.headers, json={"role": "viewer"}),
        await client.delete(me, headers=owner.headers),
        await client.delete(f"{path}/subscribe", headers=owner.headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
    assert (await client.get(path, headers=owner.headers)).json()["role"] == "owner"
    await client.put(f"{path}/members/{heir.account_id}", headers=owner.headers, json={"role": "owner"})
    assert (await client.delete(me, headers=owner.headers)).status_code == 204
    assert (await client.get(path, headers=heir.headers)).json()["curator"] == "Bob"


async def test_two_owners_that_leave_at_once_do_not_both_leave(client: httpx.AsyncClient, world: World) -> None:
    one, two = await world.tenant(), await world.tenant()
    await join(world, two, one, "owner")
    path = f"/api/libraries/{await slug_of(client, one)}/subscribe"
    answers = await asyncio.gather(*[client.delete(path, headers=owner.headers) for owner in (one, two)])
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_a_key_that_only_reads_joins_and_makes_nothing(client: httpx.AsyncClient, world: World) -> None:
    reader = await world.tenant(scopes=("read", "upload"), visibility="public")
    path = f"/api/libraries/{await slug_of(client, reader)}"
    for answer in (
        await client.post("/api/libraries", headers=reader.headers, json={"slug": "a", "name": "A"}),
        await client.post(f"{path}/subscribe", headers=reader.headers),
        await client.put(f"{path}/members/1", headers=reader.headers, json={"role": "viewer"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


async def test_an_owner_changes_what_is_named_and_nothing_else(client: httpx.AsyncClient, world: World) -> None:
    owner, editor = await world.tenant(), await world.tenant()
    await join(world, editor, owner, "editor")
    path = f"/api/libraries/{await slug_of(client, owner)}"
    before = (await client.get(path, headers=owner.headers)).json()
    answer = await client.patch(path, headers=owner.headers, json={"name": " Talks ", "visibility": "public"})
    assert answer.json() == before | {"name": "Talks", "visibility": "public"}
    described = await client.patch(path, headers=owner.headers, json={"description": "Ours"})
    assert (described.json()["description"], described.json()["name"]) == ("Ours", "Talks")
    emptied = await client.patch(path, headers=owner.headers, json={"description": None})
    assert emptied.json()["description"] is None
    for change in ({"name": " "}, {"name": None}, {"visibility": "secret"}, {"slug": "other"}):
        refused = await client.patch(path, headers=owner.headers, json=change)
        assert (refused.status_code, refused.json()["code"]) == (400, "field_invalid"), change
    assert (await client.patch(path, headers=editor.headers, json={"name": "Mine"})).status_code == 403


async def test_a_library_with_datasets_is_deleted_only_by_an_owner_who_forces_it(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    owner, editor = await world.tenant(), await world.tenant()
    await join(world, editor, owner, "editor")
    path = f"/api/libraries/{await slug_of(client, owner)}"
    audio = await store(components, b"audio")
    item_id = await world.item(owner.dataset_id, status="queued", audio_blob_id=audio)
    refused = await client.delete(path, headers=owner.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "library_not_empty")
    assert "1 dataset;" in refused.json()["message"]
    assert (await client.delete(f"{path}?force=true", headers=editor.headers)).status_code == 403
    assert (await client.get(f"/api/items/{item_id}", headers=owner.headers)).status_code == 200
    assert (await client.delete(f"{path}?force=true", headers=owner.headers)).status_code == 204
    for gone in (path, f"/api/datasets/{owner.dataset_id}", f"/api/items/{item_id}"):
        assert (await client.get(gone, headers=owner.headers)).status_code == 404
    assert [blob async for blob in components.blobs.list_older_than(0)] == []
    assert (await client.get(f"/api/datasets/{editor.dataset_id}", headers=editor.headers)).status_code == 200


async def test_an_empty_library_is_deleted_without_force(client: httpx.AsyncClient, world: World) -> None:
    owner = await world.tenant()
    await client.post("/api/libraries", headers=owner.headers, json={"slug": "empty", "name": "Empty"})
    assert (await client.delete("/api/libraries/empty", headers=owner.headers)).status_code == 204
    assert (await client.get("/api/libraries/empty", headers=owner.headers)).status_code == 404
