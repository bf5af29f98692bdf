"""The address of the protocol: who is let in, who is told what, and what all processes share."""

import dataclasses
import io
import json
from typing import Any

import httpx
import pytest

from echoic.accounts.callers import by_key
from echoic.api.app import create_app
from echoic.compose import Components
from echoic.errors import DatabaseUnavailable
from echoic.mcp_server import door
from echoic.mcp_server.door import add_mcp
from echoic.mcp_server.own_names import own_names
from echoic.origins import Origins
from echoic.server.application import whole_application
from echoic.settings import Settings
from tests.factories import World
from tests.mcp_server.clients import ACCEPT, PING, Mcp, at_port
from tests.mcp_server.fixtures import add_fixtures


async def post(mcp: Mcp, path: str = "/mcp", body: object = PING, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=mcp.base, trust_env=False) as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.post(path, headers={**ACCEPT, **named}, json=body)


async def test_who_has_no_key_is_told_where_a_token_is_to_be_had(mcp: Mcp, world: World) -> None:
    await world.tenant()
    pointer = 'resource_metadata="http://localhost:8080/.well-known/oauth-protected-resource/mcp"'
    answer = await post(mcp)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, f"Bearer {pointer}")
    assert answer.json()["code"] == "unauthorized"
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    for token in ("ek_wrong", "ea_wrong", "Basic"):
        answer = await post(mcp, Authorization=f"Bearer {token}")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token", error_description=')
        assert answer.headers["WWW-Authenticate"].endswith(pointer)


async def test_the_address_is_exactly_one_and_takes_posts_alone(mcp: Mcp, world: World) -> None:
    key = {"Authorization": f"Bearer {(await world.tenant()).key}"}
    assert (await post(mcp, **key)).status_code == 200
    assert (await post(mcp, "/mcp/", **key)).status_code == 404
    async with httpx.AsyncClient(base_url=mcp.base, trust_env=False) as client:
        for method in ("GET", "DELETE", "PUT"):
            answer = await client.request(method, "/mcp", headers={**ACCEPT, **key})
            assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


async def test_other_names_and_origins_are_refused(mcp: Mcp, world: World) -> None:
    key = {"Authorization": f"Bearer {(await world.tenant()).key}"}
    refused = await post(mcp, Host="evil.example", **key)
    assert (refused.status_code, refused.json()["code"]) == (421, "host_not_allowed")
    assert "ECHOIC_PUBLIC_URL" in refused.json()["message"]
    assert (await post(mcp, Host="localhost.evil.example", **key)).status_code == 421
    assert (await post(mcp, Host="localhost:8080.evil.example", **key)).status_code == 421
    for origin in ("https://evil.example", "http://localhost:3000.evil.example", "null"):
        assert (await post(mcp, Origin=origin, **key)).json()["code"] == "origin_not_allowed"
    assert (await post(mcp, Origin="http://localhost:3000", Host="localhost:8080", **key)).status_code == 200


async def test_a_database_that_is_away_ends_neither_the_start_nor_the_door(
    components: Components, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = {"Authorization": f"Bearer {(await world.tenant()).key}"}

    async def away(*_: object) -> bytes:
        raise DatabaseUnavailable

    with monkeypatch.context() as lost:
        lost.setattr(door, "secret", away)
        async with at_port(whole_application(components)) as base:
            answer = await post(Mcp(base), **key)
            assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
            assert int(answer.headers["Retry-After"]) > 0
            lost.undo()
            assert (await post(Mcp(base), **key)).status_code == 200


async def test_pages_of_allowed_origins_may_ask(components: Components, world: World) -> None:
    key = {"Authorization": f"Bearer {(await world.tenant()).key}"}
    opened = dataclasses.replace(components, origins=Origins.parse(["https://app.example"]))
    async with at_port(whole_application(opened)) as base:
        answer = await post(Mcp(base), Origin="https://app.example", **key)
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "https://app.example")
        assert (await post(Mcp(base), Origin="https://evil.example", **key)).status_code == 403


def test_the_public_url_and_the_address_listened_on_are_own_names() -> None:
    names = own_names(Settings(_env_file=None, public_url="https://echoic.example", host="192.168.1.5"))
    assert {"echoic.example", "echoic.example:443", "192.168.1.5:*", "localhost:*"} <= set(names.allowed_hosts)
    assert {"https://echoic.example", "http://192.168.1.5:*"} <= set(names.allowed_origins)
    named = own_names(Settings(_env_file=None, public_url="http://echoic.example:8080"))
    assert "echoic.example:8080" in named.allowed_hosts
    assert "echoic.example" not in named.allowed_hosts


async def test_calls_count_against_the_plan_and_note_the_use_of_a_key(
    mcp: Mcp, world: World, components: Components, log: io.StringIO
) -> None:
    tenant = await world.tenant(plan="three-requests")
    key = {"Authorization": f"Bearer {tenant.key}"}
    answers = [await post(mcp, **key) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert answers[-1].json()["code"] == "rate_limited"
    noted = await by_key(tenant.key, components.database)
    assert noted.at is not None
    lines = [json.loads(line) for line in log.getvalue().splitlines() if '"event": "request"' in line]
    assert [(line["route"], line["status"]) for line in lines] == [("/mcp", 200)] * 3 + [("/mcp", 429)]
    assert tenant.key not in log.getvalue()


async def test_too_large_a_body_is_refused(mcp: Mcp, world: World) -> None:
    key = {"Authorization": f"Bearer {(await world.tenant()).key}"}
    answer = await post(mcp, body={**PING, "params": {"filler": "x" * 5_000_000}}, **key)
    assert answer.status_code == 413


async def test_state_that_one_process_sealed_another_opens_and_only_for_its_caller(
    components: Components, world: World
) -> None:
    """As two servers behind one address: the second round of a call may meet the other one."""
    tenant, stranger = await world.tenant(), await world.tenant()

    def process() -> Any:
        app = create_app(components)
        add_mcp(
            app,
            components,
            check=lambda token: by_key(token, components.database),
            fill=add_fixtures,
        )
        return app

    tool = "test_input_required_result_request_state"
    async with at_port(process()) as one, at_port(process()) as other:
        opened = await _raw(Mcp(one), tenant.key, tool)
        state = opened["result"]["requestState"]
        assert "confirming" not in state
        given = {"inputResponses": {"confirm": {"action": "accept", "content": {"ok": True}}}, "requestState": state}
        done = await _raw(Mcp(other), tenant.key, tool, **given)
        assert done["result"]["content"][0]["text"] == "state-ok"
        assert (await _raw(Mcp(other), stranger.key, tool, **given))["error"]["code"] == -32602


async def _raw(mcp: Mcp, key: str, tool: str, **more: Any) -> dict[str, Any]:
    """Call a tool as a client of 2026-07-28 does, without its library, which would answer by itself."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    params = {"name": tool, "arguments": {}, "_meta": meta, **more}
    headers = {
        "Authorization": f"Bearer {key}",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": tool,
    }
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(mcp.url, headers={**ACCEPT, **headers}, json={**body, "params": params})
    told: dict[str, Any] = answer.json()
    return told
