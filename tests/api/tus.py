"""A client of resumable uploads that does exactly what it is told, wrong things included."""

import asyncio
import base64
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, select, table

from echoic.compose import Components
from tests.factories import Tenant
from tests.waiting import until

AUDIO = (Path(__file__).parents[2] / "examples" / "jfk.flac").read_bytes()
VERSION = {"Tus-Resumable": "1.0.0"}
BYTES = {"Content-Type": "application/offset+octet-stream"}


def metadata(**pairs: str) -> str:
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in pairs.items())


def creation(size: int | None, pairs: dict[str, str]) -> dict[str, str]:
    """The headers that begin an upload; None for a size that is to follow."""
    length = {"Upload-Defer-Length": "1"} if size is None else {"Upload-Length": str(size)}
    return {**length, "Upload-Metadata": metadata(**{"filename": "jfk.flac"} | pairs)}


class Tus:
    """Uploads of one tenant into its dataset."""

    def __init__(self, client: httpx.AsyncClient, tenant: Tenant) -> None:
        self.client = client
        self.tenant = tenant
        self.path = f"/api/datasets/{tenant.dataset_id}/uploads"

    async def ask(
        self, method: str, path: str, headers: dict[str, str], content: bytes | AsyncIterable[bytes] = b""
    ) -> httpx.Response:
        headers = {**self.tenant.headers, **VERSION, **headers}
        return await self.client.request(method, path, headers=headers, content=content)

    async def create(
        self, size: int | None = len(AUDIO), *, content: bytes | None = None, query: str = "", **pairs: str
    ) -> httpx.Response:
        headers = creation(size, pairs) | (BYTES if content is not None else {})
        return await self.ask("POST", self.path + query, headers, content or b"")

    async def begin(self, size: int | None = len(AUDIO), **pairs: str) -> str:
        """Begin an upload; returns its path."""
        answer = await self.ask("POST", self.path, creation(size, pairs))
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    async def patch(
        self, path: str, offset: int, content: bytes | AsyncIterable[bytes], **headers: str
    ) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask("PATCH", path, {**BYTES, "Upload-Offset": str(offset), **named}, content)

    async def head(self, path: str) -> httpx.Response:
        return await self.ask("HEAD", path, {})

    async def offset(self, path: str) -> int:
        return int((await self.head(path)).headers["Upload-Offset"])


class SlowBody:
    """A PATCH of which a test says when each piece comes, and whether the connection breaks."""

    def __init__(
        self, app: Any, tus: Tus, path: str, offset: int, *, protocol: dict[str, str] | None = None, **headers: str
    ) -> None:
        self._app = app
        self._pieces: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {**tus.tenant.headers, **(protocol or {**VERSION, **BYTES}), "Upload-Offset": str(offset), **named}
        self._scope = {
            "type": "http",
            "method": "PATCH",
            "path": path,
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
            "state": {},
        }
        self._status: int | None = None
        self.reads = 0
        self.task = asyncio.create_task(self._app(self._scope, self._receive, self._send))

    def send(self, content: bytes, *, last: bool = False) -> None:
        self._pieces.put_nowait({"type": "http.request", "body": content, "more_body": not last})

    def break_off(self) -> None:
        self._pieces.put_nowait({"type": "http.disconnect"})

    async def until_taken(self) -> None:
        """Wait until all that was sent is taken, and more is waited for."""

        async def taken() -> bool:
            return self._pieces.empty() and self.reads > 0

        await until(taken, "all that was sent is taken")

    async def status(self) -> int | None:
        """The answer's status, once it is there; None where the connection broke."""
        await self.task
        return self._status

    async def _receive(self) -> dict[str, Any]:
        self.reads += 1
        return await self._pieces.get()

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]


async def stored_sizes(components: Components) -> list[int]:
    """Sizes of all blobs in the store."""
    return sorted([blob.size_bytes async for blob in components.blobs.list_older_than(0)])


async def count(components: Components, name: str) -> int:
    async with components.database.transaction() as session:
        return int(await session.scalar(select(func.count()).select_from(table(name))) or 0)


async def nothing_left(components: Components) -> bool:
    tables = ("uploads", "upload_parts", "items", "blobs", "pipeline_queue", "procrastinate_jobs")
    rows = [await count(components, name) for name in tables]
    return (rows, await stored_sizes(components)) == ([0] * len(tables), [])
