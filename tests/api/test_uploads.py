"""Uploads at the API: what is taken in, what is refused, in which order, and that a refusal leaves nothing behind."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.compose import Components
from echoic.db.items import items
from echoic.db.items.items import Item
from echoic.db.runs import runs
from echoic.errors import DatabaseUnavailable, StorageUnavailable
from echoic.units import MB
from tests.api.tus import Tus
from tests.api.uploading import AUDIO, form, nothing_left, post
from tests.factories import World


async def test_an_upload_is_answered_to_the_letter_and_waits_in_the_queue(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    answer = await post(client, tenant, **form(title=" Inaugural ", description="1961"))
    assert answer.status_code == 200
    item_id = answer.json()["item_id"]
    assert answer.json() == {
        "success": True,
        "item_id": item_id,
        "message": "Audio file queued for transcription with priority 100",
    }
    async with components.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        blob = await items.get_blob(session, item.audio_blob_id)
        run = await runs.newest_run(session, item_id)
        jobs = (await session.execute(text("SELECT id, status, queue_name FROM procrastinate_jobs"))).all()
    assert (item.title, item.description, item.status) == ("Inaugural", "1961", "queued")
    assert item.duration_seconds == pytest.approx(11.0, abs=0.01)
    assert blob is not None
    assert await components.blobs.read_range(blob.key, 0, len(AUDIO)) == AUDIO
    assert run is not None
    assert [tuple(job) for job in jobs] == [(run.job_id, "todo", "cpu")]


async def test_without_a_title_the_file_name_serves(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = (await post(client, tenant, **form("C:\\talks\\My talk.2.FLAC"))).json()["item_id"]
    item = (await client.get(f"/api/items/{item_id}", headers=tenant.headers)).json()
    assert (item["title"], item["description"]) == ("My talk.2", None)


async def test_a_dataset_that_does_not_transcribe_only_stores(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant(auto_transcribe=False)
    answer = (await post(client, tenant, **form())).json()
    item_id = answer["item_id"]
    assert (answer["success"], answer["status"], answer["on_hold"]) == (True, "queued", True)
    item = (await client.get(f"/api/items/{item_id}", headers=tenant.headers)).json()
    assert (item["status"], item["on_hold"]) == ("queued", True)
    items = f"/api/datasets/{tenant.dataset_id}/items"
    for asked in ("queued", "stored"):
        listed = (await client.get(f"{items}?status={asked}", headers=tenant.headers)).json()
        assert [(one["id"], one["status"], one["on_hold"]) for one in listed["items"]] == [(item_id, "queued", True)]
    started = await client.post(f"/api/items/{item_id}/transcribe", headers=tenant.headers)
    assert started.is_success
    item = (await client.get(f"/api/items/{item_id}", headers=tenant.headers)).json()
    assert (item["status"], item["on_hold"]) == ("queued", False)
    assert (await client.get(f"{items}?status=stored", headers=tenant.headers)).json()["total"] == 0


async def test_the_answer_to_an_upload_that_waits_on_a_dataset_is_kept_with_its_key(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant(auto_transcribe=False)
    first, again = [await post(client, tenant, headers={"Idempotency-Key": "k"}, **form()) for _ in range(2)]
    assert (first.json(), again.headers["idempotent-replayed"]) == (again.json(), "true")
    assert again.json()["on_hold"]


async def test_key_membership_scope_and_declared_size_are_checked_before_the_body(
    client: httpx.AsyncClient, world: World
) -> None:
    owner, stranger = await world.tenant(max_file_size_mb=1), await world.tenant("Stranger")
    public, reader = await world.tenant("Public", visibility="public"), await world.tenant("Reader", scopes=("read",))
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield bytes(65_536)

    async def ask(dataset_id: int, headers: dict[str, str]) -> tuple[int, str]:
        answer = await client.post(
            f"/api/datasets/{dataset_id}/items",
            content=endless(),
            headers={"Content-Type": "multipart/form-data; boundary=b", **headers},
        )
        return answer.status_code, answer.json()["code"]

    assert await ask(owner.dataset_id, {}) == (401, "unauthorized")
    assert await ask(owner.dataset_id, {"Authorization": "Bearer ek_wrong"}) == (401, "unauthorized")
    assert await ask(owner.dataset_id, stranger.headers) == (404, "dataset_not_found")
    assert await ask(999_999, stranger.headers) == (404, "dataset_not_found")
    assert await ask(public.dataset_id, stranger.headers) == (403, "forbidden")
    assert await ask(reader.dataset_id, reader.headers) == (403, "scope_missing")
    declared = {**owner.headers, "Content-Length": str(200 * MB)}
    assert await ask(owner.dataset_id, declared) == (413, "file_too_large")
    assert read == 0


async def test_a_client_that_goes_away_leaves_nothing(app: Any, world: World, components: Components) -> None:
    tenant = await world.tenant()
    head = b'--b\r\nContent-Disposition: form-data; name="audio"; filename="a.flac"\r\n\r\n'
    messages = [
        {"type": "http.request", "body": head + AUDIO[:50_000], "more_body": True},
        {"type": "http.disconnect"},
    ]
    answers: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        answers.append(message)

    headers = {**tenant.headers, "Content-Type": "multipart/form-data; boundary=b"}
    await app(
        {
            "type": "http",
            "method": "POST",
            "path": f"/api/datasets/{tenant.dataset_id}/items",
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "state": {},
        },
        receive,
        send,
    )
    assert not messages, "the upload was under way"
    assert await nothing_left(components)


async def test_a_commit_that_fails_takes_the_bytes_back(
    client: httpx.AsyncClient, world: World, components: Components, as_owner: Callable[..., None]
) -> None:
    tenant = await world.tenant()
    as_owner("ALTER TABLE procrastinate_jobs ADD CONSTRAINT no_room CHECK (id < 0)")
    answer = await post(client, tenant, **form())
    assert answer.status_code == 500
    assert "no_room" not in answer.text
    assert await nothing_left(components)


async def test_storage_that_is_away_is_said_to_be_away(
    client: httpx.AsyncClient, world: World, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await world.tenant()

    def away() -> None:
        raise StorageUnavailable

    monkeypatch.setattr(components.blobs, "stage", away)
    answer = await post(client, tenant, **form())
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


async def test_bytes_are_kept_where_the_commit_may_have_happened(
    client: httpx.AsyncClient, world: World, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await world.tenant()
    start = components.runs.start

    async def break_after_start(session: AsyncSession, item: Item, *, options: dict[str, Any]) -> None:
        await start(session, item, options=options)
        await session.commit()
        raise DatabaseUnavailable

    monkeypatch.setattr(components.runs, "start", break_after_start)
    answer = await post(client, tenant, **form())
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    async with components.database.transaction() as session:
        key = await session.scalar(text("SELECT key FROM blobs"))
    assert key is not None
    assert await components.blobs.stat(key) == len(AUDIO)


async def test_a_dataset_that_is_deleted_while_a_file_comes_in_takes_it_no_more(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    path = f"/api/datasets/{tenant.dataset_id}"
    whole = httpx.Request("POST", "http://echoic.test", **form())
    body = whole.read()

    async def interrupted() -> AsyncIterator[bytes]:
        yield body[:1000]
        assert (await client.delete(path, headers=tenant.headers)).status_code == 204
        yield body[1000:]

    headers = {"Content-Type": whole.headers["content-type"]}
    answer = await post(client, tenant, content=interrupted(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "dataset_not_found")
    assert await nothing_left(components)


OTHER_SHA256 = "0" * 64
SHA256 = hashlib.sha256(AUDIO).hexdigest()


@pytest.mark.parametrize("place", ["before the file", "after the file"])
@pytest.mark.parametrize(("sha256", "status"), [(SHA256, 200), (SHA256.upper(), 200), (OTHER_SHA256, 400)])
async def test_the_files_digest_is_verified_wherever_the_field_stands(
    client: httpx.AsyncClient, world: World, components: Components, *, place: str, sha256: str, status: int
) -> None:
    tenant = await world.tenant()
    parts = [("sha256", (None, sha256)), ("audio", ("jfk.flac", AUDIO))]
    answer = await post(client, tenant, files=parts if place == "before the file" else parts[::-1])
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["code"] == "digest_mismatch"
        assert await nothing_left(components)


async def test_what_is_no_digest_is_refused_as_such(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    answer = await post(client, tenant, **form(sha256="abc"))
    assert (answer.status_code, answer.json()["code"]) == (400, "field_invalid")
    assert "sha256" in answer.json()["message"]
    answer = await post(client, tenant, json={"audio_url": "https://x.example/a.mp3", "sha256": "abc"})
    assert (answer.status_code, answer.json()["code"]) == (400, "field_invalid")


async def test_of_many_identical_uploads_that_reject_duplicates_one_is_kept_and_the_others_name_it(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant, other = await world.tenant(), await world.tenant("Other")
    answers = await asyncio.gather(
        *(post(client, tenant, params={"on_duplicate": "reject"}, **form(f"{n}.flac")) for n in range(4))
    )
    [accepted] = [answer.json()["item_id"] for answer in answers if answer.status_code == 200]
    rejected = [answer.json() for answer in answers if answer.status_code == 409]
    assert [(problem["code"], problem["item_id"]) for problem in rejected] == [("duplicate_item", accepted)] * 3
    assert len([blob async for blob in components.blobs.list_older_than(0)]) == 1
    assert (await post(client, tenant, **form())).status_code == 200, "by default a dataset may hold bytes twice"
    elsewhere = await post(client, other, params={"on_duplicate": "reject"}, **form())
    assert elsewhere.status_code == 200, "another dataset's items do not count"


async def test_bytes_that_are_known_by_their_digest_are_refused_before_the_file_is_read(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    item_id = (await post(client, tenant, **form())).json()["item_id"]
    read = 0

    def head(sha256: str) -> bytes:
        field = b'--b\r\nContent-Disposition: form-data; name="sha256"\r\n\r\n' + sha256.encode() + b"\r\n"
        return field + b'--b\r\nContent-Disposition: form-data; name="audio"; filename="a.flac"\r\n\r\n'

    async def endless(sha256: str) -> AsyncIterator[bytes]:
        nonlocal read
        yield head(sha256)
        while read < 10:
            read += 1
            yield bytes(65_536)

    async def ask(sha256: str, way: str) -> httpx.Response:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        return await post(client, tenant, params={"on_duplicate": way}, headers=headers, content=endless(sha256))

    refused = await ask(SHA256.upper(), "reject")
    assert (refused.status_code, refused.json()["code"], refused.json()["item_id"]) == (409, "duplicate_item", item_id)
    assert read == 0
    named = {"audio_url": "https://no.invalid/a.flac", "sha256": SHA256}
    refused = await post(client, tenant, params={"on_duplicate": "reject"}, json=named)
    assert (refused.status_code, refused.json()["code"], refused.json()["item_id"]) == (409, "duplicate_item", item_id)
    assert (await post(client, tenant, json=named)).json()["code"] == "url_unresolvable", "it is fetched by default"
    assert (await ask("what is no digest", "allow")).json()["code"] == "field_invalid"
    assert read == 0
    for sha256, way in ((OTHER_SHA256, "reject"), (SHA256, "allow")):
        read = 0
        assert (await ask(sha256, way)).json()["code"] == "multipart_malformed", "the file is cut short"
        assert read == 10
    assert len([blob async for blob in components.blobs.list_older_than(0)]) == 1


async def test_another_way_to_treat_duplicates_is_refused(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    answer = await post(client, tenant, params={"on_duplicate": "replace"}, **form())
    assert (answer.status_code, answer.json()["code"]) == (400, "field_invalid")
    assert "on_duplicate" in answer.json()["message"]


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
async def test_content_digest_covers_the_whole_form(
    client: httpx.AsyncClient, world: World, components: Components, algorithm: str
) -> None:
    tenant = await world.tenant()
    whole = httpx.Request("POST", "http://echoic.test", **form())
    body = whole.read()

    async def ask(content: bytes) -> httpx.Response:
        digest = base64.b64encode(hashlib.new(algorithm.replace("-", ""), content).digest()).decode()
        headers = {"Content-Type": whole.headers["content-type"], "Content-Digest": f"{algorithm}=:{digest}:"}
        return await post(client, tenant, content=body, headers=headers)

    refused = await ask(AUDIO)
    assert (refused.status_code, refused.json()["code"]) == (400, "digest_mismatch")
    assert await nothing_left(components)
    assert (await ask(body)).status_code == 200


async def test_content_digest_covers_a_json_body_and_is_checked_before_anything_is_fetched(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    content = b'{"audio_url": "https://127.0.0.1/a.mp3"}'

    async def ask(digest: str) -> tuple[int, str]:
        headers = {"Content-Type": "application/json", "Content-Digest": digest}
        answer = await post(client, tenant, content=content, headers=headers)
        return answer.status_code, answer.json()["code"]

    right = base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert await ask(f"sha-256=:{right}:") == (422, "url_forbidden")
    assert await ask(f"sha-256=:{base64.b64encode(bytes(32)).decode()}:") == (400, "digest_mismatch")
    assert await ask("sha-256=nothing") == (400, "field_invalid")


async def test_fields_that_are_not_known_are_named_in_the_answer(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    plain = (await post(client, tenant, **form(title="Talk"))).json()
    assert set(plain) == {"success", "item_id", "message"}, "nothing to say is nothing said"
    key = {"Idempotency-Key": "k"}
    first, again = [await post(client, tenant, headers=key, **form(titel="Talk", tag="x")) for _ in range(2)]
    assert first.json() == again.json()
    assert [(one["code"], one["detail"]["did_you_mean"]) for one in first.json()["notices"]] == [
        ("field_unknown", "title"),
        ("field_unknown", None),
    ]
    tus = Tus(client, tenant)
    assert (await tus.create(title="Talk", filetype="audio/flac")).content == b""
    begun = await tus.create(titel="Talk")
    assert (begun.status_code, begun.json()["notices"][0]["detail"]) == (
        201,
        {"field": "titel", "did_you_mean": "title"},
    )
