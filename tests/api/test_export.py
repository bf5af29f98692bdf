"""The transcripts of a dataset in one zip file: as each is written by itself, one in memory at a time."""

import io
import json
import zipfile
from datetime import UTC, datetime

import httpx

from echoic.formats.archive import EARLIEST, StreamedArchive
from tests.api.people import ANNA, A, Asking, item_of
from tests.factories import World, segment, talk


def opened(answer: httpx.Response) -> tuple[zipfile.ZipFile, dict[str, list[dict[str, object]]]]:
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return archive, json.loads(archive.read("contents.json"))


async def exported(ask: Asking, query: str = "") -> httpx.Response:
    path = f"/api/datasets/{ask.tenant.dataset_id}/export{query}"
    return await ask.client.get(path, headers=ask.tenant.headers)


async def test_each_file_is_what_the_item_itself_gives_in_that_format(ask: Asking, world: World) -> None:
    named = await item_of(world, ask.components, ask.tenant, ANNA)
    await ask.name(named, A, "Anna")
    await ask("PATCH", f"/api/items/{named}", json={"title": "Über alles/nichts"})
    call = await world.item(ask.tenant.dataset_id, [segment("=1+1, he said")], title="Call")
    answer = await exported(ask, "?format=csv&format=json&format=docx")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].endswith(".zip")
    archive, contents = opened(answer)
    for item_id, stem in ((named, "Über alles_nichts"), (call, "Call")):
        for form in ("csv", "json", "docx"):
            alone = await ask.client.get(f"/api/items/{item_id}/transcript?format={form}", headers=ask.tenant.headers)
            assert archive.read(f"{stem}.{form}") == alone.content, (item_id, form)
    assert [entry["item_id"] for entry in contents["items"]] == [named, call]
    assert contents["items"][1]["files"] == ["Call.csv", "Call.json", "Call.docx"]
    assert b"'=1+1" in archive.read("Call.csv")
    refused = await exported(ask, "?format=txt&formulas=true")
    assert (refused.status_code, refused.json()["code"]) == (400, "field_invalid")


async def test_titles_that_recur_are_told_apart_and_what_is_not_ready_is_listed(ask: Asking, world: World) -> None:
    first, second = [
        await world.item(ask.tenant.dataset_id, talk(said), title=title)
        for said, title in (("one", "Call"), ("two", "CALL"))
    ]
    waiting = await world.item(ask.tenant.dataset_id, status="queued", title="Soon")
    archive, contents = opened(await exported(ask))
    assert sorted(archive.namelist()) == sorted(["Call.txt", f"CALL ({second}).txt", "contents.json"])
    assert archive.read(f"CALL ({second}).txt") == b"two\n"
    ((left_out,), (one, _)) = contents["left_out"], contents["items"]
    assert (left_out["item_id"], left_out["code"], one["item_id"]) == (waiting, "not_published", first)


async def test_only_the_items_that_are_named_are_in_it_and_they_must_be_there(ask: Asking, world: World) -> None:
    made = [await world.item(ask.tenant.dataset_id, talk("a"), title=f"Call {number}") for number in range(3)]
    other = await world.tenant()
    archive, _ = opened(await exported(ask, f"?item={made[0]}&item={made[2]}&item={made[0]}"))
    assert sorted(archive.namelist()) == ["Call 0.txt", "Call 2.txt", "contents.json"]
    foreign = await world.item(other.dataset_id, talk("secret"))
    refused = await exported(ask, f"?item={made[0]}&item={foreign}")
    assert (refused.status_code, refused.json()["code"]) == (404, "item_not_found")


async def test_who_is_no_member_of_a_public_library_gets_what_is_published(
    ask: Asking, world: World, client: httpx.AsyncClient
) -> None:
    owner = await world.tenant(visibility="public")
    await world.item(owner.dataset_id, talk("open"), title="Open")
    await world.item(owner.dataset_id, talk("closed"), title="Closed", status="failed")
    answer = await client.get(f"/api/datasets/{owner.dataset_id}/export", headers=ask.tenant.headers)
    archive, contents = opened(answer)
    assert (sorted(archive.namelist()), contents["left_out"]) == (["Open.txt", "contents.json"], [])
    answer = await client.get(f"/api/datasets/{owner.dataset_id}/export", headers=owner.headers)
    assert "Closed.txt" in opened(answer)[0].namelist()


async def test_files_have_the_time_at_which_their_item_was_published(ask: Asking, world: World) -> None:
    published_at = datetime(2026, 3, 4, 5, 6, 8, tzinfo=UTC)
    item_id = await world.item(ask.tenant.dataset_id, talk("a"), title="Call", published_at=published_at)
    earlier = datetime(2026, 2, 1, tzinfo=UTC)
    await world.item(ask.tenant.dataset_id, talk("b"), title="Earlier", published_at=earlier)
    archive, _ = opened(await exported(ask))
    assert archive.getinfo("Earlier.txt").date_time == (2026, 2, 1, 0, 0, 0)
    for name in ("Call.txt", "contents.json"):
        assert archive.getinfo(name).date_time == (2026, 3, 4, 5, 6, 8)
    path = f"/api/items/{item_id}/transcript?format=txt&format=srt"
    alone = zipfile.ZipFile(io.BytesIO((await ask.client.get(path, headers=ask.tenant.headers)).content))
    assert {one.date_time for one in alone.infolist()} == {(2026, 3, 4, 5, 6, 8)}


def test_an_archive_keeps_nothing_of_what_it_has_handed_out() -> None:
    archive = StreamedArchive()
    pieces = [archive.add(f"{number}.txt", "said " * 1000, EARLIEST) for number in range(3)]
    assert all(piece.startswith(b"PK") for piece in pieces)
    whole = zipfile.ZipFile(io.BytesIO(b"".join(pieces) + archive.end()))
    assert [whole.read(f"{number}.txt") for number in range(3)] == [b"said " * 1000] * 3
