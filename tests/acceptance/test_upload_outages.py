"""What a real server says, and keeps, when the disk fills, the database dies, or it is killed itself, amid an upload."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.kill_uploads import UPLOAD_PATH, sweep_and_count
from bench.sender import wav_head
from echoic.postgres.folders import Folders
from echoic.postgres.pidfile import running_server
from echoic.settings import Settings
from echoic.storage.local import STAGING_FOLDER
from echoic.testing.private_server import WITHOUT_WORKER, PrivateServer
from echoic.units import MB
from tests.acceptance.conftest import FAKES, RECORDING, REPOSITORY
from tests.folders import copied
from tests.waiting import wait_for

pytestmark = pytest.mark.processes

DISK_BYTES = 8 * MB
AUDIO = RECORDING.with_name("jfk.flac").read_bytes()
HELD_SERVER = (sys.executable, "-m", "tests.acceptance.held_server")


class Site:
    """A server on a small disk of its own, which can be started again."""

    def __init__(self, folder: Path, why_no_disk: str | None) -> None:
        self.folder = folder
        self.why_no_disk = why_no_disk
        self.settings = Settings(_env_file=None, data_dir=folder)
        self.start()
        self.server.client.patch("/api/datasets/1", json={"auto_transcribe": False}).raise_for_status()

    def start(self) -> None:
        paths = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
        environment = {**FAKES, "HOLD_FOLDER": str(self.folder), "PYTHONPATH": paths}
        self.server = PrivateServer(self.folder, program=HELD_SERVER, options=WITHOUT_WORKER, **environment)

    def post(self, **request: Any) -> httpx.Response:
        return self.server.client.post(UPLOAD_PATH, **request)

    def items(self) -> list[int]:
        found = self.server.client.get(UPLOAD_PATH, params={"limit": 100}).raise_for_status().json()
        return [item["id"] for item in found["items"]]

    def assert_whole(self, item_id: int) -> None:
        assert self.server.client.get(f"/api/items/{item_id}/audio").raise_for_status().content == AUDIO

    def staged(self) -> list[Path]:
        return list((self.settings.blobs_dir / STAGING_FOLDER).iterdir())

    def files(self) -> set[Path]:
        """Of all recordings, those on their way in included."""
        return {path for path in self.settings.blobs_dir.rglob("*") if path.is_file()}

    def kill_database(self) -> None:
        found = running_server(Folders.of(self.settings).cluster)
        if found is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(found.pid, signal.SIGKILL)


def form(content: bytes = AUDIO, name: str = "talk.flac") -> dict[str, Any]:
    return {"files": {"audio": (name, content)}}


def mount(folder: Path) -> str | None:
    """Put a disk of ``DISK_BYTES`` there; or why not."""
    program = shutil.which("mount")
    if program is None or os.geteuid() != 0:
        return "mounting takes root and the program 'mount'"
    options = ["-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    done = subprocess.run([program, *options], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"no disk can be mounted here: {done.stderr.strip()}"


@pytest.fixture(scope="module")
def site(first_start: Path) -> Iterator[Site]:
    with copied(first_start) as folder:
        blobs = folder / "blobs"
        shutil.rmtree(blobs)
        blobs.mkdir()
        why_no_disk = mount(blobs)
        try:
            site = Site(folder, why_no_disk)
            try:
                yield site
            finally:
                site.server.stop()
        finally:
            if why_no_disk is None:
                subprocess.run(["umount", str(blobs)], check=True)  # noqa: S607 - where PATH says


def test_a_disk_that_is_full_amid_an_upload_keeps_nothing_of_it_and_takes_what_fits(site: Site) -> None:
    if site.why_no_disk is not None:
        pytest.skip(site.why_no_disk)
    items, files = site.items(), site.files()
    answer = site.post(**form(wav_head(2 * DISK_BYTES) + bytes(2 * DISK_BYTES), "long.wav"))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), answer.text
    assert answer.json()["message"] == "The storage is full."
    assert int(answer.headers["Retry-After"]) > 0
    assert (site.items(), site.files()) == (items, files)
    accepted = site.post(**form())
    assert accepted.status_code == 200, accepted.text
    site.assert_whole(accepted.json()["item_id"])


def test_a_database_that_is_killed_amid_an_upload_is_said_and_its_return_is_enough(site: Site) -> None:
    items = site.items()
    whole = httpx.Request("POST", "http://echoic.test", **form())
    body = whole.read()
    answered = threading.Event()

    def keep_killing() -> None:
        while not answered.wait(0.01):
            site.kill_database()

    def interrupted() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        wait_for(lambda: bool(site.staged()), "the upload is under way")
        site.kill_database()
        killing.start()
        yield body[len(body) // 2 :]

    killing = threading.Thread(target=keep_killing)
    try:
        headers = {name: whole.headers[name] for name in ("Content-Type", "Content-Length")}
        answer = site.post(content=interrupted(), headers=headers)
    finally:
        answered.set()
        killing.join()
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), answer.text
    assert int(answer.headers["Retry-After"]) > 0
    wait_for(lambda: site.server.client.get("/health/ready").is_success, "the database is back")
    _, left = asyncio.run(sweep_and_count(site.folder))
    assert (site.items(), left) == (items, 0)
    accepted = site.post(**form())
    assert accepted.status_code == 200, accepted.text
    site.assert_whole(accepted.json()["item_id"])


def test_a_server_that_is_killed_between_commit_and_answer_gives_the_answer_when_it_is_asked_again(site: Site) -> None:
    items = site.items()
    headers = {"Idempotency-Key": "between commit and answer"}
    hold = site.folder / "hold"
    hold.touch()
    with ThreadPoolExecutor(1) as thread:
        unanswered = thread.submit(site.post, **form(), headers=headers)
        wait_for((site.folder / "held").exists, "the upload is committed")
        site.server.process.kill()
        with pytest.raises(httpx.TransportError):
            unanswered.result()
    site.server.kill()
    hold.unlink()
    site.start()
    answer = site.post(**form(), headers=headers)
    assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (200, "true")
    [item_id] = set(site.items()) - set(items)
    assert answer.json()["item_id"] == item_id
    site.assert_whole(item_id)
    _, left = asyncio.run(sweep_and_count(site.folder))
    assert left == 0
