"""The OpenAPI document against the server: what schemathesis makes of it, every check on, must meet no surprise.

SCHEMA_EXAMPLES (requests made up for each operation and phase) and SCHEMA_SEED change how long and what it asks.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from echoic.cli.private_server import PrivateServer
from tests.acceptance.conftest import QUICK, passable_folder

pytestmark = [pytest.mark.processes, pytest.mark.timeout(7200)]

EXAMPLES = os.environ.get("SCHEMA_EXAMPLES", "5")
SEED = os.environ.get("SCHEMA_SEED", "1")

HERE = Path(__file__).parent
RECORDING = HERE.parents[1] / "examples" / "jfk.flac"


def test_the_server_does_what_its_document_says() -> None:
    with (
        passable_folder() as folder,
        PrivateServer(folder, **{f"ECHOIC_{n.upper()}": str(v) for n, v in QUICK.items()}) as server,
    ):
        client = server.client
        for _ in range(3):
            files = {"audio": (RECORDING.name, RECORDING.read_bytes())}
            client.post("/api/datasets/1/items", files=files).raise_for_status()
        asked = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run"),
                *("--checks", "all", "--max-examples", EXAMPLES, "--seed", SEED, "--no-color"),
                *("--generation-database", "none", "--header", f"Authorization: {client.headers['Authorization']}"),
                f"{client.base_url}/api/openapi.json",
            ],
            cwd=HERE.parents[1],
            capture_output=True,
            text=True,
            check=False,
        )
        print(asked.stdout)  # noqa: T201 - the summary, with pytest -s
        assert asked.returncode == 0, (
            f"{asked.stdout}\n{asked.stderr}\n{server.log.read_text(encoding='utf-8')[-20_000:]}"
        )
