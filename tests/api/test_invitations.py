"""Invitations: a link makes members of those who sign in or make an account with it, as often and as long as its owner said."""

import asyncio

import httpx
import pytest
from sqlalchemy import text

from echoic.api.openapi import DocumentedApi
from echoic.compose import Components
from echoic.db.catalog import libraries
from echoic.db.catalog.libraries import Role
from tests.api.browser import PASSWORD, browser, signed_in
from tests.api.people import Asking
from tests.factories import Tenant, World


@pytest.fixture
def path(ask: Asking) -> str:
    """Where the invitations of a library are, whose owner asks."""
    return ask.people.replace("/speakers", "/invitations")


async def invited(ask: Asking, path: str, role: Role = "viewer", **more: int) -> str:
    token: str = (await ask("POST", path, 201, json={"role": role, **more}))["token"]
    return token


async def accept(client: httpx.AsyncClient, token: str, tenant: Tenant) -> httpx.Response:
    return await client.post("/api/invitations/accept", json={"token": token}, headers=tenant.headers)


async def role_of(components: Components, library: Tenant, member: Tenant) -> str | None:
    async with components.database.transaction() as session:
        view = await libraries.view_dataset(session, dataset_id=library.dataset_id, account_id=member.account_id)
    assert view is not None
    return view.role


async def test_who_accepts_is_a_member_and_the_link_is_used_up(
    ask: Asking, path: str, world: World, client: httpx.AsyncClient, components: Components
) -> None:
    ada, bert = await world.tenant("Ada"), await world.tenant("Bert")
    made = await ask("POST", path, 201, json={"role": "editor"})
    assert made["url"].endswith(f"/sign-in#invitation={made['token']}")
    told = await client.post("/api/invitations/look", json={"token": made["token"]})
    assert (told.json()["library"], told.json()["role"]) == ("Tenant's library", "editor")
    assert path.startswith(f"/api/libraries/{told.json()['slug']}/")
    assert (await accept(client, made["token"], ada)).json()["role"] == "editor"
    assert await role_of(components, ask.tenant, ada) == "editor"
    for answer in (
        await accept(client, made["token"], bert),
        await client.post("/api/invitations/look", json={"token": made["token"]}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "invitation_not_found")
    assert await role_of(components, ask.tenant, bert) is None


async def test_a_link_is_used_as_often_as_its_owner_said_however_many_come_at_once(
    ask: Asking, path: str, world: World, client: httpx.AsyncClient
) -> None:
    guests = [await world.tenant(f"Guest {number}") for number in range(4)]
    token = await invited(ask, path, max_uses=2)
    answers = await asyncio.gather(*(accept(client, token, guest) for guest in guests))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 404, 404]


async def test_a_member_is_never_given_less_and_uses_nothing_up(
    ask: Asking, path: str, world: World, client: httpx.AsyncClient
) -> None:
    token = await invited(ask, path)
    assert (await accept(client, token, ask.tenant)).json()["role"] == "owner"
    (listed,) = (await ask("GET", path))["invitations"]
    assert (listed["uses"], listed["max_uses"], "token" in listed) == (0, 1, False)
    ada = await world.tenant("Ada")
    assert (await accept(client, token, ada)).json()["role"] == "viewer"
    assert (await accept(client, await invited(ask, path, "editor"), ada)).json()["role"] == "editor"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invitations SET expires_at = now()",
        "UPDATE library_members SET role = 'viewer'",
        "DELETE FROM library_members",
        None,
    ],
)
async def test_a_link_ends_with_its_time_its_owner_or_when_it_is_revoked(
    ask: Asking, path: str, world: World, client: httpx.AsyncClient, statement: str | None
) -> None:
    ada = await world.tenant("Ada")
    made = await ask("POST", path, 201, json={"role": "owner", "expires_in_days": 1})
    if statement is None:
        await ask("DELETE", f"{path}/{made['id']}", 204)
        await ask("DELETE", f"{path}/{made['id']}", 404)
    else:
        async with world.database.transaction() as session:
            await session.execute(text(statement))
    assert (await accept(client, made["token"], ada)).status_code == 404


async def test_who_has_no_account_makes_one_with_the_link(
    ask: Asking, path: str, app: DocumentedApi, components: Components
) -> None:
    token = await invited(ask, path, "editor", max_uses=2)
    body = {"token": token, "name": "Ada Lovelace", "sign_in_name": "Ada@example.org", "password": PASSWORD}
    async with browser(app) as page:
        for wrong, code in (
            ({"password": "short"}, "password_unfit"),
            ({"token": "ei_wrong"}, "invitation_not_found"),
        ):
            assert (await page.post("/api/sign-up", json=body | wrong)).json()["code"] == code
        made = await page.post("/api/sign-up", json=body)
        assert made.status_code == 200, made.text
        account = (await page.get("/api/account")).json()
        assert (account["name"], account["plan"], account["is_admin"]) == ("Ada Lovelace", "free", False)
        roles = [each["slug"] for each in (await page.get("/api/libraries", params={"mine": True})).json()["libraries"]]
        assert len(roles) == 2
    async with browser(app) as other:
        assert (await signed_in(other, "ada@EXAMPLE.org")).status_code == 200
        taken = await other.post("/api/sign-up", json=body)
        assert (taken.status_code, taken.json()["code"]) == (409, "sign_in_name_taken")
        forged = await other.post("/api/sign-up", json=body, headers={"Origin": "http://evil.example"})
        assert forged.json()["code"] == "origin_not_allowed"
    async with components.database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM accounts")) == 2
        assert await session.scalar(text("SELECT uses FROM invitations")) == 1
