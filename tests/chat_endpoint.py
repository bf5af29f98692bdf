"""A stand-in for a language model that speaks OpenAI's protocol, on the loopback interface: it writes as a test says."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "stand-in"


@dataclass(frozen=True, kw_only=True)
class Wrote:
    """What the stand-in answers a request with."""

    pieces: Sequence[str] = ()
    """Of the text, an event each."""
    ends_with: str | None = "stop"
    """None: the stream breaks off."""
    status: int = 200
    body: bytes | None = None
    """Instead of a stream."""
    content_type: str = "text/event-stream"
    goes_on_when: threading.Event | None = None
    """After the first piece."""


@dataclass(kw_only=True)
class StandIn:
    """Where the stand-in is, and what it was sent."""

    url: str
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)
    """Set when a caller went away while it was being answered."""

    @property
    def told(self) -> str:
        """All that it was ever sent."""
        return json.dumps(self.asked, ensure_ascii=False)


Writes = Callable[[dict[str, Any], int], Wrote]
"""From a request and the number of those before it."""


def text(*pieces: str) -> Writes:
    return lambda _body, _before: Wrote(pieces=pieces)


def event(content: str | None, reason: str | None = None) -> bytes:
    delta = {} if content is None else {"content": content}
    data = {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


@contextlib.contextmanager
def chat_endpoint(writes: Writes) -> Iterator[StandIn]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == "/v1/chat/completions"
            wrote = writes(body, len(made.asked))
            made.asked.append(body)
            made.keys.append(self.headers.get("Authorization"))
            self.send_response(wrote.status)
            self.send_header("Content-Type", wrote.content_type)
            self.end_headers()
            try:
                self._write(wrote)
            except OSError:
                made.left.set()

        def _write(self, wrote: Wrote) -> None:
            if wrote.body is not None:
                self.wfile.write(wrote.body)
                return
            for number, piece in enumerate(wrote.pieces):
                self.wfile.write(event(piece))
                if number == 0 and wrote.goes_on_when is not None:
                    while not wrote.goes_on_when.wait(0.02):
                        self.wfile.write(b": waiting\n\n")
            if wrote.ends_with is not None:
                self.wfile.write(
                    event(None, wrote.ends_with) + b'data: {"choices": [], "usage": {}}\n\ndata: [DONE]\n\n'
                )

        def log_message(self, *_: object) -> None:
            """Nothing: what was asked is kept."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = StandIn(url=f"http://127.0.0.1:{server.server_address[1]}/v1")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        server.shutdown()
