"""The protocol's own programs in TypeScript against the real server: its client, and the inspector's command line."""

import json
from pathlib import Path
from typing import Any

from tests.factories import World, talk
from tests.mcp_server.clients import MODULES, Mcp, run_node
from tests.mcp_server.tool_table import TOOLS

INSPECTOR = MODULES / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"


async def inspected(mcp: Mcp, key: str, *arguments: str, home: Path) -> dict[str, Any]:
    status, output = await run_node(
        *(str(INSPECTOR), "--cli", mcp.url, "--transport", "http", "--header", f"Authorization: Bearer {key}"),
        *arguments,
        HOME=str(home),
    )
    assert status == 0, output
    found: dict[str, Any] = json.loads(output[output.index("{") : output.rindex("}") + 1])
    return found


async def test_the_client_for_typescript_lists_calls_and_hears_of_progress(mcp: Mcp, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("the deadline is near"))

    async def ask(tool: str, **arguments: Any) -> dict[str, Any]:
        status, output = await run_node("mcp.mjs", mcp.url, tenant.key, tool, json.dumps(arguments))
        assert status == 0, output
        told: dict[str, Any] = json.loads(output.splitlines()[-1])
        return told

    told = await ask("search_audio", query="deadline")
    assert (told["server"], told["tools"]) == ("echoic", list(TOOLS))
    assert told["result"]["structuredContent"]["results"][0]["item_id"] == item_id
    assert told["result"]["content"][1]["type"] == "resource_link"
    waiting = await world.item(tenant.dataset_id, status="processing")
    status = await ask("get_transcription_status", item_id=waiting, wait_seconds=2)
    assert status["progress"][0]["total"] == 9
    assert status["result"]["structuredContent"]["is_done"] is False
    absent = await ask("get_transcript", item_id=987_654_321)
    assert absent["result"]["isError"] is True


async def test_the_inspector_finds_nothing_wrong_with_the_tools(mcp: Mcp, world: World, tmp_path: Path) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("the deadline is near"))
    listed = await inspected(mcp, tenant.key, "--method", "tools/list", "--strict", home=tmp_path)
    assert [tool["name"] for tool in listed["tools"]] == list(TOOLS)
    called = ("--method", "tools/call", "--tool-name", "search", "--tool-arg", "query=deadline")
    found = await inspected(mcp, tenant.key, *called, home=tmp_path)
    assert found["structuredContent"]["results"][0]["title"]


async def test_the_inspector_is_told_that_somebody_has_to_sign_in(mcp: Mcp, tmp_path: Path) -> None:
    status, output = await run_node(
        *(str(INSPECTOR), "--cli", mcp.url, "--transport", "http", "--header", "Authorization: Bearer ek_wrong"),
        *("--method", "tools/list"),
        HOME=str(tmp_path),
    )
    assert status != 0
    assert "auth_required" in output
