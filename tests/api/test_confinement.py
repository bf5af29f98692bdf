"""What is told of the decoder's confinement and of the database's role."""

import sys

import httpx
import pytest

from echoic.compose import Components, open_components
from echoic.db.roles import own_role
from echoic.engines.media import wire
from tests.factories import World


async def test_each_layer_says_what_it_does_and_whether_it_holds(client: httpx.AsyncClient, world: World) -> None:
    tenant, other = await world.tenant(), await world.tenant(scopes=("upload",))
    answer = await client.get("/api/confinement", headers=tenant.headers)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert {layer["name"]: layer["meaning"] for layer in told["decoder"]} == wire.LAYERS
    holds = {layer["name"]: layer["holds"] for layer in told["decoder"]}
    assert holds["limits"]
    assert holds["system_calls"] or sys.platform != "linux"
    assert told["database"] == {"name": "echoic", "is_superuser": False}
    assert (await client.get("/api/confinement", headers=other.headers)).json()["code"] == "scope_missing"
    assert (await client.get("/api/confinement")).status_code == 401


async def test_a_role_that_may_do_more_than_it_needs_is_told(components: Components, owner_url: str) -> None:
    async with open_components(components.settings, owner_url) as opened, opened.database.transaction() as session:
        found = await own_role(session)
    assert (found.name, found.is_superuser) == ("app", True)


async def test_a_decoder_that_does_not_start_confines_nothing(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await world.tenant()
    with monkeypatch.context() as fault:
        fault.setattr(sys, "executable", "/no/such/python")
        answer = await client.get("/api/confinement", headers=tenant.headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "decoder_unavailable")
    assert (await client.get("/api/confinement", headers=tenant.headers)).status_code == 200
