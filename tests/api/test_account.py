"""The caller's own account and what it has used."""

from datetime import UTC, date, datetime

import httpx
import pytest
from sqlalchemy import text

from echoic.api.account import _next_month
from echoic.compose import Components
from echoic.db.accounts import minutes
from tests.api.uploading import AUDIO, form, post
from tests.factories import World


async def test_an_account_is_told_who_it_is(client: httpx.AsyncClient, world: World) -> None:
    await world.tenant("Somebody else")
    tenant = await world.tenant("Ada", plan="free")
    answer = await client.get("/api/account", headers=tenant.headers)
    assert answer.status_code == 200
    body = answer.json()
    assert datetime.fromisoformat(body.pop("created_at")).tzinfo is not None
    assert body == {
        "id": tenant.account_id,
        "name": "Ada",
        "plan": "free",
        "sign_in_name": None,
        "is_admin": False,
        "has_session": False,
    }


async def test_the_plans_of_the_installation_are_open_to_everybody(
    client: httpx.AsyncClient, components: Components
) -> None:
    plans = (await client.get("/api/plans")).json()["plans"]
    assert [plan["name"] for plan in plans] == [plan.name for plan in components.plans]
    free = next(plan for plan in plans if plan["name"] == "free")
    assert (free["monthly_minutes"], free["max_file_mb"]) == (300, 200)
    assert {name: limit for name, limit in plans[-1].items() if limit is not None} == {"name": "unlimited"}


async def test_the_id_is_what_an_owner_needs_to_invite(client: httpx.AsyncClient, world: World) -> None:
    owner, guest = await world.tenant(), await world.tenant()
    guest_id = (await client.get("/api/account", headers=guest.headers)).json()["id"]
    libraries = (await client.get("/api/libraries?mine=true", headers=owner.headers)).json()["libraries"]
    path = f"/api/libraries/{libraries[0]['slug']}/members/{guest_id}"
    assert (await client.put(path, headers=owner.headers, json={"role": "viewer"})).status_code == 200
    assert (await client.get(f"/api/datasets/{owner.dataset_id}", headers=guest.headers)).status_code == 200


async def test_usage_adds_up_what_is_used_reserved_and_left(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(plan="ten-minutes")
    await post(client, tenant, **form())
    async with components.database.transaction() as session:
        month = await minutes.this_month(session)
        await session.execute(
            text("UPDATE monthly_use SET seconds = 90 WHERE account_id = :account"), {"account": tenant.account_id}
        )
    body = (await client.get("/api/usage", headers=tenant.headers)).json()
    resets_at = datetime.fromisoformat(body.pop("resets_at"))
    assert resets_at == _next_month(month)
    assert body == {
        "month": month.strftime("%Y-%m"),
        "minutes": {"used": 1.5, "reserved": 0.18, "left": 8.32, "limit": 10},
        "stored": {"size_bytes": len(AUDIO), "items": 1, "bytes_left": None, "items_left": None},
        "api_keys": 1,
        "plan": {
            "name": "ten-minutes",
            "max_file_mb": None,
            "monthly_minutes": 10,
            "stored_mb": None,
            "stored_items": None,
            "api_keys": None,
            "requests_per_minute": None,
        },
    }


async def test_usage_without_limits_still_counts(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    await post(client, tenant, **form())
    body = (await client.get("/api/usage", headers=tenant.headers)).json()
    assert body["minutes"] == {"used": 0.0, "reserved": 0.18, "left": None, "limit": None}


@pytest.mark.parametrize(
    ("month", "following"), [((2026, 11), (2026, 12)), ((2026, 12), (2027, 1)), ((2027, 1), (2027, 2))]
)
def test_the_next_month_begins_at_midnight_utc(month: tuple[int, int], following: tuple[int, int]) -> None:
    assert _next_month(date(*month, 1)) == datetime(*following, 1, tzinfo=UTC)


async def test_a_key_that_may_not_read_is_refused(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant(scopes=("upload",))
    for path in ("/api/account", "/api/usage"):
        answer = await client.get(path, headers=tenant.headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
