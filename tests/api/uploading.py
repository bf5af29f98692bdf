"""Uploads by form: a recording to send, how it is sent, and whether anything was left of it."""

from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from echoic.compose import Components
from tests.factories import Tenant

EXAMPLE = Path(__file__).parents[2] / "examples" / "jfk.flac"
AUDIO = EXAMPLE.read_bytes()
KEY = {"Idempotency-Key": "nightly import, file 17"}
"""Headers of an upload that may be sent again."""


def form(name: str = "jfk.flac", content: bytes = AUDIO, **fields: str) -> dict[str, Any]:
    return {"files": {"audio": (name, content)}, "data": fields}


async def post(client: httpx.AsyncClient, tenant: Tenant, **request: Any) -> httpx.Response:
    request.setdefault("headers", {}).update(tenant.headers)
    return await client.post(f"/api/datasets/{tenant.dataset_id}/items", **request)


async def nothing_left(components: Components) -> bool:
    """Neither rows nor jobs nor bytes, staged ones included."""
    async with components.database.transaction() as session:
        rows = await session.scalar(
            text(
                "SELECT (SELECT count(*) FROM items) + (SELECT count(*) FROM blobs) + "
                "(SELECT count(*) FROM pipeline_queue) + (SELECT count(*) FROM procrastinate_jobs)"
            )
        )
    stored = [blob.key async for blob in components.blobs.list_older_than(0)]
    staged = await components.blobs.sweep_staging(0)
    return (rows, stored, staged) == (0, [], 0)


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    assert body["error"]
    assert body["message"]
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert answer.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)
