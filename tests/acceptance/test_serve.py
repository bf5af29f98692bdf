"""``echoic serve`` as its users run it: first start, the whole way, Ctrl-C, kill -9 and the start after."""

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from echoic.testing.private_server import WITHOUT_WORKER, PrivateServer
from tests.acceptance.conftest import FAKES, RECORDING
from tests.acceptance.items import item, upload
from tests.waiting import wait_for

pytestmark = pytest.mark.processes

EXAMPLE = RECORDING.with_name("jfk.flac")
STOP_SECONDS = 60.0
"""Generous for a busy machine; work and streams of events go on for longer where they are not ended."""


def serve_in_vain(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Start a server that cannot start, and wait for its end."""
    return subprocess.run(
        [sys.executable, "-m", "echoic", "serve"],
        env={**os.environ, "ECHOIC_DATA_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def wait_until_published(client: httpx.Client, item_id: int) -> None:
    wait_for(lambda: item(client, item_id)["status"] == "published", "the item is published")


@pytest.mark.models
def test_a_recording_goes_in_and_a_searchable_transcript_comes_out(used_folder: Path) -> None:
    with PrivateServer(used_folder) as server:
        client = server.client
        item_id = upload(client, EXAMPLE)
        wait_until_published(client, item_id)
        transcript = client.get(f"/api/items/{item_id}/transcript").raise_for_status().json()
        words = " ".join(segment["text"] for segment in transcript["segments"]).lower()
        assert "ask not what your country can do for you" in words
        assert item(client, item_id)["duration_seconds"] == pytest.approx(11.0)
        for form, beginning in (("srt", "1\n00:00:0"), ("vtt", "WEBVTT"), ("txt", "SPEAKER_00: And so")):
            text = client.get(f"/api/items/{item_id}/transcript", params={"format": form}).raise_for_status().text
            assert text.startswith(beginning)
        for search_type, query in (("text", "country"), ("semantic", "duty to the nation"), ("hybrid", "americans")):
            hits = client.post("/api/search", json={"query": query, "search_type": search_type}).json()["results"]
            assert [hit["item_id"] for hit in hits][:1] == [item_id]
        assert 'echoic_stage_runs_total{stage="transcribe"} 1.0' in client.get("/metrics").text


def test_the_first_start_makes_a_key_that_only_its_owner_can_read_and_later_starts_keep_it(open_folder: Path) -> None:
    with PrivateServer(open_folder, options=WITHOUT_WORKER, **FAKES) as server:
        key_file = open_folder / "api-key"
        key = key_file.read_text(encoding="utf-8").strip()
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        assert server.log.read_text(encoding="utf-8").count(str(key_file)) == 1
    with PrivateServer(open_folder, options=WITHOUT_WORKER, **FAKES) as server:
        assert server.client.get("/api/datasets/1/items").json()["total"] == 0
        told = server.log.read_text(encoding="utf-8")
        assert (told.count(key), told.count(str(key_file))) == (0, 1), "a log is no place for a key"


def test_ctrl_c_in_the_middle_of_work_stops_everything_soon(used_folder: Path) -> None:
    with PrivateServer(used_folder, **FAKES) as server:
        upload(server.client, RECORDING)
        tree = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
        with server.client.stream("GET", "/api/items/1/events"):
            server.process.send_signal(signal.SIGINT)
            assert server.process.wait(STOP_SECONDS) == 0
    _, alive = psutil.wait_procs(tree, timeout=STOP_SECONDS)
    assert alive == []


def test_kill_9_of_the_server_stops_nothing_from_starting_again_and_loses_nothing(used_folder: Path) -> None:
    with PrivateServer(used_folder, **FAKES) as server:
        accepted = [upload(server.client, RECORDING) for _ in range(3)]
        wait_for(lambda: item(server.client, accepted[0])["status"] != "queued", "work has begun")
        server.kill()
    with PrivateServer(used_folder, **FAKES) as server:
        for item_id in accepted:
            wait_until_published(server.client, item_id)
        events = [server.client.get(f"/api/items/{item_id}/events").text.count('"done"') for item_id in accepted]
        assert len(set(events)) == 1, "each stage of each item was done once"


def test_a_worker_that_is_killed_is_started_again(used_folder: Path) -> None:
    with PrivateServer(used_folder, **FAKES) as server:

        def worker() -> psutil.Process | None:
            children = psutil.Process(server.process.pid).children()
            return next((child for child in children if "worker" in child.cmdline()), None)

        wait_for(lambda: worker() is not None, "there is a worker")
        first = worker()
        assert first is not None
        first.kill()
        wait_until_published(server.client, upload(server.client, EXAMPLE))
        second = worker()
        assert second is not None
        assert second.pid != first.pid


def test_the_log_says_at_start_what_was_opened_to_audio_urls_and_which_proxy_they_take(used_folder: Path) -> None:
    opened = {
        "ECHOIC_FETCH_ALLOWED_NETWORKS": "192.168.1.0/24, nas.lan",
        "ECHOIC_FETCH_PROXY_URL": "http://echoic:hidden-word@127.0.0.1:1",
    }
    with PrivateServer(used_folder, options=WITHOUT_WORKER, **FAKES, **opened) as server:
        answer = server.client.post("/api/datasets/1/items", json={"audio_url": "https://1.1.1.1/a.mp3"})
        kept = server.client.get("/api/datasets/1/items").json()["total"]
    log = server.log.read_text(encoding="utf-8")
    [said] = [line for line in log.splitlines() if "internal_addresses_opened_to_audio_urls" in line]
    assert "192.168.1.0/24, nas.lan" in said
    [said] = [line for line in log.splitlines() if "audio_urls_fetched_through_proxy" in line]
    assert "http://127.0.0.1:1" in said
    assert "hidden-word" not in log
    assert (answer.status_code, answer.json()["code"], kept) == (503, "fetch_proxy_unavailable", 0)
    assert int(answer.headers["Retry-After"]) > 0


def test_a_port_that_is_taken_is_named_with_what_to_do(open_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = serve_in_vain(open_folder, ECHOIC_PORT=str(port))
    assert ended.returncode == 1
    assert f"port {port}" in ended.stderr
    assert "ECHOIC_PORT" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_plans_file_that_is_wrong_stops_the_start_with_what_is_allowed(open_folder: Path) -> None:
    plans = open_folder / "plans.toml"
    plans.write_text("[pro]\nmonthly_minutes = 'many'\n", encoding="utf-8")
    ended = serve_in_vain(open_folder, ECHOIC_PLANS_FILE=str(plans))
    assert ended.returncode == 1
    assert f"plans file {plans}: [pro] monthly_minutes = 'many'" in ended.stderr
    assert "whole numbers from 0" in ended.stderr
    assert "Traceback" not in ended.stderr
