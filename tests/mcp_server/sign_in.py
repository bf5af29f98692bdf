"""Sign in to an MCP server by OAuth with the protocol's client for Python, as a program of its own.

``python -m tests.mcp_server.sign_in URL MODE TOOL ARGUMENTS`` prints the address for the browser, waits for the code, then
prints what a tool answers and the token.
"""

import asyncio
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import cast
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from tests.mcp_server.clients import PATIENCE_SECONDS, Mode


class Kept:
    """What the client keeps."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Callback(HTTPServer):
    """The address at which the program waits."""

    brought: dict[str, str] | None = None

    def wait(self) -> dict[str, str]:
        while self.brought is None:
            self.handle_request()
        return self.brought


class Handler(BaseHTTPRequestHandler):
    """Takes what the browser brings."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/callback":
            found = {name: values[0] for name, values in parse_qs(parts.query).items()}
            cast("Callback", self.server).brought = found
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"Connected")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


async def main(url: str, mode: str, tool: str, arguments: str) -> None:
    with Callback(("127.0.0.1", 0), Handler) as callback:
        kept = Kept()

        async def led_back() -> AuthorizationCodeResult:
            brought = await asyncio.to_thread(callback.wait)
            return AuthorizationCodeResult(**{name: brought.get(name) for name in ("code", "state", "iss")})

        async def lead(address: str) -> None:
            sys.stdout.write(f"{address}\n")
            sys.stdout.flush()

        metadata = OAuthClientMetadata(
            client_name="Python agent",
            redirect_uris=[AnyUrl(f"http://127.0.0.1:{callback.server_port}/callback")],
            token_endpoint_auth_method="none",
        )
        auth = OAuthClientProvider(url, metadata, kept, redirect_handler=lead, callback_handler=led_back)
        async with (
            httpx2.AsyncClient(auth=auth, timeout=PATIENCE_SECONDS, trust_env=False) as http,
            Client(streamable_http_client(url, http_client=http), mode=cast("Mode", mode)) as client,
        ):
            result = await client.call_tool(tool, json.loads(arguments))
    assert kept.tokens is not None
    told = {"result": result.structured_content, "token": kept.tokens.access_token, "scope": kept.tokens.scope}
    sys.stdout.write(f"{json.dumps(told)}\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
