"""Uploads from a plain socket, so that the client costs the machine next to nothing: the kernel sends the file."""

import json
import os
import re
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

BOUNDARY = b"----bench-7f3a9c1e5d"
RATE = 48_000
ANSWER_PATIENCE_SECONDS = 300.0

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes

    def item_id(self) -> int:
        if self.status != 200:
            raise SystemExit(f"an upload was answered with {self.status}: {self.body.decode(errors='replace')}")
        return int(json.loads(self.body)["item_id"])


def wav_head(samples_bytes: int) -> bytes:
    """The head of a WAV file, 48 kHz stereo of 16 bits."""
    head = b"RIFF" + struct.pack("<I", samples_bytes + 36) + b"WAVEfmt "
    return head + struct.pack("<IHHIIHH", 16, 1, 2, RATE, RATE * 4, 4, 16) + b"data" + struct.pack("<I", samples_bytes)


def form_head(file_name: str, title: str = "A bench") -> bytes:
    return (
        b'--%b\r\nContent-Disposition: form-data; name="title"\r\n\r\n%b\r\n'
        b'--%b\r\nContent-Disposition: form-data; name="audio"; filename="%b"\r\n'
        b"Content-Type: audio/wav\r\n\r\n" % (BOUNDARY, title.encode(), BOUNDARY, file_name.encode())
    )


FORM_TAIL = b"\r\n--%b--\r\n" % BOUNDARY


def request_head(method: str, path: str, length: int, key: str | None = None, *, form: bool = True) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {length}", "Connection: close"]
    if form:
        lines.append(f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}")
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    return "\r\n".join([*lines, "", ""]).encode()


def put_raw(address: Address, file: Path) -> Answer:
    """The file as the body of a PUT."""
    return _send(address, request_head("PUT", "/", file.stat().st_size, form=False), file, b"")


def post_form(address: Address, path: str, file: Path, key: str | None = None) -> Answer:
    """The file in a form."""
    head = form_head(file.name)
    length = len(head) + file.stat().st_size + len(FORM_TAIL)
    return _send(address, request_head("POST", path, length, key) + head, file, FORM_TAIL)


def read_answer(connection: socket.socket) -> Answer:
    """The answer, to the end of the connection. Raises ConnectionError where it does not come whole."""
    received = bytearray()
    while piece := connection.recv(65536):
        received += piece
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *([0-9]+)", head, re.IGNORECASE)
    if length is None or len(body) != int(length[1]):
        raise ConnectionError("the connection ended before the answer did")
    return Answer(int(head.split(b" ", 2)[1]), body)


def _send(address: Address, head: bytes, file: Path, tail: bytes) -> Answer:
    with socket.create_connection(address, timeout=ANSWER_PATIENCE_SECONDS) as connection, file.open("rb") as source:
        connection.sendall(head)
        size = os.fstat(source.fileno()).st_size
        if connection.sendfile(source, 0, size) != size:
            raise SystemExit("the file was not sent whole")
        connection.sendall(tail)
        return read_answer(connection)
