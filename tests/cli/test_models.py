"""``echoic models``: what is here, what can be fetched from a hub, and what is damaged."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.conftest import run

REVISION = "d" * 40
FILES = {"model.bin": b"weights" * 5000, "config.json": b"{}", "tokenizer.json": b'{"a": 1}', "README.md": b"# tiny"}


def etag(name: str) -> str:
    content = FILES[name]
    if name == "model.bin":
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class Hub(BaseHTTPRequestHandler):
    """One repository, as the hub serves it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        name = path.rpartition("/")[2]
        if path.startswith("/api/models/Systran/faster-whisper-tiny/tree/"):
            listed = [
                {"type": "file", "path": file, "size": len(content), "oid": etag(file)}
                | (
                    {"lfs": {"oid": etag(file), "size": len(content), "pointerSize": 134}}
                    if file == "model.bin"
                    else {}
                )
                for file, content in FILES.items()
            ]
            self._answer(200, json.dumps(listed).encode())
        elif path.startswith("/api/models/Systran/faster-whisper-tiny"):
            siblings = [{"rfilename": file} for file in FILES]
            self._answer(200, json.dumps({"id": "x", "sha": REVISION, "siblings": siblings}).encode())
        elif path.startswith("/Systran/faster-whisper-tiny/resolve/") and name in FILES:
            self._answer(200, FILES[name], etag(name))
        else:
            self._answer(404, b"{}")

    do_HEAD = do_GET  # noqa: N815 -- the name that the library calls

    def _answer(self, status: int, content: bytes, tag: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Repo-Commit", REVISION)
        if tag:
            self.send_header("ETag", f'"{tag}"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(10)


def untouched_environment() -> dict[str, str]:
    """The environment without what other tests of this process made the hub's library and Echoic believe."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "ECHOIC_"))}


def pulled(folder: Path, endpoint: str, *names: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``pull`` in a process of its own: the hub's library reads its address when it is imported."""
    return subprocess.run(
        [sys.executable, "-m", "echoic", "models", "pull", *names, "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=folder,
        env=untouched_environment()
        | {
            "HF_ENDPOINT": endpoint,
            "ECHOIC_DATA_DIR": str(folder),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_ETAG_TIMEOUT": "2",
        }
        | environment,
    )


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOIC_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def test_the_list_tells_of_each_model_what_it_is_and_where() -> None:
    listed = {model["name"]: model for model in json.loads(run("models", "list", "--json").stdout)}

    assert listed["campplus"]["license"] == "Apache-2.0"
    assert listed["campplus"]["source"] == "package"
    assert listed["campplus"]["used"]
    assert listed["campplus"]["files"][0]["sha256"].startswith("f3d3b1a1")
    assert listed["large-v3"] | {"source": None, "path": None, "size_bytes": None} == listed["large-v3"]
    assert listed["large-v3"]["hub"] == "Systran/faster-whisper-large-v3"
    assert not listed["base"]["is_ready"], "its parts lie in packages and nobody has joined them"
    (line,) = [line for line in run("models", "list").stdout.splitlines() if line.startswith("segmentation-3.0\t")]
    assert line.split("\t")[1:5] == ["*", "diarization", "MIT", "5.9"]


def test_a_model_is_fetched_from_the_hub_listed_and_verified(tmp_path: Path, hub: str) -> None:
    done = pulled(tmp_path, hub, "tiny")

    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout)
    assert (answer["name"], answer["source"]) == ("tiny", "hub")
    assert (Path(answer["path"]) / "model.bin").read_bytes() == FILES["model.bin"]
    assert not (Path(answer["path"]) / "README.md").exists(), "only what is used is fetched"
    verified = run("models", "verify", "tiny", "--json")
    assert verified.exit_code == 0
    (checked,) = json.loads(verified.stdout)
    assert {file["name"]: file["state"] for file in checked["files"]} == {
        "model.bin": "ok",
        "config.json": "ok",
        "tokenizer.json": "ok",
    }
    (Path(answer["path"]) / "model.bin").resolve().write_bytes(b"something else")
    damaged = run("models", "verify", "tiny")
    assert damaged.exit_code == 1
    assert "tiny\tmodel.bin\tdamaged\t" in damaged.stdout


def test_a_hub_that_cannot_be_reached_and_one_not_allowed_are_told_apart(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"

    unreachable = pulled(tmp_path, nowhere, "tiny", "campplus")
    forbidden = pulled(tmp_path, nowhere, "tiny", ECHOIC_MODEL_DOWNLOADS="false")

    assert (unreachable.returncode, forbidden.returncode) == (1, 1)
    missing, found = json.loads(unreachable.stdout)
    assert (missing["error"], found["source"]) == ("model_missing", "package"), "one failure does not stop the rest"
    assert "could not be fetched from the hub" in unreachable.stderr
    assert "downloads are switched off" in forbidden.stderr


def test_a_model_that_is_not_here_cannot_be_verified_and_one_that_nobody_knows_is_refused() -> None:
    absent, unknown = run("models", "verify", "tiny"), run("models", "pull", "bass")

    assert (absent.exit_code, unknown.exit_code) == (1, 1)
    assert "tiny\t\tnot here" in absent.stdout
    assert "'bass'" in unknown.stderr
    assert "large-v3" in unknown.stderr


def test_a_terminal_sees_how_many_bytes_have_come(tmp_path: Path, hub: str) -> None:
    program = (
        "from echoic.engines.models import find; from echoic.engines.models.catalog import WHISPER\n"
        "from echoic.settings import Settings\n"
        "find.pull(WHISPER['tiny'], Settings(), told=lambda done, total: print(done, total))"
    )
    environment = untouched_environment() | {
        "HF_ENDPOINT": hub,
        "ECHOIC_DATA_DIR": str(tmp_path),
        "HF_HUB_DISABLE_XET": "1",
    }

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment, timeout=120
    )

    size = sum(len(content) for name, content in FILES.items() if name != "README.md")
    assert done.stdout.splitlines()[-1] == f"{size} {size}"
    assert "B/s" not in done.stderr, "the library shows no bar of its own"


def test_the_recommended_models_are_pulled_with_the_reason_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOIC_MODEL_DOWNLOADS", "false")

    done = run("models", "pull", "--recommended")

    assert done.exit_code == 0
    assert "faster-whisper/base: " in done.stderr
    assert "it is on this machine" in done.stderr
    assert done.stdout.startswith("base\tpackage: ")
    assert "ECHOIC_TRANSCRIBER_MODEL=auto" in done.stderr
    monkeypatch.setenv("ECHOIC_TRANSCRIBER_MODEL", "auto")
    used = {model["name"] for model in json.loads(run("models", "list", "--json").stdout) if model["used"]}
    assert "base" in used
    assert "auto" not in used
    assert run("models", "pull", "--recommended", "tiny").exit_code == 2
