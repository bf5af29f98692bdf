"""A way to the server on which connections break where a test wants them to."""

import re
import socket
import threading
from types import TracebackType
from typing import Self

CHUNK_BYTES = 16_384
PATIENCE_SECONDS = 180.0
OFFSET = re.compile(rb"\r\nupload-offset: (\d+)\r\n", re.IGNORECASE)


class BreakingProxy:
    """Passes TCP on to a port of this machine; each time that clients have sent so many bytes more, it breaks off."""

    def __init__(self, port: int, *break_after_bytes: int) -> None:
        self.target_port = port
        self.sent_bytes = 0
        self.offsets: list[int] = []
        """Where in its file each request began that said so."""
        self.reached = threading.Event()
        """Set where a break is due."""
        self.may_break = threading.Event()
        """Cleared, it makes the connection stand still instead, until it is set."""
        self.may_break.set()
        self._breaks = list(break_after_bytes)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def breaks_left(self) -> int:
        return len(self._breaks)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(PATIENCE_SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with client:
            try:
                server = socket.create_connection(("127.0.0.1", self.target_port))
            except ConnectionRefusedError:
                return
            with server:
                answers = threading.Thread(target=_copy, args=(server, client), daemon=True)
                answers.start()
                self._pass_on(client, server)
                answers.join(PATIENCE_SECONDS)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while data := client.recv(CHUNK_BYTES):
                server.sendall(data)
                self.sent_bytes += len(data)
                self.offsets += map(int, OFFSET.findall(data))
                if self._breaks and self.sent_bytes >= self._breaks[0]:
                    del self._breaks[0]
                    self.reached.set()
                    self.may_break.wait(PATIENCE_SECONDS)
                    break
        except OSError:
            pass  # broken by the other side
        _shut(client)
        _shut(server)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(CHUNK_BYTES):
            sink.sendall(data)
    except OSError:
        pass
    _shut(sink)
    _shut(source)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # shut already
