"""Headers of requests that routes read on their own, for a route's ``openapi_extra``."""

from typing import Any


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


IF_NONE_MATCH = _header("If-None-Match", "An `ETag` of an earlier answer: 304 where nothing has changed since.")
RANGE = _header("Range", "One range of bytes, as `bytes=0-65535`: 206 with these alone.")
IF_RANGE = _header("If-Range", "An `ETag`: the range counts only where nothing has changed since, else all comes.")

CONDITIONAL: dict[str, Any] = {"parameters": [IF_NONE_MATCH]}
RANGED: dict[str, Any] = {"parameters": [RANGE, IF_RANGE, IF_NONE_MATCH]}
