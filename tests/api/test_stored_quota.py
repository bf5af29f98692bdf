"""Stored recordings of a plan over the API: what is refused when, whose it is, and what makes room again."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from echoic.compose import Components
from echoic.db.accounts import stored
from echoic.db.accounts.stored import StoredUse
from echoic.units import MB
from tests.api.tus import Tus
from tests.api.uploading import AUDIO, KEY, form, nothing_left, post
from tests.factories import Tenant, World

FIT = MB // len(AUDIO)
"""Recordings of the example that fit into the plan ``one-mb``."""


@pytest.fixture(params=[True, False], ids=["transcribes", "stores"])
def auto_transcribe(request: pytest.FixtureRequest) -> bool:
    chosen: bool = request.param
    return chosen


async def use(components: Components, tenant: Tenant) -> StoredUse:
    async with components.database.transaction() as session:
        return await stored.stored_use(session, tenant.account_id)


async def fill(client: httpx.AsyncClient, tenant: Tenant) -> list[int]:
    """Upload until nothing more fits into one MB; returns the items' ids."""
    answers = [await post(client, tenant, **form()) for _ in range(FIT)]
    assert [answer.status_code for answer in answers] == [200] * FIT
    return [answer.json()["item_id"] for answer in answers]


async def slug_of(client: httpx.AsyncClient, tenant: Tenant) -> str:
    listed = await client.get("/api/libraries", headers=tenant.headers, params={"mine": "true"})
    slug: str = listed.json()["libraries"][0]["slug"]
    return slug


def refusal(answer: httpx.Response) -> str:
    assert (answer.status_code, answer.json()["code"]) == (403, "storage_exhausted"), answer.text
    message: str = answer.json()["message"]
    return message


async def test_what_does_not_fit_is_refused_with_the_figures_and_leaves_nothing(
    client: httpx.AsyncClient, world: World, components: Components, *, auto_transcribe: bool
) -> None:
    tenant = await world.tenant(plan="one-mb", auto_transcribe=auto_transcribe)
    answer = await post(client, tenant, **form(content=AUDIO + bytes(MB)))
    assert refusal(answer).startswith(
        f"With this recording the account would keep {len(AUDIO):,} bytes more than the 1 MB"
    )
    assert await nothing_left(components)
    await fill(client, tenant)
    refusal(await post(client, tenant, **form()))
    assert await use(components, tenant) == StoredUse(size_bytes=FIT * len(AUDIO), recordings=FIT)


async def test_with_no_room_a_body_is_not_even_read(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant(plan="two-items", auto_transcribe=False)
    for _ in range(2):
        assert (await post(client, tenant, **form())).status_code == 200
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield AUDIO

    answer = await post(client, tenant, content=body(), headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert refusal(answer).startswith("The plan 'two-items' keeps 2 recordings, uploads under way included")
    assert read == 0
    refusal(await post(client, tenant, json={"audio_url": "https://x.example/a.mp3"}))


@pytest.mark.parametrize("plan", ["one-mb", "two-items"])
async def test_of_many_at_once_no_more_are_taken_than_fit(
    client: httpx.AsyncClient, world: World, components: Components, plan: str
) -> None:
    tenant = await world.tenant(plan=plan, auto_transcribe=False)
    fit = 2 if plan == "two-items" else FIT
    answers = await asyncio.gather(*(post(client, tenant, **form()) for _ in range(fit + 3)))
    assert sorted(answer.status_code for answer in answers) == [200] * fit + [403] * 3
    assert (await use(components, tenant)).recordings == fit


async def test_forms_and_resumable_uploads_race_for_the_same_room(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(plan="two-items", auto_transcribe=False)
    tus = Tus(client, tenant)
    answers = await asyncio.gather(
        *(post(client, tenant, **form()) for _ in range(3)), *(tus.create() for _ in range(3))
    )
    assert sum(answer.status_code in (200, 201) for answer in answers) == 2
    assert (await use(components, tenant)).recordings == 2


async def test_a_resumable_upload_has_its_room_from_its_creation_to_its_end(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(plan="one-mb", auto_transcribe=False)
    tus = Tus(client, tenant)
    path = await tus.begin(MB)
    refusal(await post(client, tenant, **form()))
    refusal(await tus.create(1))
    await tus.ask("DELETE", path, {})
    path = await tus.begin()
    await fill_beside(client, tenant)
    assert (await tus.patch(path, 0, AUDIO)).headers["Item-Id"]
    assert await use(components, tenant) == StoredUse(size_bytes=FIT * len(AUDIO), recordings=FIT)


async def fill_beside(client: httpx.AsyncClient, tenant: Tenant) -> None:
    for _ in range(FIT - 1):
        assert (await post(client, tenant, **form())).status_code == 200
    refusal(await post(client, tenant, **form()))


async def test_a_length_that_is_to_follow_is_checked_when_it_comes_and_bytes_until_then(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(plan="one-mb", auto_transcribe=False)
    tus = Tus(client, tenant)
    path = await tus.begin(None)
    assert (await tus.patch(path, 0, bytes(MB - len(AUDIO)))).status_code == 204
    refusal(await tus.patch(path, MB - len(AUDIO), bytes(len(AUDIO) + 1)))
    assert await tus.offset(path) == MB - len(AUDIO), "what was taken stays"
    refusal(await tus.patch(path, MB - len(AUDIO), b"x", Upload_Length=str(MB + 1)))
    assert await use(components, tenant) == StoredUse(size_bytes=MB - len(AUDIO), recordings=1)
    assert len([blob async for blob in components.blobs.list_older_than(0)]) == 1


async def test_what_expired_or_was_refused_in_the_end_takes_no_room(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(plan="two-items", auto_transcribe=False)
    tus = Tus(client, tenant)
    path = await tus.begin(4)
    assert (await tus.patch(path, 0, b"text")).status_code == 415
    refused = await post(client, tenant, **form(content=b"no audio"))
    assert refused.status_code == 415
    assert await use(components, tenant) == StoredUse(size_bytes=0, recordings=0)


async def test_an_upload_that_is_sent_again_takes_no_more_room_and_is_not_refused_for_want_of_it(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(plan="two-items", auto_transcribe=False)
    first = await post(client, tenant, headers=dict(KEY), **form())
    await post(client, tenant, **form())
    again = await post(client, tenant, headers=dict(KEY), **form())
    assert (again.status_code, again.json()) == (200, first.json())
    assert (await use(components, tenant)).recordings == 2


@pytest.mark.parametrize("what", ["item", "dataset", "library"])
async def test_deleting_makes_room(client: httpx.AsyncClient, world: World, components: Components, what: str) -> None:
    tenant = await world.tenant(plan="one-mb", auto_transcribe=False)
    item_ids = await fill(client, tenant)
    slug = await slug_of(client, tenant)
    path = {
        "item": f"/api/items/{item_ids[0]}",
        "dataset": f"/api/datasets/{tenant.dataset_id}",
        "library": f"/api/libraries/{slug}",
    }[what]
    deleted = await client.delete(path, headers=tenant.headers, params={"force": "true"} if what == "library" else None)
    assert deleted.status_code == 204, deleted.text
    left = FIT - 1 if what == "item" else 0
    assert await use(components, tenant) == StoredUse(size_bytes=left * len(AUDIO), recordings=left)
    if what == "item":
        assert (await post(client, tenant, **form())).status_code == 200


async def test_the_uploader_s_plan_counts_whoever_owns_the_library(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    owner = await world.tenant("Owner", plan="two-items", auto_transcribe=False)
    guest = await world.tenant("Guest", plan="two-items")
    slug = await slug_of(client, owner)
    member = f"/api/libraries/{slug}/members/{guest.account_id}"
    assert (await client.put(member, headers=owner.headers, json={"role": "editor"})).status_code == 200
    into = f"/api/datasets/{owner.dataset_id}/items"
    for _ in range(2):
        assert (await client.post(into, headers=guest.headers, **form())).status_code == 200
    refusal(await client.post(into, headers=guest.headers, **form()))
    assert (await post(client, owner, **form())).status_code == 200
    assert [(await use(components, who)).recordings for who in (owner, guest)] == [1, 2]


async def test_usage_tells_what_is_kept_and_left(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant(plan="one-mb", auto_transcribe=False)
    await post(client, tenant, **form())
    await Tus(client, tenant).begin(1000)
    body = (await client.get("/api/usage", headers=tenant.headers)).json()["stored"]
    kept = len(AUDIO) + 1000
    assert body == {"size_bytes": kept, "items": 2, "bytes_left": MB - kept, "items_left": None}
