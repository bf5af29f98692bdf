"""The OpenAPI document against the server: what schemathesis makes of it, every check on, must meet no surprise.

SCHEMA_EXAMPLES (requests made up for each operation and phase) and SCHEMA_SEED change how long and what it asks.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from echoic.testing.private_server import PrivateServer
from tests.acceptance.conftest import QUICK
from tests.api.tus import VERSION, creation, metadata
from tests.folders import passable_folder

pytestmark = [pytest.mark.processes, pytest.mark.timeout(7200)]

EXAMPLES = os.environ.get("SCHEMA_EXAMPLES", "5")
SEED = os.environ.get("SCHEMA_SEED", "1")

MAX_LINE_CHARACTERS = 500

HERE = Path(__file__).parent
RECORDING = HERE.parents[1] / "examples" / "jfk.flac"


def fill(client: httpx.Client) -> dict[str, list[int] | list[str]]:
    """Make some of everything; returns values of parameters, by their place and name."""

    def make(path: str, **body: object) -> Any:
        return client.post(path, json=body).raise_for_status().json()

    slugs = ["my-library", *(make("/api/libraries", slug=f"spare-{n}", name="Spare")["slug"] for n in range(3))]
    datasets = [1, *(make("/api/datasets", name="Spare", library=slug)["id"] for slug in slugs)]
    items = []
    for dataset_id in (1, 1, 1, *datasets):
        files = {"audio": (RECORDING.name, RECORDING.read_bytes())}
        items.append(client.post(f"/api/datasets/{dataset_id}/items", files=files).raise_for_status().json()["item_id"])
    begun = [
        client.post("/api/datasets/1/uploads", headers={**VERSION, **creation(1024, {})}).raise_for_status()
        for _ in range(6)
    ]
    return {
        # Mostly the one that has something in it.
        "path.slug": ["my-library"] * len(slugs) + slugs,
        "path.dataset_id": datasets,
        "path.item_id": items,
        "path.key_id": [make("/api/keys", name="Spare")["id"] for _ in range(4)],
        "path.account_id": [1],
        "path.speaker_id": [make("/api/libraries/my-library/speakers", name=f"Speaker {n}")["id"] for n in range(4)],
        "path.label": ["SPEAKER_00", "SPEAKER_01"],
        "path.upload_id": [answer.headers["Location"].rpartition("/")[2] for answer in begun],
        "query.dataset": datasets,
        "header.Upload-Metadata": [metadata(filename="jfk.flac"), metadata(filename="talk.mp3", title="A talk")],
        "header.Upload-Length": ["1024"],
        "header.Upload-Offset": ["0"],
    }


def bindings(values: dict[str, list[int] | list[str]]) -> str:
    """What the configuration says of them."""
    lines = []
    for number, (parameter, known) in enumerate(values.items()):
        lines += [f"[dictionaries.known{number}]", f"values = {json.dumps(known)}"]
        lines += [f"[parameters.{json.dumps(parameter)}]", f'dictionary = "known{number}"', "probability = 0.8"]
    return "\n".join(lines)


def test_the_server_does_what_its_document_says() -> None:
    with (
        passable_folder() as folder,
        PrivateServer(folder, **{f"ECHOIC_{n.upper()}": str(v) for n, v in QUICK.items()}) as server,
    ):
        client = server.client
        config = folder / "schemathesis.toml"
        client.get("/api/openapi.json").raise_for_status()  # made at its first use, which Schemathesis waits 10 s for
        config.write_text((HERE / "schemathesis.toml").read_text() + bindings(fill(client)))
        asked = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
                *("--checks", "all", "--max-examples", EXAMPLES, "--seed", SEED, "--no-color"),
                *("--generation-database", "none", "--header", f"Authorization: {client.headers['Authorization']}"),
                f"{client.base_url}/api/openapi.json",
            ],
            cwd=HERE.parents[1],
            capture_output=True,
            text=True,
            check=False,
        )
        # Whole requests with recordings in them are of no use to a reader.
        told = "\n".join(line[:MAX_LINE_CHARACTERS] for line in asked.stdout.splitlines())
        print(told)  # noqa: T201 - the summary, with pytest -s
        if asked.returncode != 0:
            pytest.fail(f"{told}\n{asked.stderr}\n{server.log.read_text(encoding='utf-8')[-20_000:]}", pytrace=False)
