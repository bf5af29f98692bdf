"""Uploads that are sent again with the same Idempotency-Key: answered once more, taken in once."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.compose import Components
from echoic.errors import DatabaseUnavailable
from echoic.intake.idempotency import HeldKey, hold_key
from echoic.intake.sweep import sweep
from tests.api.monthly_minutes import AUDIO_SECONDS, LIMIT_SECONDS, refusal, use
from tests.api.uploading import KEY
from tests.factories import Tenant, World
from tests.waiting import until

AUDIO = (Path(__file__).parents[2] / "examples" / "jfk.flac").read_bytes()
HEAD_OF_FORM = {**KEY, "Content-Type": "multipart/form-data; boundary=b"}


class Unread:
    """A body that notes whether it was read."""

    was_read = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.was_read = True
        yield b"x"


def form(name: str = "jfk.flac", content: bytes = AUDIO, **fields: str) -> dict[str, Any]:
    return {"files": {"audio": (name, content)}, "data": fields}


async def post(client: httpx.AsyncClient, tenant: Tenant, headers: dict[str, str] = KEY, **request: Any) -> Any:
    return await client.post(
        f"/api/datasets/{tenant.dataset_id}/items", headers={**tenant.headers, **headers}, **request
    )


def replayed(answer: httpx.Response) -> bool:
    return "true" in answer.headers.get_list("Idempotent-Replayed")


async def counted(components: Components) -> tuple[int, int, int]:
    """Items, stored blobs and keys; nothing is staged."""
    assert await components.blobs.sweep_staging(0) == 0
    async with components.database.transaction() as session:
        item_count = await session.scalar(text("SELECT count(*) FROM items"))
        key_count = await session.scalar(text("SELECT count(*) FROM idempotency_keys"))
    return item_count or 0, len([blob async for blob in components.blobs.list_older_than(0)]), key_count or 0


async def expire(components: Components) -> None:
    """Let the time pass in which keys are valid."""
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE idempotency_keys SET valid_until = now() - interval '1 second'"))


async def post_interrupted(
    client: httpx.AsyncClient, tenant: Tenant, meanwhile: Callable[[], Awaitable[None]]
) -> httpx.Response:
    """Send an upload, and do something when half of it has arrived."""
    whole = httpx.Request("POST", "http://echoic.test", **form())
    body = whole.read()

    async def halves() -> AsyncIterator[bytes]:
        yield body[: len(body) // 2]
        await meanwhile()
        yield body[len(body) // 2 :]

    headers = {**KEY, "Content-Type": whole.headers["content-type"]}
    answer: httpx.Response = await post(client, tenant, headers, content=halves())
    return answer


async def test_a_repeat_gets_the_first_answer_and_stores_nothing(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    first = await post(client, tenant, **form(title="Talk", description="x"))
    again = await post(client, tenant, **form(title=" Talk ", description="x"))
    assert (first.status_code, replayed(first)) == (200, False)
    assert (again.status_code, again.content, replayed(again)) == (200, first.content, True)
    assert await counted(components) == (1, 1, 1)


async def test_the_first_answer_stays_when_the_item_is_gone(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    first = await post(client, tenant, **form())
    await client.delete(f"/api/items/{first.json()['item_id']}", headers=tenant.headers)
    assert (await post(client, tenant, **form())).content == first.content


def silence() -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format="flac") as output:
        stream = output.add_stream("flac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), dtype=np.int16), format="s16", layout="mono")
        frame.sample_rate = 16_000
        output.mux([*stream.encode(frame), *stream.encode(None)])
    return target.getvalue()


@pytest.mark.parametrize(
    "request_again",
    [
        form(title="Another"),
        form(title="Talk", description="More"),
        form(title="Talk", num_speakers="2"),
        form("other.flac", title="Talk"),
        form(content=silence(), title="Talk"),
        {**form(title="Talk"), "params": {"on_duplicate": "reject"}},
        {"json": {"audio_url": "https://x.example/jfk.flac", "title": "Talk"}},
    ],
    ids=["title", "description", "number of speakers", "file name", "bytes", "query", "kind of body"],
)
async def test_the_same_key_for_another_request_is_refused(
    client: httpx.AsyncClient, world: World, components: Components, request_again: dict[str, Any]
) -> None:
    tenant = await world.tenant()
    first = await post(client, tenant, **form(title="Talk"))
    answer = await post(client, tenant, **request_again)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert await counted(components) == (1, 1, 1)
    assert (await post(client, tenant, **form(title="Talk"))).content == first.content


async def test_the_same_key_for_another_dataset_is_refused_before_the_body(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    await post(client, tenant, **form())
    made = await client.post("/api/datasets", headers=tenant.headers, json={"name": "Second", "library": "library-1"})
    second = replace(tenant, dataset_id=made.json()["id"])
    unread = Unread()
    answer = await post(client, second, HEAD_OF_FORM, content=unread)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert not unread.was_read


async def test_keys_belong_to_the_account(client: httpx.AsyncClient, world: World, components: Components) -> None:
    one, other = await world.tenant(), await world.tenant("Other")
    assert not replayed(await post(client, one, **form()))
    assert not replayed(await post(client, other, **form()))
    assert await counted(components) == (2, 2, 2)


async def test_while_the_first_is_under_way_a_repeat_is_told_to_wait_before_its_body_is_read(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()

    async def repeat() -> None:
        unread = Unread()
        answer = await post(client, tenant, HEAD_OF_FORM, content=unread)
        assert not unread.was_read
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_running")
        assert int(answer.headers["Retry-After"]) > 0

    first = await post_interrupted(client, tenant, repeat)
    assert first.status_code == 200
    assert (await post(client, tenant, **form())).content == first.content
    assert await counted(components) == (1, 1, 1)


async def test_of_many_at_once_one_is_taken_in(client: httpx.AsyncClient, world: World, components: Components) -> None:
    tenant = await world.tenant()
    answers = await asyncio.gather(*(post(client, tenant, **form()) for _ in range(6)))
    assert sum(answer.status_code == 200 and not replayed(answer) for answer in answers) == 1
    others = {
        answer.json().get("code", "replayed") for answer in answers if answer.status_code != 200 or replayed(answer)
    }
    assert others <= {"idempotency_key_running", "replayed"}
    assert await counted(components) == (1, 1, 1)


async def test_a_refused_upload_gives_its_key_back(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    for refused in (form("a.exe"), form(content=b"Four score and seven years ago"), form(sha256="0" * 64)):
        assert (await post(client, tenant, **refused)).status_code in (400, 415)
        assert await counted(components) == (0, 0, 0)
    assert (await post(client, tenant, **form())).status_code == 200


async def test_the_key_of_a_server_that_was_killed_is_free_again_when_its_lease_has_ended(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    async with components.database.transaction() as session:
        asked = f"POST /api/datasets/{tenant.dataset_id}/items?on_duplicate=allow multipart/form-data"
        await hold_key(
            session, components.database, account_id=tenant.account_id, key=KEY["Idempotency-Key"], request=asked
        )
    assert (await post(client, tenant, **form())).json()["code"] == "idempotency_key_running"
    await expire(components)
    assert (await post(client, tenant, **form())).status_code == 200


async def test_an_upload_whose_key_another_has_taken_over_is_not_kept(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    answers: list[httpx.Response] = []

    async def take_over() -> None:
        await expire(components)
        answers.append(await post(client, tenant, **form()))

    late = await post_interrupted(client, tenant, take_over)
    assert answers[0].status_code == 200
    assert (late.status_code, late.json()["code"]) == (409, "idempotency_key_running")
    assert await counted(components) == (1, 1, 1)
    assert (await post(client, tenant, **form())).content == answers[0].content


async def test_a_lease_is_renewed_as_long_as_the_upload_lives(components: Components, world: World) -> None:
    tenant = await world.tenant()

    async def valid_until() -> Any:
        async with components.database.transaction() as session:
            return await session.scalar(text("SELECT valid_until FROM idempotency_keys"))

    async with components.database.transaction() as session:
        held = await hold_key(
            session, components.database, account_id=tenant.account_id, key="k", request="r", lease_seconds=0.6
        )
    assert isinstance(held, HeldKey)
    before = await valid_until()

    async def renewed() -> bool:
        return bool(await valid_until() > before)

    async with held:
        await until(renewed, "the lease was renewed")


async def test_a_commit_whose_answer_was_lost_is_answered_the_next_time(
    client: httpx.AsyncClient, world: World, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await world.tenant()
    answer_held = HeldKey.answer

    async def break_after_commit(held: HeldKey, session: AsyncSession, *arguments: Any, **named: Any) -> None:
        await answer_held(held, session, *arguments, **named)
        await session.commit()
        raise DatabaseUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(HeldKey, "answer", break_after_commit)
        assert (await post(client, tenant, **form())).status_code == 503
    again = await post(client, tenant, **form())
    assert (again.status_code, replayed(again)) == (200, True)
    item = await client.get(f"/api/items/{again.json()['item_id']}", headers=tenant.headers)
    assert item.json()["status"] == "queued"
    assert await counted(components) == (1, 1, 1)


async def test_after_its_time_a_key_means_a_new_upload_and_is_swept(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    first = await post(client, tenant, **form())
    async with components.database.transaction() as session:
        hours = await session.scalar(
            text("SELECT round(extract(epoch FROM valid_until - now()) / 3600) FROM idempotency_keys")
        )
    assert hours == 24
    await sweep(components.database, components.blobs)
    assert await counted(components) == (1, 1, 1)
    await expire(components)
    second = await post(client, tenant, **form())
    assert (second.status_code, replayed(second)) == (200, False)
    assert second.json()["item_id"] != first.json()["item_id"]
    await expire(components)
    await sweep(components.database, components.blobs)
    assert await counted(components) == (2, 2, 0)


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9", "a\tb"])
async def test_what_can_be_no_key_is_refused(
    client: httpx.AsyncClient, world: World, components: Components, key: str
) -> None:
    tenant = await world.tenant()
    answer = await post(client, tenant, {"Idempotency-Key": key.encode("latin-1")}, **form())  # type: ignore[dict-item]
    assert (answer.status_code, answer.json()["code"]) == (400, "field_invalid")
    assert "Idempotency-Key" in answer.json()["message"]
    assert await counted(components) == (0, 0, 0)


async def test_a_repeat_is_answered_although_the_first_took_the_last_minutes(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant(plan="ten-minutes")
    await use(components, tenant, LIMIT_SECONDS - AUDIO_SECONDS)
    first = await post(client, tenant, **form())
    assert first.status_code == 200
    assert (await post(client, tenant, **form())).content == first.content
    refusal(await post(client, tenant, {"Idempotency-Key": "new"}, **form()))
    assert await counted(components) == (1, 1, 1), "the refused one's key is not kept"
