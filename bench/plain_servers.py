"""What the upload route is measured against, each a process of its own on the server software that Echoic runs on.

    python -m bench.plain_servers raw|framework FOLDER SOCKET_DESCRIPTOR

``raw`` writes the body of any request as it comes to FOLDER/received and syncs it. ``framework`` is FastAPI's own
pattern, an ``UploadFile`` copied to FOLDER/received; with ``?sync=1`` as durable as the other.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
import uvloop
from fastapi import FastAPI, UploadFile

START_PATIENCE_SECONDS = 30.0
FILE_NAME = "received"


class PlainServer:
    """One of the two, running; it ends with the block, and by itself when this process ends."""

    def __init__(self, kind: str, folder: Path, *, python_path: Path | None = None) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = listener.getsockname()
        self.received = folder / FILE_NAME
        # What the framework spools lies on the disk that is measured, not on another one or in memory.
        environment = {**os.environ, "TMPDIR": str(folder)}
        if python_path is not None:
            environment["PYTHONPATH"] = os.pathsep.join([str(python_path), *sys.path])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.plain_servers", kind, str(folder), str(listener.fileno())],
            env=environment,
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
        )
        listener.close()
        self._wait_until_it_listens()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + START_PATIENCE_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                with socket.create_connection(self.address, timeout=1) as probe:
                    probe.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    if probe.recv(1):
                        return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("a server to compare with did not start")


class RawServer:
    """ASGI without a framework: nothing is parsed, hashed or named."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] == "PUT":
            await self._write(receive)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def _write(self, receive: Any) -> None:
        descriptor = os.open(self._path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        more = True
        while more:
            message = await receive()
            # In the event loop: handing each piece to a thread takes longer than writing it to the page cache.
            os.write(descriptor, message["body"])
            more = message["more_body"]
        await asyncio.to_thread(os.fsync, descriptor)
        os.close(descriptor)


def framework_app(path: Path) -> FastAPI:
    app = FastAPI()

    @app.post("/")
    def upload(audio: UploadFile, sync: bool = False) -> str:
        with path.open("wb") as file:
            shutil.copyfileobj(audio.file, file)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        return "ok"

    return app


async def _serve(kind: str, folder: Path, listener: socket.socket) -> None:
    path = folder / FILE_NAME
    app: Any = RawServer(path) if kind == "raw" else framework_app(path)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    parent_is_gone = asyncio.create_task(asyncio.to_thread(sys.stdin.buffer.read))
    await asyncio.wait({serving, parent_is_gone}, return_when=asyncio.FIRST_COMPLETED)
    os._exit(0)


def main() -> None:
    kind, folder, descriptor = sys.argv[1:]
    uvloop.run(_serve(kind, Path(folder), socket.socket(fileno=int(descriptor))))


if __name__ == "__main__":
    main()
