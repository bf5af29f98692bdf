"""What becomes of requests about a library or a dataset that is deleted while they are under way."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from echoic.db.catalog.datasets import delete_library
from tests.factories import World
from tests.waiting import until

NEW = {"name": "New"}
REQUESTS: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "a new dataset": ("POST", "/api/datasets", {**NEW, "library": "{slug}"}),
    "a new dataset in one's own library": ("POST", "/api/datasets", NEW),
    "a change of the library": ("PATCH", "/api/libraries/{slug}", NEW),
    "a deletion of the library": ("DELETE", "/api/libraries/{slug}?force=true", None),
    "a subscription": ("POST", "/api/libraries/{slug}/subscribe", None),
    "the end of a subscription": ("DELETE", "/api/libraries/{slug}/subscribe", None),
    "a new member": ("PUT", "/api/libraries/{slug}/members/{guest}", {"role": "editor"}),
    "the end of a membership": ("DELETE", "/api/libraries/{slug}/members/{guest}", None),
    "a deletion of the dataset": ("DELETE", "/api/datasets/{dataset}", None),
    "a change of the dataset": ("PATCH", "/api/datasets/{dataset}", NEW),
}


async def is_waited(world: World) -> bool:
    """Whether somebody waits for a row that another has locked."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with world.database.transaction() as session:
        return bool(await session.scalar(text(waiting)))


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_request_about_what_is_deleted_meanwhile_is_answered_as_if_it_came_later(
    client: httpx.AsyncClient, world: World, name: str
) -> None:
    owner, guest = await world.tenant(), await world.tenant()
    slug = (await client.get(f"/api/datasets/{owner.dataset_id}", headers=owner.headers)).json()["library"]
    method, path, body = REQUESTS[name]
    path = path.format(slug=slug, dataset=owner.dataset_id, guest=guest.account_id)
    json = None if body is None else {key: value.format(slug=slug) for key, value in body.items()}
    async with world.database.transaction() as session:
        await delete_library(session, owner.library_id)
        asking = asyncio.create_task(client.request(method, path, headers=owner.headers, json=json))
        await until(lambda: is_waited(world), "the request waits for the deletion")
    answer = await asking
    code = "dataset_not_found" if "dataset}" in REQUESTS[name][1] else "library_not_found"
    assert (answer.status_code, answer.json()["code"]) == (404, code)


async def test_two_changes_of_a_dataset_at_once_cannot_contradict_each_other(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    path = f"/api/datasets/{tenant.dataset_id}"
    answers = await asyncio.gather(
        *(
            client.patch(path, headers=tenant.headers, json=change)
            for change in ({"min_speakers": 5}, {"max_speakers": 2})
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 400]
