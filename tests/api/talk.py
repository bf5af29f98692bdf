"""A recorded talk whose transcript is read, corrected and searched over the API."""

from typing import Any

import httpx

from tests.factories import Tenant, World, talk


class Talk:
    """An item of a tenant and what can be asked of its transcript."""

    def __init__(self, client: httpx.AsyncClient, tenant: Tenant, item_id: int) -> None:
        self.client, self.tenant, self.item_id = client, tenant, item_id
        self.path = f"/api/items/{item_id}/transcript"

    async def change(self, *segments: dict[str, Any], **more: Any) -> httpx.Response:
        body = {"segments": list(segments)} | more
        return await self.client.patch(f"{self.path}/segments", headers=self.tenant.headers, json=body)

    async def change_one(self, position: int, **fields: Any) -> httpx.Response:
        return await self.client.patch(f"{self.path}/segments/{position}", headers=self.tenant.headers, json=fields)

    async def post(self, path: str, **fields: Any) -> httpx.Response:
        return await self.client.post(f"{self.path}/{path}", headers=self.tenant.headers, json=fields)

    async def read(self, query: str = "") -> dict[str, Any]:
        answer = await self.client.get(f"{self.path}{query}", headers=self.tenant.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def texts(self, query: str = "") -> list[str]:
        return [part["text"] for part in (await self.read(query))["segments"]]

    async def versions(self, path: str = "") -> dict[str, Any]:
        answer = await self.client.get(f"{self.path}/versions{path}", headers=self.tenant.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def found(self, query: str, search_type: str = "text") -> list[str]:
        body = {"query": query, "search_type": search_type}
        answer = await self.client.post("/api/search", headers=self.tenant.headers, json=body)
        return [hit["text"] for hit in answer.json()["results"]]


async def talk_of(client: httpx.AsyncClient, world: World, *texts: str, speaker: str | None = "SPEAKER_00") -> Talk:
    tenant = await world.tenant("Anna")
    return Talk(client, tenant, await world.item(tenant.dataset_id, talk(*texts, speaker=speaker)))
