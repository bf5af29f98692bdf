"""A client of the IETF's resumable uploads that does exactly what it is told, wrong things included."""

import base64
import hashlib
from collections.abc import AsyncIterable
from typing import Any

import httpx

from tests.api.tus import AUDIO
from tests.factories import Tenant

DISPOSITION = {"Content-Disposition": 'inline; filename="jfk.flac"'}
PIECE = {"Content-Type": "application/partial-upload"}
LATEST = {"Upload-Draft-Interop-Version": "8"}
MORE, LAST = {"Upload-Complete": "?0"}, {"Upload-Complete": "?1"}
PROBLEMS = "https://iana.org/assignments/http-problem-types#"

Content = bytes | AsyncIterable[bytes]


def digest(content: bytes, algorithm: str = "sha-256") -> str:
    """A header of RFC 9530."""
    raw = hashlib.new(algorithm.replace("-", ""), content).digest()
    return f"{algorithm}=:{base64.b64encode(raw).decode()}:"


class Ietf:
    """Uploads of one tenant into its dataset, in the form of this version of the draft."""

    def __init__(self, client: httpx.AsyncClient, tenant: Tenant, version: dict[str, str]) -> None:
        self.client, self.tenant, self.version = client, tenant, version
        self.path = f"/api/datasets/{tenant.dataset_id}/uploads"

    async def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, content: Content = b""
    ) -> httpx.Response:
        sent = {**self.tenant.headers, **self.version, **(headers or {})}
        return await self.client.request(method, path, headers=sent, content=content)

    async def create(
        self, content: Content = b"", *, last: bool = False, query: str = "", **headers: str
    ) -> httpx.Response:
        sent = {**(LAST if last else MORE), **DISPOSITION, **named(headers)}
        return await self.ask("POST", self.path + query, sent, content)

    async def begin(self, length: int | None = len(AUDIO), **headers: str) -> str:
        """Begin an upload without bytes; returns its path."""
        known: dict[str, Any] = {} if length is None else {"Upload-Length": str(length)}
        answer = await self.create(**known | headers)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    async def append(
        self, path: str, offset: int, content: Content, *, last: bool = False, **headers: str
    ) -> httpx.Response:
        sent = {**PIECE, **(LAST if last else MORE), "Upload-Offset": str(offset), **named(headers)}
        return await self.ask("PATCH", path, sent, content)

    async def look(self, path: str, method: str = "HEAD") -> httpx.Response:
        return await self.ask(method, path)


def named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
