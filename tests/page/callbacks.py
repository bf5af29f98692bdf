"""A program on the device: it registers, waits for the browser to be led back, and takes what it brings."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from tests.api.oauth_flow import challenge_of

VERIFIER = "v" * 43
PATIENCE_SECONDS = 60.0


class Callback:
    """The address at which a program waits."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/callback"
        self.host = f"127.0.0.1:{port}"
        self.led_back: Queue[dict[str, str]] = Queue()

    def brought(self) -> dict[str, str]:
        """What the browser brings."""
        return self.led_back.get(timeout=PATIENCE_SECONDS)


@contextmanager
def waiting() -> Iterator[Callback]:
    """A program that waits on this device."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/callback":
                callback.led_back.put({name: values[0] for name, values in parse_qs(parts.query).items()})
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>Connected</title>")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        callback = Callback(server.server_port)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield callback
        server.shutdown()
        thread.join()


def register(base: str, redirect_uri: str, name: str = "Claude Code") -> str:
    """Register a public client; returns its id."""
    described = {"client_name": name, "redirect_uris": [redirect_uri], "token_endpoint_auth_method": "none"}
    made: str = httpx.post(f"{base}/oauth/register", json=described).raise_for_status().json()["client_id"]
    return made


def authorization(client_id: str, redirect_uri: str, **changes: str) -> str:
    """The address within the server to which the program sends the browser."""
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        "state": "kept",
        "scope": "read write",
    }
    return f"/oauth/authorize?{urlencode(asked | changes)}"
