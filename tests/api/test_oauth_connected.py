"""The programs that an account has connected: shown, disconnected, and ended with what let them in."""

import httpx
import pytest
from sqlalchemy import text

from echoic.accounts import detaching
from echoic.accounts.admission import PROXY
from echoic.compose import Components
from echoic.db.accounts import identities
from echoic.db.oauth.grants import MAX_GRANTS
from echoic.oauth.server import forget_expired
from tests.api.browser import PASSWORD
from tests.api.oauth_flow import Program, allowed, connected, works
from tests.factories import Tenant, World


async def tokens_of(person: httpx.AsyncClient, agent: Program) -> dict[str, str]:
    given: dict[str, str] = (await agent.exchange((await allowed(person, agent.query()))["code"])).json()
    return given


async def count(components: Components, table: str) -> int:
    async with components.database.transaction() as session:
        return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)  # noqa: S608


async def test_a_program_is_listed_with_when_it_was_connected_and_used(
    person: httpx.AsyncClient, agent: Program, components: Components
) -> None:
    given = await tokens_of(person, agent)
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE oauth_grants SET last_used_at = now() - interval '1 day'"))
    assert (await agent.refresh(given["refresh_token"])).status_code == 200
    listed = (await person.get("/api/connected-programs")).json()
    (one,) = listed["programs"]
    assert listed["total"] == 1
    assert (one["name"], one["redirect_host"], one["scopes"]) == ("Agent", "127.0.0.1:7777", ["read", "write"])
    assert one["client_id"] == agent.client_id
    assert one["created_at"] <= one["last_used_at"] < one["expires_at"]


async def test_one_that_was_asked_but_took_no_token_is_not_connected(person: httpx.AsyncClient, agent: Program) -> None:
    await allowed(person, agent.query())
    assert (await person.get("/api/connected-programs")).json()["programs"] == []


async def test_disconnecting_ends_every_token_at_once(
    person: httpx.AsyncClient, agent: Program, components: Components
) -> None:
    given = await tokens_of(person, agent)
    (one,) = (await person.get("/api/connected-programs")).json()["programs"]
    assert (await person.delete(f"/api/connected-programs/{one['id']}")).status_code == 204
    assert not await works(components, given["access_token"])
    assert (await agent.refresh(given["refresh_token"])).json()["error"] == "invalid_grant"
    again = await person.delete(f"/api/connected-programs/{one['id']}")
    assert (again.status_code, again.json()["code"]) == (404, "program_not_found")


async def test_a_new_password_disconnects_all_programs_as_it_ends_sessions(
    person: httpx.AsyncClient, agent: Program, components: Components, ada: Tenant
) -> None:
    given = await tokens_of(person, agent)
    change = {"password": "another long one", "current_password": PASSWORD}
    assert (await person.put("/api/account/sign-in", json=change)).status_code == 204
    assert not await works(components, given["access_token"])
    given = await tokens_of(person, agent)
    await components.sign_ins.reset(ada.account_id, name=None, password=PASSWORD)
    assert not await works(components, given["access_token"])


async def test_signing_out_keeps_programs_connected(
    person: httpx.AsyncClient, agent: Program, components: Components
) -> None:
    given = await tokens_of(person, agent)
    assert (await person.post("/api/sign-out")).is_success
    assert await works(components, given["access_token"])
    assert (await agent.refresh(given["refresh_token"])).status_code == 200


@pytest.mark.parametrize("issuer", ["https://id.example.org", PROXY])
async def test_detaching_an_identity_disconnects_what_its_person_connected(
    components: Components, world: World, issuer: str
) -> None:
    tenant = await world.tenant()
    async with components.database.transaction() as session:
        await identities.add(session, issuer=issuer, subject="ada", account_id=tenant.account_id)
        theirs = await connected(session, tenant, issuer=issuer)
        other = await connected(session, tenant)
        await detaching.detach(session, tenant.account_id, issuer=issuer, subject="ada")
        left = set(await session.scalars(text("SELECT id FROM oauth_grants")))
    assert left == {other.id}
    assert theirs.id not in left


async def test_a_locked_account_gets_no_tokens(
    person: httpx.AsyncClient, agent: Program, components: Components
) -> None:
    given = await tokens_of(person, agent)
    code = (await allowed(person, agent.query()))["code"]
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE accounts SET locked_at = now()"))
    assert (await agent.exchange(code)).json()["error"] == "invalid_grant"
    assert (await agent.refresh(given["refresh_token"])).json()["error"] == "invalid_grant"
    assert not await works(components, given["access_token"])


async def test_a_connection_ends_when_unused_for_a_month_and_after_a_year_at_the_latest(
    person: httpx.AsyncClient, agent: Program, components: Components
) -> None:
    given = await tokens_of(person, agent)
    async with components.database.transaction() as session:
        idle = await session.scalar(text("SELECT extract(day FROM expires_at - created_at) FROM oauth_grants"))
        assert int(str(idle)) == 30
        await session.execute(text("UPDATE oauth_grants SET created_at = now() - interval '364 days'"))
    given = (await agent.refresh(given["refresh_token"])).json()
    async with components.database.transaction() as session:
        left = await session.scalar(text("SELECT expires_at - now() <= interval '1 day' FROM oauth_grants"))
        assert left
        await session.execute(text("UPDATE oauth_grants SET expires_at = now() - interval '1 second'"))
    assert not await works(components, given["access_token"])
    assert (await agent.refresh(given["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await person.get("/api/connected-programs")).json()["programs"] == []


async def test_what_has_run_out_is_removed_and_the_rest_is_not(
    person: httpx.AsyncClient, agent: Program, components: Components
) -> None:
    given = await tokens_of(person, agent)
    await allowed(person, agent.query())
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE oauth_codes SET expires_at = now() - interval '1 second'"))
        await session.execute(
            text("UPDATE oauth_tokens SET expires_at = now() - interval '1 second' WHERE kind = 'access'")
        )
    await forget_expired(components.database)
    assert [await count(components, f"oauth_{name}") for name in ("codes", "tokens", "grants")] == [1, 1, 1]
    assert (await agent.refresh(given["refresh_token"])).status_code == 200
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE oauth_grants SET expires_at = now() - interval '1 second'"))
    await forget_expired(components.database)
    assert [await count(components, f"oauth_{name}") for name in ("codes", "tokens", "grants")] == [0, 0, 0]


async def test_beyond_a_hundred_those_end_that_were_not_used_for_longest(components: Components, world: World) -> None:
    tenant = await world.tenant()
    async with components.database.transaction() as session:
        first = await connected(session, tenant)
        await session.execute(text("UPDATE oauth_grants SET last_used_at = now() - interval '1 hour'"))
        for _ in range(MAX_GRANTS):
            await connected(session, tenant)
        assert await session.scalar(text("SELECT count(*) FROM oauth_grants")) == MAX_GRANTS
        assert first.id not in set(await session.scalars(text("SELECT id FROM oauth_grants")))
