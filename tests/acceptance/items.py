"""Items of a whole server: how one is uploaded and looked at."""

from pathlib import Path
from typing import Any

import httpx


def upload(client: httpx.Client, path: Path) -> int:
    answer = client.post("/api/datasets/1/items", files={"audio": (path.name, path.read_bytes())})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["item_id"])


def item(client: httpx.Client, item_id: int) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/items/{item_id}").raise_for_status().json()
    return found
