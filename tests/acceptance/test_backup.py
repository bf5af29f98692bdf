"""A running server is backed up while it takes an upload; another machine restores it and answers as the first did."""

import base64
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from echoic.testing.private_server import PrivateServer
from tests.acceptance.conftest import FAKES, RECORDING
from tests.acceptance.items import item, upload
from tests.waiting import wait_for

pytestmark = pytest.mark.processes

PIECE_BYTES = 20_000


def echoic(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command on an installation of this machine."""
    return subprocess.run(
        [sys.executable, "-m", "echoic", *arguments],
        env={**os.environ, "ECHOIC_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def published(client: httpx.Client, item_id: int) -> None:
    wait_for(lambda: item(client, item_id)["status"] == "published", "the item is published")


def answers(client: httpx.Client, item_id: int) -> list[Any]:
    """What a server says of an item: its fields, its transcript, its sound, what is found in it."""
    fields = client.get(f"/api/items/{item_id}").text.replace(str(client.base_url), "")
    transcript = client.get(f"/api/items/{item_id}/transcript").json()
    word = transcript["segments"][0]["text"].split()[0]
    found = [
        client.post("/api/search", json={"query": word, "search_type": kind}).json()["results"]
        for kind in ("text", "semantic")
    ]
    assert all(found)
    return [
        fields,
        transcript,
        client.get(f"/api/items/{item_id}/audio").content,
        # The best alone: what else is in the library takes places further down.
        [next(hit["segment_id"] for hit in hits if hit["item_id"] == item_id) for hits in found],
        client.get(f"/api/items/{item_id}/entities").json(),
        client.get(f"/api/items/{item_id}/transcript/versions").json(),
    ]


class SlowUpload:
    """An upload of which the second half waits until it is let go on."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._go_on = threading.Event()
        self.half_sent = threading.Event()
        self.answer: httpx.Response | None = None
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _body(self) -> Iterator[bytes]:
        content = RECORDING.read_bytes()
        for start in range(0, len(content), PIECE_BYTES):
            if start > len(content) // 2 and not self.half_sent.is_set():
                self.half_sent.set()
                self._go_on.wait()
            yield content[start : start + PIECE_BYTES]

    def _send(self) -> None:
        created = self._client.post(
            "/api/datasets/1/uploads",
            headers={
                "Tus-Resumable": "1.0.0",
                "Upload-Length": str(RECORDING.stat().st_size),
                "Upload-Metadata": f"filename {base64.b64encode(RECORDING.name.encode()).decode()}",
            },
        ).raise_for_status()
        self.answer = self._client.patch(
            created.headers["Location"],
            headers={
                "Tus-Resumable": "1.0.0",
                "Upload-Offset": "0",
                "Content-Type": "application/offset+octet-stream",
                "Content-Length": str(RECORDING.stat().st_size),
            },
            content=self._body(),
        )

    def end(self) -> None:
        self._go_on.set()
        self._thread.join()


def test_a_restored_installation_answers_as_the_one_that_was_backed_up(used_folder: Path, open_folder: Path) -> None:
    place = str(open_folder / "backups")
    with PrivateServer(used_folder, **FAKES) as server:
        first = upload(server.client, RECORDING)
        published(server.client, first)
        sending = SlowUpload(server.client)
        assert sending.half_sent.wait(30)
        in_flight = upload(server.client, RECORDING.with_name("jfk.flac"))
        made = echoic(used_folder, "backup", place)
        sending.end()
        assert made.returncode == 0, made.stderr
        assert sending.answer is not None
        assert sending.answer.is_success, sending.answer.text
        before = answers(server.client, first)
        refused = echoic(used_folder, "restore", place)
        assert refused.returncode == 1
        assert "Echoic" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
    again = echoic(used_folder, "backup", place, "--keep", "1")
    assert "of which 1 were copied" in again.stdout, (again.stdout, again.stderr)

    target = open_folder / "target"
    restored = echoic(target, "restore", place)
    assert restored.returncode == 0, restored.stderr
    shutil.copy(used_folder / "api-key", target / "api-key")
    with PrivateServer(target, **FAKES) as server:
        assert answers(server.client, first) == before
        published(server.client, in_flight)
        assert upload(server.client, RECORDING) > in_flight
