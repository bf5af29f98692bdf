"""The table of refusals of an upload: status, code, body, and that nothing is left."""

import asyncio
import resource
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import Engine, event, text

from echoic.compose import Components
from echoic.db.accounts import minutes
from echoic.intake.sweep import sweep
from echoic.units import MB
from tests.api.tus import BYTES, VERSION, creation
from tests.api.uploading import AUDIO, assert_refused, form, nothing_left, post
from tests.factories import World

REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], int, str]] = {
    "no file": ({"data": {"title": "x"}, "files": {"title2": (None, "x")}}, {}, 400, "audio_part_missing"),
    "an empty file": (form(content=b""), {}, 400, "audio_empty"),
    "a title that is too long": (form(title="x" * 501), {}, 400, "title_too_long"),
    "a description that is too long": (form(description="x" * 20_001), {}, 400, "description_too_long"),
    "an extension not in the list": (form("talk.exe"), {}, 415, "format_not_allowed"),
    "no extension": (form("talk"), {}, 415, "format_not_allowed"),
    "a text named mp3": (form("talk.mp3", b"Four score and seven years ago" * 100), {}, 415, "not_audio"),
    "a zip named mp3": (form("talk.mp3", b"PK\x03\x04" + bytes(5000)), {}, 415, "not_audio"),
    "metadata that is required": (form(title="x"), {"require_metadata": True}, 400, "metadata_required"),
    "a dataset of podcasts": (form(), {"content_type": "podcast"}, 400, "dataset_rejects_uploads"),
    "a file over the cap": (form(content=bytes(MB + 1)), {"max_file_size_mb": 1}, 413, "file_too_large"),
    "another kind of request": (
        {"content": b"x", "headers": {"Content-Type": "text/plain"}},
        {},
        415,
        "unsupported_request_type",
    ),
    "a form without boundary": (
        {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
        {},
        415,
        "unsupported_request_type",
    ),
    "a form cut short": (
        {
            "content": b'--b\r\nContent-Disposition: form-data; name="audio"; filename="a.flac"\r\n\r\n' + AUDIO,
            "headers": {"Content-Type": "multipart/form-data; boundary=b"},
        },
        {},
        400,
        "multipart_malformed",
    ),
    "two files": (
        {"files": [("audio", ("a.flac", AUDIO)), ("audio", ("b.flac", AUDIO))]},
        {},
        400,
        "audio_part_repeated",
    ),
    "a title that is not UTF-8": (
        {"files": {"audio": ("a.flac", AUDIO), "title": (None, b"\xff")}},
        {},
        400,
        "field_not_utf8",
    ),
    "a blank description that is required": (
        form(title="x", description=" "),
        {"require_metadata": True},
        400,
        "metadata_required",
    ),
    "JSON that is a list": ({"json": []}, {}, 400, "json_not_object"),
    "JSON without URL": ({"json": {"title": "x"}}, {}, 400, "audio_url_missing"),
    "a URL that is a number": ({"json": {"audio_url": 1}}, {}, 400, "field_type_invalid"),
    "a URL that cannot be read": ({"json": {"audio_url": "https://[::1/a.mp3"}}, {}, 400, "audio_url_invalid"),
    "a URL with a NUL in its file name": (
        {"json": {"audio_url": "https://x.example/a%00.mp3"}},
        {},
        400,
        "audio_url_invalid",
    ),
    "a URL with a user": ({"json": {"audio_url": "https://u:p@x.example/a.mp3"}}, {}, 400, "audio_url_has_credentials"),
    "a URL of no host": ({"json": {"audio_url": "https://no.invalid/a.mp3"}}, {}, 422, "url_unresolvable"),
    "JSON that is none": (
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
        {},
        400,
        "json_malformed",
    ),
    "a URL that is not https": ({"json": {"audio_url": "http://x.example/a.mp3"}}, {}, 400, "audio_url_not_https"),
    "a URL with another extension": ({"json": {"audio_url": "https://x.example/a.exe"}}, {}, 415, "format_not_allowed"),
    "a URL inside": ({"json": {"audio_url": "https://127.0.0.1/a.mp3"}}, {}, 422, "url_forbidden"),
    "the cloud's metadata": ({"json": {"audio_url": "https://169.254.169.254/a.mp3"}}, {}, 422, "url_forbidden"),
}


@pytest.mark.parametrize("what", REFUSALS)
async def test_refused_with_its_own_code_and_nothing_left(
    client: httpx.AsyncClient, world: World, components: Components, what: str
) -> None:
    request, settings, status, code = REFUSALS[what]
    tenant = await world.tenant(**settings)
    answer = await post(client, tenant, **{**request, "headers": dict(request.get("headers", {}))})
    assert_refused(answer, status, code)
    assert await nothing_left(components)


async def test_whoever_may_not_upload_is_refused_and_nothing_is_left(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    owner, stranger = await world.tenant(), await world.tenant("Stranger")
    public, reader = await world.tenant("Public", visibility="public"), await world.tenant("Reader", scopes=("read",))
    revoked, expired = await world.tenant("Revoked"), await world.tenant("Expired")
    async with components.database.transaction() as session:
        for column, tenant in (("revoked_at", revoked), ("expires_at", expired)):
            change = text(f"UPDATE api_keys SET {column} = now() - interval '1 second' WHERE account_id = :account")  # noqa: S608
            await session.execute(change, {"account": tenant.account_id})

    async def ask(dataset_id: int, headers: dict[str, str]) -> httpx.Response:
        return await client.post(f"/api/datasets/{dataset_id}/items", headers=headers, **form())

    for headers in (
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic eDp5"},
        {"Authorization": "Bearer ek_unknown"},
        revoked.headers,
        expired.headers,
    ):
        assert_refused(await ask(owner.dataset_id, headers), 401, "unauthorized")
    unknown, invisible = await ask(999_999, stranger.headers), await ask(owner.dataset_id, stranger.headers)
    for answer in (unknown, invisible):
        assert_refused(answer, 404, "dataset_not_found")
    assert {**unknown.json(), "request_id": ""} == {**invisible.json(), "request_id": ""}
    assert_refused(await ask(public.dataset_id, stranger.headers), 403, "forbidden")
    assert_refused(await ask(reader.dataset_id, reader.headers), 403, "scope_missing")
    assert await nothing_left(components)


async def test_a_video_without_sound_is_no_audio(
    client: httpx.AsyncClient, world: World, components: Components, silent_film: bytes
) -> None:
    tenant = await world.tenant(allowed_formats=["mp4"])
    answer = await post(client, tenant, **form("film.mp4", silent_film))
    assert_refused(answer, 415, "not_audio")
    assert "no sound" in answer.json()["message"]
    assert await nothing_left(components)


@pytest.mark.parametrize("what", ["spent", "too few"])
async def test_minutes_that_are_spent_and_minutes_that_are_too_few_are_refused_with_figures_and_nothing_is_left(
    client: httpx.AsyncClient, world: World, components: Components, what: str
) -> None:
    tenant = await world.tenant(plan="ten-minutes")
    async with components.database.transaction() as session:
        use = text("INSERT INTO monthly_use (account_id, month, seconds) VALUES (:account, :month, :seconds)")
        month = await minutes.this_month(session)
        seconds = 600 if what == "spent" else 590
        await session.execute(use, {"account": tenant.account_id, "month": month, "seconds": seconds})
    answer = await post(client, tenant, **form())
    assert_refused(answer, 403, "quota_exhausted")
    for figure in ("10 minutes",) if what == "spent" else ("0.19", "0.16", "10 minutes"):
        assert figure in answer.json()["message"]
    assert await nothing_left(components)


async def test_an_unknown_dataset_and_an_invisible_one_are_told_apart_by_nothing(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    """Not by the body, and not by time: the same statements are asked of the database, and nothing is read."""
    owner, stranger = await world.tenant(), await world.tenant("Stranger")
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    reads = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal reads
        reads += 1
        yield b"x"

    async def ask(way: str, dataset_id: int) -> tuple[int, dict[str, str], dict[str, str], list[str]]:
        where, headers = WAYS[way]
        asked.clear()
        answer = await client.post(
            f"/api/datasets/{dataset_id}/{where}", headers={**stranger.headers, **headers}, content=body()
        )
        assert_refused(answer, 404, "dataset_not_found")
        said = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
        return answer.status_code, said, {**answer.json(), "request_id": ""}, list(asked)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        for way in WAYS:
            await ask(way, 999_999)  # the first use of a key is noted
            unknown, invisible = await ask(way, 999_999), await ask(way, owner.dataset_id)
            assert unknown == invisible
            assert unknown[3]
        assert reads == 0
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert await nothing_left(components)


WAYS = {
    "a form": ("items", {"Content-Type": "multipart/form-data; boundary=b"}),
    "a URL": ("items", {"Content-Type": "application/json"}),
    "a repeatable form": ("items", {"Content-Type": "multipart/form-data; boundary=b", "Idempotency-Key": "k"}),
    "a resumable upload": ("uploads", {**VERSION, **BYTES, **creation(1000, {})}),
}


async def test_a_disk_that_is_full_in_the_middle_of_a_file_is_said_and_nothing_is_left(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MB, limits[1]))
    try:
        answer = await post(client, tenant, **form(content=bytes(5 * MB)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert_refused(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert await nothing_left(components)


async def test_a_database_that_goes_away_in_the_middle_of_a_file_is_said_and_nothing_is_left(
    client: httpx.AsyncClient, world: World, components: Components, postgres_server: str
) -> None:
    tenant = await world.tenant()
    whole = httpx.Request("POST", "http://echoic.test", **form())
    body = whole.read()
    async with components.database.transaction() as session:
        name = await session.scalar(text("SELECT current_database()"))

    def allow(connections: str) -> None:
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {connections}".encode())
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

    async def interrupted() -> AsyncIterator[bytes]:
        yield body[:100_000]
        await asyncio.to_thread(allow, "false")
        yield body[100_000:]

    try:
        headers = {"Content-Type": whole.headers["content-type"], "Idempotency-Key": "k"}
        answer = await post(client, tenant, content=interrupted(), headers=headers)
    finally:
        allow("true")
    assert_refused(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    await sweep(components.database, components.blobs, min_age_seconds=0)
    assert await nothing_left(components)
