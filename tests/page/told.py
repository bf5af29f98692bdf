"""A mailbox and a receiver of webhooks on the loopback interface, for a server process that tells them something."""

import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

from tests.outbox.mail_server import text_of
from tests.waiting import wait_for


class Mailbox:
    """A mail server that keeps what it takes."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    def link(self, path: str) -> str:
        """Wait for a mail with a link of this kind, take it and return the newest link."""
        pattern = re.compile(rf"http://\S+{path}\S+")
        wait_for(lambda: any(pattern.search(text_of(mail)) for mail in self.mails), f"a mail has {path}")
        (*_, found) = [match[0] for mail in self.mails if (match := pattern.search(text_of(mail)))]
        self.mails.clear()
        return found


@dataclass
class Receiver:
    """A receiver of webhooks."""

    url: str = ""
    answer: int = 204
    messages: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiving(authority: trustme.CA) -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.messages.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(receiver.answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    receiver.url = f"https://localhost:{server.server_address[1]}/hook"
    yield receiver
    server.shutdown()
    server.server_close()
