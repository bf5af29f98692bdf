"""Requests that are held: the same recording, key and wishes are one run, however often and however many at once."""

import asyncio
from typing import Any

import pytest

from echoic.access import Caller
from echoic.compose import Components
from echoic.db.items import items
from echoic.db.runs import runs
from echoic.errors import NotAudio, UnsupportedRequestType
from echoic.intake.accept import Wanted
from echoic.intake.admission import Admission
from echoic.intake.body import Body, file_cap
from echoic.intake.fields import FileMetadata
from echoic.intake.held_requests import Begun, HeldHead, HeldRequest
from echoic.storage.blobs import StagedBlob
from tests.api.uploading import AUDIO
from tests.factories import Tenant, World

HEAD = HeldHead(content_type="multipart/form-data; boundary=b", request="POST /v1/test")


async def begin(
    components: Components, tenant: Tenant, content: bytes = AUDIO, *, key_id: int = 1, **identity: Any
) -> Begun:
    caller = Caller(account_id=tenant.account_id, key_id=key_id, plan="unlimited", scopes=frozenset({"upload", "read"}))

    async def nothing() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def read(_: Body, __: Admission, staged: StagedBlob) -> HeldRequest:
        await staged.write(content)
        metadata = FileMetadata(file_name="talk.flac", title=None, description=None)
        return HeldRequest(metadata=metadata, wanted=Wanted(keep_seconds=60.0), identity=identity)

    return await components.intake.held_requests.begin(caller, tenant.dataset_id, HEAD, nothing, read)


async def stored(components: Components) -> int:
    assert await components.blobs.sweep_staging(0) == 0
    return len([blob async for blob in components.blobs.list_older_than(0)])


async def test_many_at_once_are_one_run_and_one_blob(world: World, components: Components) -> None:
    tenant = await world.tenant()
    begun = await asyncio.gather(*(begin(components, tenant) for _ in range(8)))
    assert len({each.run_id for each in begun}) == 1
    assert sorted(each.is_repeated for each in begun) == [False] + [True] * 7
    assert await stored(components) == 1


async def test_other_wishes_and_other_keys_are_other_runs(world: World, components: Components) -> None:
    tenant = await world.tenant()
    first = await begin(components, tenant)
    others = [
        await begin(components, tenant, language="de"),
        await begin(components, tenant, key_id=2),
        await begin(components, await world.tenant()),
    ]
    assert len({each.run_id for each in (first, *others)}) == 4


async def test_after_a_failure_or_a_deletion_another_try_is_another_run(world: World, components: Components) -> None:
    tenant = await world.tenant()
    first = await begin(components, tenant)
    async with components.database.transaction() as session:
        await components.runs.cancel(session, first.item_id)
    second = await begin(components, tenant)
    async with components.database.transaction() as session:
        await items.delete_item(session, second.item_id)
    third = await begin(components, tenant)
    assert len({each.item_id for each in (first, second, third)}) == 3
    assert (await begin(components, tenant)).run_id == third.run_id


async def test_what_is_refused_gives_the_key_back_and_leaves_nothing(world: World, components: Components) -> None:
    tenant = await world.tenant()
    refused = await asyncio.gather(
        *(begin(components, tenant, b"no sound at all") for _ in range(3)), return_exceptions=True
    )
    assert [type(each) for each in refused] == [NotAudio] * 3
    assert await stored(components) == 0


async def test_what_is_kept_briefly_says_so_and_runs_like_any_other(world: World, components: Components) -> None:
    tenant = await world.tenant(auto_transcribe=False)
    begun = await begin(components, tenant)
    async with components.database.transaction() as session:
        item, run = await items.get_item(session, begun.item_id), await runs.get_run(session, begun.run_id)
    assert item is not None
    assert item.keep_seconds == 60.0
    assert run is not None
    assert run.state == "queued"


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
async def test_another_body_than_a_form_is_refused(world: World, components: Components, content_type: str) -> None:

    with pytest.raises(UnsupportedRequestType):
        HeldHead(content_type=content_type).check(file_cap(1000))
