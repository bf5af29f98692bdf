"""Administrators make, change, lock and remove accounts; nobody else learns which there are, and one administrator stays."""

import asyncio

import httpx
import pytest
from sqlalchemy import text

from echoic.compose import Components
from echoic.db.accounts import minutes, sessions
from echoic.db.catalog import libraries
from echoic.db.catalog.libraries import Role
from echoic.db.runs import runs
from tests.api.browser import signed_in
from tests.factories import Tenant, World


@pytest.fixture
async def admin(world: World) -> Tenant:
    return await world.tenant("Admin", is_admin=True)


async def owners(components: Components, library_id: int) -> list[int]:
    query = "SELECT account_id FROM library_members WHERE library_id = {} AND role = 'owner' ORDER BY 1"
    async with components.database.transaction() as session:
        return list(await session.scalars(text(query.format(library_id))))


async def join(components: Components, library: Tenant, member: Tenant, role: Role) -> None:
    async with components.database.transaction() as session:
        await libraries.add_member(session, library_id=library.library_id, account_id=member.account_id, role=role)


async def test_an_account_is_made_with_a_key_and_a_library(client: httpx.AsyncClient, admin: Tenant) -> None:
    made = await client.post("/api/accounts", headers=admin.headers, json={"name": "Bert"})
    assert made.status_code == 201, made.text
    assert (made.json()["plan"], made.json()["is_admin"], made.json()["is_locked"]) == ("free", False, False)
    mine = await client.get("/api/datasets", headers={"Authorization": f"Bearer {made.json()['key']}"})
    assert mine.json()["total"] == 1
    unknown = await client.post("/api/accounts", headers=admin.headers, json={"name": "Bert", "plan": "gold"})
    assert (unknown.status_code, unknown.json()["code"]) == (400, "field_invalid")
    assert "the plans are" in unknown.json()["message"]


async def test_an_account_may_be_made_with_a_password_instead_of_a_key(
    client: httpx.AsyncClient, page: httpx.AsyncClient, admin: Tenant
) -> None:
    wanted = {"name": "Bert", "sign_in_name": "bert@example.org", "password": "a good long password"}
    made = await client.post("/api/accounts", headers=admin.headers, json=wanted)
    assert made.status_code == 201, made.text
    assert (made.json()["key"], made.json()["sign_in_name"]) == (None, "bert@example.org")
    assert (await signed_in(page, name="bert@example.org", password="a good long password")).status_code == 200
    for fields, code in (
        ({"password": None}, "field_invalid"),
        ({"password": "short"}, "password_unfit"),
        ({}, "sign_in_name_taken"),
    ):
        refused = await client.post("/api/accounts", headers=admin.headers, json=wanted | fields)
        assert refused.json()["code"] == code
    assert (await client.get("/api/accounts", headers=admin.headers)).json()["total"] == 2


async def test_accounts_are_listed_with_what_they_use(
    client: httpx.AsyncClient, world: World, components: Components, admin: Tenant
) -> None:
    item_id = await world.item(admin.dataset_id, status="queued")
    async with components.database.transaction() as session:
        run = await runs.newest_run(session, item_id)
        assert run is not None
        await minutes.reserve(session, run_id=run.id, account_id=admin.account_id, seconds=90.0)
        await session.execute(text("UPDATE blobs SET account_id = :id"), {"id": admin.account_id})
    other = await world.tenant("Other")
    listed = (await client.get("/api/accounts", headers=admin.headers)).json()["accounts"]
    figures = {account["id"]: account["figures"] for account in listed}
    mine = figures[admin.account_id]
    assert (mine["minutes_reserved"], mine["stored_items"], mine["api_keys"]) == (1.5, 1, 1)
    assert mine["stored_bytes"] > 0
    assert figures[other.account_id] == {
        "minutes_used": 0,
        "minutes_reserved": 0,
        "stored_bytes": 0,
        "stored_items": 0,
        "api_keys": 1,
        "last_used_at": None,
    }


async def test_accounts_are_listed_and_changed(client: httpx.AsyncClient, admin: Tenant, ada: Tenant) -> None:
    listed = (await client.get("/api/accounts", headers=admin.headers)).json()
    names = {account["id"]: (account["name"], account["sign_in_name"]) for account in listed["accounts"]}
    assert names == {admin.account_id: ("Admin", None), ada.account_id: ("Ada", "ada")}
    change = {"name": "Ada King", "plan": "ten-minutes", "is_admin": True}
    path = f"/api/accounts/{ada.account_id}"
    changed = (await client.patch(path, headers=admin.headers, json=change)).json()
    assert {name: changed[name] for name in change} == change
    assert (await client.get("/api/account", headers=ada.headers)).json()["is_admin"] is True
    assert (await client.get(path, headers=ada.headers)).json()["owned_libraries"][0]["other_owners"] == 0


async def test_everybody_else_is_told_nothing(client: httpx.AsyncClient, admin: Tenant, ada: Tenant) -> None:
    for method in ("GET", "POST"):
        refused = await client.request(method, "/api/accounts", headers=ada.headers, json={"name": "Mine"})
        assert (refused.status_code, refused.json()["code"]) == (403, "admin_only")
    for account_id in (admin.account_id, ada.account_id, 99):
        answer = await client.get(f"/api/accounts/{account_id}", headers=ada.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "account_not_found")


async def test_a_locked_account_gets_in_by_no_way_until_it_is_unlocked(
    client: httpx.AsyncClient, page: httpx.AsyncClient, admin: Tenant, ada: Tenant
) -> None:
    await signed_in(page)
    token = (await page.post("/api/sign-in-tokens", headers=ada.headers)).json()["token"]
    path = f"/api/accounts/{ada.account_id}"
    assert (await client.patch(path, headers=admin.headers, json={"is_locked": True})).json()["is_locked"] is True
    assert (await client.get("/api/account", headers=ada.headers)).status_code == 401
    assert (await page.get("/api/account")).status_code == 401
    assert (await page.post("/api/sign-in/token", json={"token": token})).status_code == 401
    refused = await signed_in(page)
    assert (refused.status_code, refused.json()["message"]) == (401, "The account is locked; ask an administrator.")
    wrong = await signed_in(page, password="wrong password")
    assert "locked" not in wrong.text
    await client.patch(path, headers=admin.headers, json={"is_locked": False})
    assert (await client.get("/api/account", headers=ada.headers)).status_code == 200
    assert (await page.get("/api/account")).status_code == 200


@pytest.mark.parametrize("change", [{"is_admin": False}, {"is_locked": True}, None])
async def test_the_last_administrator_stays(
    client: httpx.AsyncClient, world: World, admin: Tenant, change: dict[str, bool] | None
) -> None:
    path = f"/api/accounts/{admin.account_id}"

    async def give_up() -> httpx.Response:
        if change is None:
            return await client.delete(path, headers=admin.headers, params={"delete_libraries": True})
        return await client.patch(path, headers=admin.headers, json=change)

    refused = await give_up()
    assert (refused.status_code, refused.json()["code"]) == (409, "last_administrator")
    locked = await world.tenant("Other", is_admin=True)
    await client.patch(f"/api/accounts/{locked.account_id}", headers=admin.headers, json={"is_locked": True})
    assert (await give_up()).json()["code"] == "last_administrator"
    await client.patch(f"/api/accounts/{locked.account_id}", headers=admin.headers, json={"is_locked": False})
    assert (await give_up()).status_code in (200, 204)


async def test_of_two_administrators_that_give_up_at_once_one_stays(
    client: httpx.AsyncClient, world: World, admin: Tenant
) -> None:
    other = await world.tenant("Other", is_admin=True)
    answers = await asyncio.gather(
        *(
            client.patch(f"/api/accounts/{each.account_id}", headers=each.headers, json={"is_admin": False})
            for each in (admin, other)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_removing_an_account_takes_a_decision_about_libraries_that_nobody_else_owns(
    client: httpx.AsyncClient, components: Components, world: World, admin: Tenant, ada: Tenant
) -> None:
    shared, heir = await world.tenant("Shared"), await world.tenant("Heir")
    await join(components, shared, ada, "owner")
    await join(components, ada, heir, "viewer")
    item_id = await world.item(ada.dataset_id)
    async with components.database.transaction() as session:
        opened = await sessions.create(session, account_id=ada.account_id, program="Test")
    path = f"/api/accounts/{ada.account_id}"
    told = (await client.get(path, headers=admin.headers)).json()["owned_libraries"]
    assert [(each["other_owners"], each["item_count"]) for each in told] == [(0, 1), (1, 0)]
    refused = await client.delete(path, headers=admin.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "account_owns_libraries")
    assert refused.json()["libraries"] == [told[0]["slug"]]
    for wrong, status in ((ada.account_id, 400), (999, 404)):
        assert (await client.delete(path, headers=admin.headers, params={"heir": wrong})).status_code == status
    removed = await client.delete(path, headers=admin.headers, params={"heir": heir.account_id})
    assert removed.status_code == 204, removed.text
    assert await owners(components, ada.library_id) == [heir.account_id]
    assert await owners(components, shared.library_id) == [shared.account_id]
    assert (await client.get(f"/api/items/{item_id}", headers=heir.headers)).status_code == 200
    assert (await client.get("/api/account", headers=ada.headers)).status_code == 401
    assert await sessions.find(components.database, opened.token) is None
    assert (await client.get(path, headers=admin.headers)).status_code == 404


async def test_libraries_go_with_their_only_owner_where_that_is_said(
    client: httpx.AsyncClient, components: Components, world: World, admin: Tenant, ada: Tenant
) -> None:
    """Work under way in them ends; what the account uploaded to others stays with them."""
    shared = await world.tenant("Shared")
    await join(components, shared, ada, "editor")
    kept = await world.item(shared.dataset_id)
    gone = await world.item(ada.dataset_id, status="queued")
    path = f"/api/accounts/{ada.account_id}"
    removed = await client.delete(path, headers=admin.headers, params={"delete_libraries": True})
    assert removed.status_code == 204, removed.text
    assert (await client.get(f"/api/items/{kept}", headers=shared.headers)).status_code == 200
    async with components.database.transaction() as session:
        assert gone not in list(await session.scalars(text("SELECT id FROM items")))
        assert await session.scalar(text("SELECT count(*) FROM libraries")) == 2
