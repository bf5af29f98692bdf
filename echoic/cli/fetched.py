"""A recording that the server fetches from a URL: asked for by a key, so that asking again brings nothing in twice."""

import time
import uuid
from collections.abc import Mapping

import httpx

from echoic.cli.connection import CommandFailed, Connection, parsed, require_success, seconds_until_retry

FETCH_PATIENCE_SECONDS = 1800.0
"""Longest time in which the server may fetch and check a file."""
LOOK_AGAIN_SECONDS = 2.0
CONFLICT, RUNNING = 409, "idempotency_key_running"


def have_fetched(connection: Connection, url: str, *, dataset_id: int, metadata: Mapping[str, str | int]) -> int:
    """Let the server fetch a URL; returns the item's id. Raises CommandFailed."""
    key = uuid.uuid4().hex
    ends_at = time.monotonic() + FETCH_PATIENCE_SECONDS
    while True:
        try:
            answer = connection.send(
                "POST",
                f"/api/datasets/{dataset_id}/items",
                json={"audio_url": url, **metadata},
                headers={"Idempotency-Key": key},
            )
        except httpx.ReadTimeout as error:
            if time.monotonic() > ends_at:
                raise connection.unreachable(error) from error
            continue
        if not _is_running(answer) or time.monotonic() > ends_at:
            require_success(answer)
            return int(parsed(answer)["item_id"])
        time.sleep(seconds_until_retry(answer, default=LOOK_AGAIN_SECONDS))


def _is_running(answer: httpx.Response) -> bool:
    """Return whether the request that was sent before is still at work."""
    if answer.status_code != CONFLICT:
        return False
    try:
        return parsed(answer).get("code") == RUNNING
    except CommandFailed:
        return False  # it says something else, and is checked
