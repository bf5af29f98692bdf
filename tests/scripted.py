"""A server that answers as a test says, on the loopback interface."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Scripted:
    """Where the server is, and what was asked of it, as ``METHOD path``."""

    address: str
    asked: list[str] = field(default_factory=list)


Answers = Callable[[str, int], Reply]
"""From what was asked, and how often it was asked before, to the reply."""


@contextlib.contextmanager
def scripted(answers: Answers) -> Iterator[Scripted]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            asked = f"{self.command} {self.path}"
            reply = answers(asked, made.asked.count(asked))
            made.asked.append(asked)
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if "chunked" in self.headers.get("Transfer-Encoding", ""):
                while size := int(self.rfile.readline(), 16):
                    self.rfile.read(size + 2)
                self.rfile.readline()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            """Nothing: what was asked is kept."""

    for method in ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.handle_one)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Scripted(address=f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        server.shutdown()
