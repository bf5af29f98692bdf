"""Access tokens of connected programs: for their resource and nothing else, and never more than was granted."""

import httpx
import pytest
from sqlalchemy import text

from echoic.compose import Components
from echoic.db.accounts import accounts
from echoic.errors import Unauthorized
from echoic.oauth.bearer import by_access_token
from tests.api.oauth_flow import RESOURCE, access_token
from tests.factories import World


async def test_a_token_opens_its_resource_with_the_rights_that_were_granted(
    components: Components, world: World
) -> None:
    tenant = await world.tenant(is_admin=True)
    token = await access_token(components, tenant)
    bearer = await by_access_token(token, components.database, resource=RESOURCE)
    caller = bearer.use.caller
    assert (caller.account_id, caller.plan, caller.key_id) == (tenant.account_id, "unlimited", None)
    assert caller.scopes == {"read", "upload"}
    assert not caller.is_admin
    assert bearer.scopes == {"read", "write"}
    reading = await by_access_token(
        await access_token(components, tenant, scopes=("read",)), components.database, resource=RESOURCE
    )
    assert reading.use.caller.scopes == {"read"}


async def test_a_token_for_another_resource_opens_nothing(components: Components, world: World) -> None:
    token = await access_token(components, await world.tenant(), resource="https://elsewhere.example/mcp")
    for resource in (RESOURCE, RESOURCE + "/", "http://localhost:8080"):
        with pytest.raises(Unauthorized):
            await by_access_token(token, components.database, resource=resource)


async def test_a_token_opens_no_route_of_the_rest_of_the_api(
    client: httpx.AsyncClient, components: Components, world: World
) -> None:
    token = await access_token(components, await world.tenant())
    for headers, query in (({"Authorization": f"Bearer {token}"}, {}), ({}, {"api_key": token})):
        answer = await client.get("/api/account", headers=headers, params=query)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


async def test_a_key_is_no_access_token(components: Components, world: World) -> None:
    tenant = await world.tenant()
    with pytest.raises(Unauthorized):
        await by_access_token(tenant.key, components.database, resource=RESOURCE)


async def test_tokens_of_a_locked_account_open_nothing_until_it_is_unlocked(
    components: Components, world: World
) -> None:
    tenant = await world.tenant()
    token = await access_token(components, tenant)
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE accounts SET locked_at = now()"))
    with pytest.raises(Unauthorized):
        await by_access_token(token, components.database, resource=RESOURCE)
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE accounts SET locked_at = NULL"))
    await by_access_token(token, components.database, resource=RESOURCE)


async def test_a_token_ends_after_its_hour_and_with_its_account(components: Components, world: World) -> None:
    tenant = await world.tenant()
    token, other = [await access_token(components, tenant) for _ in range(2)]
    async with components.database.transaction() as session:
        longest = await session.scalar(
            text("SELECT max(expires_at - created_at) <= interval '1 hour' FROM oauth_tokens")
        )
        assert longest
        await session.execute(text("UPDATE oauth_tokens SET expires_at = now() - interval '1 second'"))
    for one in (token, other):
        with pytest.raises(Unauthorized):
            await by_access_token(one, components.database, resource=RESOURCE)
    async with components.database.transaction() as session:
        await accounts.delete_account(session, await accounts.get_account(session, tenant.account_id))
        assert await session.scalar(text("SELECT count(*) FROM oauth_tokens")) == 0


async def test_no_token_stands_in_the_database(components: Components, world: World) -> None:
    token = await access_token(components, await world.tenant())
    async with components.database.transaction() as session:
        kept = str((await session.execute(text("SELECT row_to_json(t) FROM oauth_tokens t"))).all())
    assert token not in kept
    assert token.removeprefix("ea_") not in kept
