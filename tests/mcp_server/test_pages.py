"""The page on agents and the description for registries keep up with the tools."""

import json
from pathlib import Path

import pytest

from echoic import __version__
from tests.mcp_server.tool_table import TOOLS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("tool", TOOLS)
def test_the_page_names_every_tool(tool: str) -> None:
    assert f"`{tool}`" in (ROOT / "docs" / "agents.md").read_text()


def test_the_description_for_registries_has_the_version_and_the_address() -> None:
    described = json.loads((ROOT / "server.json").read_text())
    assert described["version"] == __version__
    assert [(one["type"], one["url"]) for one in described["remotes"]] == [("streamable-http", "https://{host}/mcp")]
