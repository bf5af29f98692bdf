"""Resumable uploads at the API: what the protocol says of headers and statuses, and what is refused before any byte."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from echoic.compose import Components
from echoic.units import MB
from tests.api.tus import AUDIO, BYTES, VERSION, Tus, metadata, nothing_left, stored_sizes
from tests.factories import World


@pytest.fixture
async def tus(client: httpx.AsyncClient, world: World) -> Tus:
    return Tus(client, await world.tenant(max_file_size_mb=1))


async def test_options_tell_what_there_is_and_the_callers_cap(tus: Tus) -> None:
    answer = await tus.client.options(tus.path, headers=tus.tenant.headers)
    assert answer.status_code == 204
    assert answer.headers["Tus-Resumable"] == answer.headers["Tus-Version"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "checksum",
        "expiration",
        "termination",
    }
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"
    assert answer.headers["Tus-Max-Size"] == str(MB)


@pytest.mark.parametrize("version", [{}, {"Tus-Resumable": "0.2.2"}])
async def test_another_version_of_the_protocol_is_refused_before_anything_is_done(
    tus: Tus, components: Components, version: dict[str, str]
) -> None:
    headers = {**tus.tenant.headers, **version, "Upload-Length": "5", "Upload-Metadata": metadata(filename="a.flac")}
    answer = await tus.client.post(tus.path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (412, "tus_version_unsupported")
    assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    assert await nothing_left(components)


LENGTH = {"Upload-Length": "1000"}
NAMED = {"Upload-Metadata": metadata(filename="talk.flac")}
REFUSALS: dict[str, tuple[dict[str, str], dict[str, Any], int, str]] = {
    "no length": (NAMED, {}, 400, "field_invalid"),
    "both lengths": ({**NAMED, **LENGTH, "Upload-Defer-Length": "1"}, {}, 400, "field_invalid"),
    "a length that is none": ({**NAMED, "Upload-Length": "-5"}, {}, 400, "field_invalid"),
    "a deferral that is none": ({**NAMED, "Upload-Defer-Length": "2"}, {}, 400, "field_invalid"),
    "an empty file": ({**NAMED, "Upload-Length": "0"}, {}, 400, "audio_empty"),
    "a file over the cap": ({**NAMED, "Upload-Length": str(MB + 1)}, {}, 413, "file_too_large"),
    "no file name": (LENGTH, {}, 400, "field_invalid"),
    "a file name with a control character": (
        {**LENGTH, "Upload-Metadata": metadata(filename="a\0.flac")},
        {},
        400,
        "field_invalid",
    ),
    "an extension not in the list": (
        {**LENGTH, "Upload-Metadata": metadata(filename="talk.exe")},
        {},
        415,
        "format_not_allowed",
    ),
    "a title that is too long": (
        {**LENGTH, "Upload-Metadata": metadata(filename="a.flac", title="x" * 501)},
        {},
        400,
        "title_too_long",
    ),
    "a digest that is none": (
        {**LENGTH, "Upload-Metadata": metadata(filename="a.flac", sha256="abc")},
        {},
        400,
        "field_invalid",
    ),
    "metadata that is required": ({**NAMED, **LENGTH}, {"require_metadata": True}, 400, "metadata_required"),
    "metadata that is no base64": ({**LENGTH, "Upload-Metadata": "filename a*b"}, {}, 400, "field_invalid"),
    "metadata that is no text": ({**LENGTH, "Upload-Metadata": "filename /w=="}, {}, 400, "field_not_utf8"),
    "metadata that is there twice": (
        {**LENGTH, "Upload-Metadata": f"{NAMED['Upload-Metadata']},{NAMED['Upload-Metadata']}"},
        {},
        400,
        "field_invalid",
    ),
    "a dataset of podcasts": ({**NAMED, **LENGTH}, {"content_type": "podcast"}, 400, "dataset_rejects_uploads"),
    "a checksum of a kind nobody knows": (
        {**NAMED, **LENGTH, "Upload-Checksum": "crc32 AAAA"},
        {},
        400,
        "field_invalid",
    ),
    "first bytes of another type": (
        {**NAMED, **LENGTH, "Content-Type": "text/plain", "Content-Length": "1"},
        {},
        415,
        "unsupported_request_type",
    ),
}


@pytest.mark.parametrize("what", REFUSALS)
async def test_a_creation_is_refused_with_its_own_code_and_nothing_left(
    client: httpx.AsyncClient, world: World, components: Components, what: str
) -> None:
    headers, settings, status, code = REFUSALS[what]
    tus = Tus(client, await world.tenant(**{"max_file_size_mb": 1} | settings))
    content = b"x" if "Content-Length" in headers else b""
    answer = await tus.ask("POST", tus.path, headers, content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert await nothing_left(components)


async def test_key_scope_and_membership_are_checked_at_every_step(client: httpx.AsyncClient, world: World) -> None:
    owner, stranger = await world.tenant(), await world.tenant("Stranger")
    public, reader = await world.tenant("Public", visibility="public"), await world.tenant("Reader", scopes=("read",))
    headers = {**VERSION, **LENGTH, **NAMED}

    async def create(dataset_id: int, key: dict[str, str]) -> tuple[int, str]:
        answer = await client.post(f"/api/datasets/{dataset_id}/uploads", headers={**headers, **key})
        return answer.status_code, answer.json()["code"]

    assert await create(owner.dataset_id, {}) == (401, "unauthorized")
    assert await create(owner.dataset_id, stranger.headers) == (404, "dataset_not_found")
    assert await create(public.dataset_id, stranger.headers) == (403, "forbidden")
    assert await create(reader.dataset_id, reader.headers) == (403, "scope_missing")

    begun = await Tus(client, owner).begin()
    for path in (begun, begun[:-1], begun + "%00", begun.replace("/uploads/", "/uploads/x")):
        for method in ("HEAD", "PATCH", "DELETE"):
            answer = await Tus(client, stranger).ask(method, path, {**BYTES, "Upload-Offset": "0"})
            assert answer.status_code == 404, (method, path)
    elsewhere = begun.replace(f"/{owner.dataset_id}/", f"/{stranger.dataset_id}/")
    assert (await Tus(client, owner).head(elsewhere)).status_code == 404
    assert (await Tus(client, owner).head(begun)).status_code == 200


async def test_an_upload_tells_what_was_said_of_it(tus: Tus) -> None:
    created = await tus.create(1000, title="Rede über Bienen", other="kept")
    assert created.status_code == 201
    found = await tus.head(created.headers["Location"])
    assert found.status_code == 200
    assert found.headers["Upload-Offset"] == "0"
    assert found.headers["Upload-Length"] == "1000"
    assert found.headers["Upload-Metadata"] == metadata(filename="jfk.flac", title="Rede über Bienen", other="kept")
    assert found.headers["Cache-Control"] == "no-store"
    assert "Item-Id" not in found.headers
    assert found.headers["Upload-Expires"] == created.headers["Upload-Expires"]
    kept = parsedate_to_datetime(found.headers["Upload-Expires"]) - datetime.now(UTC)
    assert timedelta(hours=23) < kept < timedelta(hours=25)


async def test_where_the_public_address_is_known_the_location_is_whole(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tus = Tus(client, await world.tenant())
    object.__setattr__(
        components, "settings", components.settings.model_copy(update={"public_url": "https://a.example/x/"})
    )
    location = (await tus.create()).headers["Location"]
    assert location.startswith(f"https://a.example/x{tus.path}/")


PATCHES: dict[str, tuple[dict[str, str], bytes, int, str]] = {
    "no offset": ({}, b"x", 400, "field_invalid"),
    "an offset that is none": ({"Upload-Offset": "1.5"}, b"x", 400, "field_invalid"),
    "another offset": ({"Upload-Offset": "11"}, b"x", 409, "upload_offset_mismatch"),
    "another type": ({"Upload-Offset": "10", "Content-Type": "audio/flac"}, b"x", 415, "unsupported_request_type"),
    "too many bytes": ({"Upload-Offset": "10"}, bytes(91), 413, "upload_length_exceeded"),
    "another length": ({"Upload-Offset": "10", "Upload-Length": "101"}, b"x", 400, "field_invalid"),
    "a checksum that is none": ({"Upload-Offset": "10", "Upload-Checksum": "sha1 *"}, b"x", 400, "field_invalid"),
    "another checksum": (
        {"Upload-Offset": "10", "Upload-Checksum": "sha1 " + base64.b64encode(bytes(20)).decode()},
        b"x",
        460,
        "checksum_mismatch",
    ),
}


@pytest.mark.parametrize("what", PATCHES)
async def test_a_piece_that_does_not_fit_changes_nothing(tus: Tus, components: Components, what: str) -> None:
    headers, content, status, code = PATCHES[what]
    path = await tus.begin(100)
    assert (await tus.patch(path, 0, b"0123456789")).status_code == 204
    answer = await tus.ask("PATCH", path, {**BYTES, **headers}, content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "Upload-Offset" not in answer.headers
    assert await tus.offset(path) == 10
    assert await stored_sizes(components) == [10]


async def test_a_body_that_says_no_length_is_cut_at_the_uploads(tus: Tus, components: Components) -> None:
    path = await tus.begin(100)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(30)

    answer = await tus.patch(path, 0, endless())
    assert (answer.status_code, answer.json()["code"]) == (413, "upload_length_exceeded")
    assert await tus.offset(path) == 0
    assert await stored_sizes(components) == []


async def test_a_length_that_was_to_follow_is_said_once_and_within_the_cap(tus: Tus) -> None:
    path = await tus.begin(None)
    assert (await tus.head(path)).headers["Upload-Defer-Length"] == "1"
    assert (await tus.patch(path, 0, bytes(10))).headers["Upload-Offset"] == "10"
    for length, status in ((str(MB + 1), 413), ("9", 400), ("1000", 204), ("1000", 204), ("1001", 400)):
        answer = await tus.patch(path, 10, b"", Upload_Length=length)
        assert answer.status_code == status, length
    found = await tus.head(path)
    assert found.headers["Upload-Length"] == "1000"
    assert "Upload-Defer-Length" not in found.headers


async def test_a_length_that_was_to_follow_and_is_none_is_refused_as_an_empty_file(
    tus: Tus, components: Components
) -> None:
    path = await tus.begin(None)
    answer = await tus.patch(path, 0, b"", Upload_Length="0")
    assert (answer.status_code, answer.json()["code"]) == (400, "audio_empty")
    assert await nothing_left(components)


async def test_a_header_that_cannot_be_read_is_named_as_the_client_wrote_it(tus: Tus) -> None:
    answer = await tus.ask("POST", tus.path, {**NAMED, "Upload-Length": "-1"})
    assert answer.json()["message"] == "Upload-Length: must be a whole number of at most 18 digits."


async def test_an_upload_of_unknown_length_ends_at_the_cap(tus: Tus) -> None:
    path = await tus.begin(None)
    assert (await tus.patch(path, 0, bytes(MB))).status_code == 204
    answer = await tus.patch(path, MB, b"x")
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
async def test_bytes_with_the_right_checksum_are_taken(tus: Tus, algorithm: str) -> None:
    path = await tus.begin(100)
    digest = base64.b64encode(hashlib.new(algorithm, b"right").digest()).decode()
    assert (await tus.patch(path, 0, b"right", Upload_Checksum=f"{algorithm} {digest}")).status_code == 204
    assert await tus.offset(path) == 5


async def test_methods_that_a_network_holds_back_can_be_asked_for_by_post(tus: Tus) -> None:
    path = await tus.begin(100)

    async def post(method: str, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await tus.ask("POST", path, {**BYTES, "X-HTTP-Method-Override": method, **named}, b"01234")

    assert (await post("PATCH", Upload_Offset="0")).status_code == 204
    assert (await post("HEAD")).headers["Upload-Offset"] == "5"
    assert (await post("PUT")).status_code == 400
    assert (await post("DELETE")).status_code == 204
    assert (await tus.head(path)).status_code == 404


async def test_an_empty_piece_is_no_part(tus: Tus, components: Components) -> None:
    path = await tus.begin(len(AUDIO))
    answer = await tus.patch(path, 0, b"")
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "0")
    assert await stored_sizes(components) == []


async def test_an_account_has_so_many_unfinished_uploads_and_no_more(
    client: httpx.AsyncClient, world: World, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(components.intake.resumable, "_max_unfinished", 3)
    tus, other = Tus(client, await world.tenant()), Tus(client, await world.tenant("Other"))
    answers = await asyncio.gather(*(tus.create() for _ in range(6)))
    begun = [answer.headers["Location"] for answer in answers if answer.status_code == 201]
    refused = [answer.json() for answer in answers if answer.status_code == 403]
    assert (len(begun), [problem["code"] for problem in refused]) == (3, ["upload_limit_reached"] * 3)
    assert "3;" in refused[0]["message"]
    assert (await tus.create(content=AUDIO)).status_code == 403
    await other.begin()
    # Each way to be unfinished no longer makes room for one.
    assert (await tus.patch(begun[0], 0, AUDIO)).status_code == 204
    assert (await tus.ask("DELETE", begun[1], {})).status_code == 204
    async with components.database.transaction() as session:
        expiry = text("UPDATE uploads SET expires_at = now() - interval '1 second' WHERE id = :id")
        await session.execute(expiry, {"id": begun[2].rpartition("/")[2]})
    assert [(await tus.create()).status_code for _ in range(4)] == [201, 201, 201, 403]
