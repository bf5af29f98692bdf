"""A whole installation of its own, as a child process on a free port: for the demo, benchmarks and tests."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from echoic.errors import StartupFailed

START_PATIENCE_SECONDS = 60.0
STOP_PATIENCE_SECONDS = 20.0
LOOK_AGAIN_SECONDS = 0.1
ANSWER_PATIENCE_SECONDS = 60.0
PROGRAM = (sys.executable, "-m", "echoic")


class PrivateServer:
    """``echoic serve`` with its own data folder; ``client`` carries the address and the key.

    Raises:
        StartupFailed: the server did not come up; the message ends with its log.
    """

    def __init__(self, data_dir: Path, *, program: Sequence[str] = PROGRAM, **environment: str) -> None:
        self.data_dir = data_dir
        self.log = data_dir / "log"
        port = _free_port()
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*program, "serve"],
                env={**os.environ, "ECHOIC_DATA_DIR": str(data_dir), "ECHOIC_PORT": str(port), **environment},
                stdout=output,
                stderr=output,
            )
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=ANSWER_PATIENCE_SECONDS, trust_env=False
        )
        self._wait_until_ready()
        key = (data_dir / "api-key").read_text(encoding="utf-8").strip()
        self.client.headers["Authorization"] = f"Bearer {key}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the server as Ctrl-C does, and wait for it."""
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(STOP_PATIENCE_SECONDS)

    def kill(self) -> None:
        """End the server as kill -9 does."""
        self.client.close()
        self.process.kill()
        self.process.wait()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_PATIENCE_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if self.client.get("/health/ready").is_success:
                    return
            time.sleep(LOOK_AGAIN_SECONDS)
        self.kill()
        raise StartupFailed(f"The server did not start:\n{self.log.read_text(encoding='utf-8')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
