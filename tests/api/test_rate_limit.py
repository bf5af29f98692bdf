"""Requests per minute at the API: what is answered, that two servers count together, and that a plan counts at once."""

from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import text

from echoic.api.app import create_app
from echoic.compose import Components, open_components
from tests.api.conftest import PLANS
from tests.factories import Tenant, World


@pytest.fixture
async def second(components: Components, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of another server on the same database, with connections of its own."""
    async with open_components(components.settings, database_url, plans=PLANS) as opened:
        transport = httpx.ASGITransport(app=create_app(opened))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
            yield client


async def statuses(clients: list[httpx.AsyncClient], tenant: Tenant) -> list[int]:
    return [(await client.get("/api/datasets", headers=tenant.headers)).status_code for client in clients]


async def test_a_request_too_many_is_refused_before_its_body_and_says_when_to_come_back(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant(plan="three-requests")
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield b"{}"

    for _ in range(3):
        assert (await client.get("/api/datasets", headers=tenant.headers)).status_code == 200
    answer = await client.post("/api/search", content=body(), headers=tenant.headers)
    assert answer.status_code == 429
    seconds = answer.json()["retry_after"]
    assert answer.json() | {"request_id": ""} == {
        "error": "Rate Limited",
        "message": "Too many requests: the account's plan allows 3 a minute.",
        "code": "rate_limited",
        "request_id": "",
        "retry_after": seconds,
    }
    assert answer.headers["retry-after"] == str(seconds)
    assert 1 <= seconds <= 20
    assert read == 0
    stranger = await client.get("/api/datasets", headers={"Authorization": "Bearer ek_wrong"})
    assert stranger.status_code == 401


async def test_two_servers_let_through_together_what_the_plan_says_and_a_new_plan_counts_at_both_at_once(
    client: httpx.AsyncClient, second: httpx.AsyncClient, world: World
) -> None:
    admin, tenant = await world.tenant(is_admin=True), await world.tenant()

    async def give(plan: str) -> None:
        answer = await client.patch(f"/api/accounts/{tenant.account_id}", json={"plan": plan}, headers=admin.headers)
        assert answer.is_success, answer.text

    assert await statuses([client, second] * 5, tenant) == [200] * 10
    async with world.database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM request_rates")) == 0, (
            "nothing is counted without a limit"
        )
    await give("three-requests")
    assert await statuses([client, second] * 3, tenant) == [200, 200, 200, 429, 429, 429]
    await give("unlimited")
    assert await statuses([client, second], tenant) == [200, 200]
