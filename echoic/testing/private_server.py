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

START_PATIENCE_SECONDS = 180.0
"""A busy machine of two cores took more than 60 s."""
STOP_PATIENCE_SECONDS = 90.0
"""A busy machine of two cores took more than 20 s."""
LOOK_AGAIN_SECONDS = 0.1
ANSWER_PATIENCE_SECONDS = 60.0
IDLE_SECONDS = 2.0
"""So long the client keeps an idle connection; the server ends one after 5 s, perhaps just as it is used again."""
HOST = "127.0.0.1"
FAKE_ENGINES = {f"ECHOIC_{engine}": "fake" for engine in ("TRANSCRIBER", "DIARIZER", "ENTITY_TAGGER", "TEXT_ENCODER")}
"""Settings under which no model is loaded and every engine answers at once."""
PROGRAM = (sys.executable, "-m", "echoic")
WITHOUT_WORKER = ("--no-with-worker",)
"""Options of a server that transcribes nothing: the two processes of a worker take longer to start than the server."""
ELSEWHERE = frozenset({"DATABASE_URL", "ECHOIC_DATABASE_URL", "ECHOIC_STORAGE_URL"})
"""Variables of the caller's environment that name another installation's data."""
OWN_WORDS = "echoic: "
"""The beginning of the line in which a command says why it ends."""


class PrivateServer:
    """``echoic serve`` with its own data folder; ``client`` carries the address and the key.

    The server takes the caller's environment but for where another installation has its data, and starts in ``work_dir``
    (default: the caller's). Without ``ECHOIC_PORT`` it listens on a free port. ``options`` are those of
    ``echoic serve``.

    Raises:
        StartupFailed: the server did not come up; the message is a sentence with the reason, a note holds the log.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        program: Sequence[str] = PROGRAM,
        work_dir: str = "",
        options: Sequence[str] = (),
        **environment: str,
    ) -> None:
        self.data_dir = data_dir
        self.log = data_dir / "log"
        port = int(environment.pop("ECHOIC_PORT", "") or free_port())
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*program, "serve", *options],
                env={
                    **_inherited(),
                    "ECHOIC_DATA_DIR": str(data_dir),
                    "ECHOIC_HOST": HOST,
                    "ECHOIC_PORT": str(port),
                    **environment,
                },
                cwd=work_dir or None,
                stdout=output,
                stderr=output,
            )
        self.client = httpx.Client(
            base_url=f"http://{HOST}:{port}",
            timeout=ANSWER_PATIENCE_SECONDS,
            limits=httpx.Limits(keepalive_expiry=IDLE_SECONDS),
            trust_env=False,
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
        """Stop the server as Ctrl-C does, and wait for it.

        Raises subprocess.TimeoutExpired where it had to be killed.
        """
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired as error:
            self.kill()
            error.add_note(self.log.read_text(encoding="utf-8", errors="replace"))
            raise

    def kill(self) -> None:
        """End the server as kill -9 does."""
        self.client.close()
        self.process.kill()
        self.process.wait()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_PATIENCE_SECONDS
        last_word = f"it was not ready after {START_PATIENCE_SECONDS:.0f} s"
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                answer = self.client.get("/health/ready")
                if answer.is_success:
                    return
                last_word = str(answer.json()["message"])
            time.sleep(LOOK_AGAIN_SECONDS)
        code = self.process.poll()
        self.kill()
        log = self.log.read_text(encoding="utf-8", errors="replace")
        reason = last_word if code is None else _own_words(log) or f"its process ended at once (exit code {code})"
        failed = StartupFailed(f"The server did not start: {reason.rstrip('.')}.")
        failed.add_note(log)
        raise failed


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.upper() not in ELSEWHERE}


def _own_words(log: str) -> str | None:
    """Return the reason for the server's end, from the last line of its log that gives one."""
    said = [line.removeprefix(OWN_WORDS) for line in log.splitlines() if line.startswith(OWN_WORDS)]
    return said[-1] if said else None


def free_port() -> int:
    """Return a port on which nobody listens at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
