"""Resumable uploads by the IETF's draft: each step, each refusal, and that they are the uploads of tus under other headers."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from echoic.compose import Components
from echoic.intake import leases
from echoic.units import MB
from tests.api.ietf import LATEST, MORE, PIECE, PROBLEMS, Ietf, digest
from tests.api.tus import AUDIO, SlowBody, Tus, metadata, nothing_left, stored_sizes
from tests.factories import World

HALF = len(AUDIO) // 2
FORMS: dict[str, dict[str, str]] = {
    "the final form": {},
    **{version: {"Upload-Draft-Interop-Version": version} for version in ("5", "6", "7", "8")},
}


@pytest.fixture
async def ietf(client: httpx.AsyncClient, world: World) -> Ietf:
    return Ietf(client, await world.tenant(max_file_size_mb=1), LATEST)


def limits(answer: httpx.Response) -> dict[str, int]:
    pairs = (one.strip().partition("=") for one in answer.headers["Upload-Limit"].split(","))
    return {name: int(value) for name, _, value in pairs}


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def accepted(ietf: Ietf, answer: httpx.Response, *, content: bytes = AUDIO) -> int:
    """The answer is that of an upload in one request, and the item has the bytes."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["Upload-Complete"] == "?1"
    assert answer.headers["Repr-Digest"] == digest(content)
    body = answer.json()
    assert body == {
        "success": True,
        "item_id": body["item_id"],
        "message": "Audio file queued for transcription with priority 100",
    }
    item = (await ietf.client.get(f"/api/items/{body['item_id']}", headers=ietf.tenant.headers)).json()
    assert item["sha256"] == hashlib.sha256(content).hexdigest()
    return int(body["item_id"])


@pytest.mark.parametrize("form", FORMS)
async def test_an_upload_goes_step_by_step_in_every_form(client: httpx.AsyncClient, world: World, form: str) -> None:
    ietf = Ietf(client, await world.tenant(max_file_size_mb=1), FORMS[form])
    begun = await ietf.create(Upload_Length=str(len(AUDIO)))
    assert (begun.status_code, begun.headers["Upload-Complete"], begun.headers["Upload-Offset"]) == (201, "?0", "0")
    path = begun.headers["Location"]
    some = await ietf.append(path, 0, AUDIO[:HALF])
    assert (some.status_code, some.headers["Upload-Complete"], some.text) == (204, "?0", "")
    for method in ("HEAD", "GET"):
        stands = await ietf.look(path, method)
        assert (stands.status_code, stands.headers["Upload-Complete"]) == (204, "?0")
        assert (stands.headers["Upload-Offset"], stands.headers["Upload-Length"]) == (str(HALF), str(len(AUDIO)))
        assert stands.headers["Cache-Control"] == "no-store"
    done = await ietf.append(path, HALF, AUDIO[HALF:], last=True)
    item_id = await accepted(ietf, done)
    ended = await ietf.look(path)
    assert (ended.headers["Upload-Complete"], ended.headers["Item-Id"]) == ("?1", str(item_id))
    for answer in (begun, some, stands, done, ended):
        assert answer.headers.get("Upload-Draft-Interop-Version") == ietf.version.get("Upload-Draft-Interop-Version")
        assert "Tus-Resumable" not in answer.headers
        if form == "5":
            assert "Upload-Limit" not in answer.headers
        else:
            found = limits(answer)
            assert (found.pop("max-size"), found.pop("min-size")) == (MB, 1)
            assert list(found) == ["expires" if form == "6" else "max-age"]
            assert 86_000 < next(iter(found.values())) <= 86_400


async def test_the_limit_is_that_of_the_plan_where_it_is_smaller(client: httpx.AsyncClient, world: World) -> None:
    ietf = Ietf(client, await world.tenant(plan="free", max_file_size_mb=500), LATEST)
    assert limits(await ietf.ask("OPTIONS", ietf.path))["max-size"] == 200 * MB
    assert limits(await ietf.create())["max-size"] == 200 * MB


async def test_options_say_the_limits_beside_those_of_tus(ietf: Ietf) -> None:
    answer = await ietf.ask("OPTIONS", ietf.path)
    assert answer.status_code == 204
    assert limits(answer) == {"max-size": MB, "min-size": 1, "max-age": 86_400}
    assert answer.headers["Tus-Max-Size"] == str(MB)


async def test_one_request_brings_all_with_and_without_a_length(ietf: Ietf) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield AUDIO[:HALF]
        yield AUDIO[HALF:]

    first = await ietf.create(AUDIO, last=True)
    second = await ietf.create(pieces(), last=True)
    third = await ietf.create(AUDIO, last=True, Upload_Length=str(len(AUDIO)))
    assert len({await accepted(ietf, answer) for answer in (first, second, third)}) == 3
    assert first.headers["Location"] != second.headers["Location"]


async def test_a_length_that_nobody_said_is_where_the_upload_ends(ietf: Ietf) -> None:
    path = await ietf.begin(None)
    await ietf.append(path, 0, AUDIO[:HALF])
    assert "Upload-Length" not in (await ietf.look(path)).headers
    await ietf.append(path, HALF, AUDIO[HALF:])
    stands = await ietf.look(path)
    assert (stands.headers["Upload-Offset"], stands.headers["Upload-Complete"]) == (str(len(AUDIO)), "?0")
    await accepted(ietf, await ietf.append(path, len(AUDIO), b"", last=True))


async def test_an_upload_that_ends_without_a_byte_is_refused_and_gone(ietf: Ietf, components: Components) -> None:
    path = await ietf.begin(None)
    refused(await ietf.append(path, 0, b"", last=True), 400, "audio_empty")
    assert (await ietf.look(path)).status_code == 404
    assert await nothing_left(components)


@pytest.mark.parametrize("offset", ["-1", "+0", "0x0", "1e3", "", "9" * 16, "0, 0", "0.0"])
async def test_an_offset_that_is_no_number_is_refused(ietf: Ietf, offset: str) -> None:
    path = await ietf.begin()
    answer = await ietf.append(path, 0, b"x", Upload_Offset=offset)
    refused(answer, 400, "field_invalid")


async def test_parameters_of_values_mean_nothing(ietf: Ietf) -> None:
    path = await ietf.begin()
    answer = await ietf.append(path, 0, AUDIO, Upload_Complete="?1; a=1", Upload_Length=f"{len(AUDIO)};b")
    await accepted(ietf, answer)


async def test_a_lost_answer_to_the_last_bytes_comes_again(ietf: Ietf) -> None:
    path = await ietf.begin()
    first = await ietf.append(path, 0, AUDIO, last=True)
    again = await ietf.append(path, len(AUDIO), b"", last=True)
    assert await accepted(ietf, again) == await accepted(ietf, first)
    more = await ietf.append(path, len(AUDIO), b"more", last=True)
    refused(more, 400, "upload_completed")
    assert more.headers["Content-Type"] == "application/problem+json"
    assert more.json()["type"] == f"{PROBLEMS}completed-upload"


@pytest.mark.parametrize("offset", [0, HALF - 1, HALF + 1, len(AUDIO)])
async def test_another_offset_is_refused_with_the_right_one(ietf: Ietf, offset: int) -> None:
    path = await ietf.begin()
    await ietf.append(path, 0, AUDIO[:HALF])
    answer = await ietf.append(path, offset, AUDIO[offset:], last=True)
    refused(answer, 409, "upload_offset_mismatch")
    body = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Upload-Offset"] == str(HALF)
    assert body["type"] == f"{PROBLEMS}mismatching-upload-offset"
    assert (body["status"], body["expected-offset"], body["provided-offset"]) == (409, HALF, offset)
    await accepted(ietf, await ietf.append(path, HALF, AUDIO[HALF:], last=True))


LENGTHS: dict[str, tuple[dict[str, Any], bytes]] = {
    "another length is said": ({"Upload_Length": str(len(AUDIO) + 1)}, AUDIO[:HALF]),
    "the upload ends too early": ({"last": True}, AUDIO[:HALF]),
    "the request contradicts itself": ({"last": True, "Upload_Length": str(len(AUDIO))}, AUDIO[:HALF]),
    "an empty end too early": ({"last": True}, b""),
}


@pytest.mark.parametrize("what", LENGTHS)
async def test_lengths_that_contradict_each_other_are_refused_and_cost_nothing(ietf: Ietf, what: str) -> None:
    path = await ietf.begin()
    more, content = LENGTHS[what]
    answer = await ietf.append(path, 0, content, **more)
    refused(answer, 400, "upload_length_inconsistent")
    assert answer.json()["type"] == f"{PROBLEMS}inconsistent-upload-length"
    assert (await ietf.look(path)).headers["Upload-Offset"] == "0"
    await accepted(ietf, await ietf.append(path, 0, AUDIO, last=True))


async def test_an_early_end_without_a_declared_length_keeps_the_bytes(ietf: Ietf) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield AUDIO[:HALF]

    path = await ietf.begin()
    refused(await ietf.append(path, 0, half(), last=True), 400, "upload_length_inconsistent")
    assert (await ietf.look(path)).headers["Upload-Offset"] == str(HALF)
    await accepted(ietf, await ietf.append(path, HALF, AUDIO[HALF:], last=True))


REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], int, str]] = {
    "no name": ({"Content_Disposition": "inline"}, {}, 400, "field_invalid"),
    "a name of another kind": ({"Content_Disposition": 'inline; filename="a.exe"'}, {}, 415, "format_not_allowed"),
    "a name with a control character": (
        {"Content_Disposition": "inline; filename*=UTF-8''a%00.flac"},
        {},
        400,
        "field_invalid",
    ),
    "no truth value": ({"Upload_Complete": "1"}, {}, 400, "field_invalid"),
    "a length that is no number": ({"Upload_Length": "-5"}, {}, 400, "field_invalid"),
    "a length of nothing": ({"Upload_Length": "0"}, {}, 400, "audio_empty"),
    "a whole upload of nothing": ({"Upload_Complete": "?1"}, {}, 400, "audio_empty"),
    "a length over the cap": ({"Upload_Length": str(MB + 1)}, {}, 413, "file_too_large"),
    "metadata that is required": ({}, {"require_metadata": True}, 400, "metadata_required"),
    "a dataset of podcasts": ({}, {"content_type": "podcast"}, 400, "dataset_rejects_uploads"),
    "a digest that is none": ({"Repr_Digest": "sha-256=abc"}, {}, 400, "field_invalid"),
    "two digests": (
        {"Repr_Digest": digest(AUDIO), "Upload_Metadata": metadata(sha256="0" * 64)},
        {},
        400,
        "field_invalid",
    ),
    "an older version": ({"Upload_Draft_Interop_Version": "3"}, {}, 400, "field_invalid"),
}


@pytest.mark.parametrize("what", REFUSALS)
async def test_a_creation_is_refused_with_its_own_code_and_nothing_left(
    client: httpx.AsyncClient, world: World, components: Components, what: str
) -> None:
    headers, settings, status, code = REFUSALS[what]
    ietf = Ietf(client, await world.tenant(**{"max_file_size_mb": 1} | settings), LATEST)
    answer = await ietf.create(**headers)
    refused(answer, status, code)
    assert ("Upload-Limit" in answer.headers) == (status == 413)
    assert await nothing_left(components)


async def test_bytes_beyond_the_length_or_the_cap_are_refused(ietf: Ietf) -> None:
    path = await ietf.begin(HALF)
    beyond = await ietf.append(path, 0, AUDIO[: HALF + 1])
    refused(beyond, 413, "upload_length_exceeded")
    unknown = await ietf.begin(None)
    large = await ietf.append(unknown, 0, bytes(MB + 1))
    refused(large, 413, "file_too_large")
    assert limits(beyond)["max-size"] == limits(large)["max-size"] == MB


async def test_what_the_request_says_of_the_file_is_kept(ietf: Ietf) -> None:
    answer = await ietf.create(
        AUDIO,
        last=True,
        Content_Disposition="attachment; filename=\"a.wav\"; filename*=UTF-8''r%C3%A9de.flac",
        Repr_Digest=digest(AUDIO),
        Upload_Metadata=metadata(title="A speech", description="Of 1961", titel="x"),
    )
    assert answer.status_code == 200, answer.text
    assert [one["detail"]["did_you_mean"] for one in answer.json()["notices"]] == ["title"]
    found = await ietf.client.get(f"/api/items/{answer.json()['item_id']}", headers=ietf.tenant.headers)
    assert (found.json()["title"], found.json()["description"]) == ("A speech", "Of 1961")
    plain = await ietf.create(AUDIO, last=True, Content_Disposition="inline; filename*=UTF-8''r%C3%A9de.flac")
    named = await ietf.client.get(f"/api/items/{plain.json()['item_id']}", headers=ietf.tenant.headers)
    assert named.json()["title"] == "réde"


async def test_a_digest_of_a_request_counts_for_its_bytes_alone(ietf: Ietf, components: Components) -> None:
    path = await ietf.begin()
    wrong = await ietf.append(path, 0, AUDIO[:HALF], Content_Digest=digest(AUDIO))
    refused(wrong, 400, "digest_mismatch")
    assert (await ietf.look(path)).headers["Upload-Offset"] == "0"
    assert await stored_sizes(components) == []
    both = f"{digest(AUDIO[:HALF])}, {digest(AUDIO[:HALF], 'sha-512')}"
    assert (await ietf.append(path, 0, AUDIO[:HALF], Content_Digest=both)).status_code == 204
    last = await ietf.append(path, HALF, AUDIO[HALF:], last=True, Content_Digest=digest(AUDIO[HALF:]))
    await accepted(ietf, last)


async def test_a_file_that_is_not_the_one_that_was_meant_is_gone(ietf: Ietf, components: Components) -> None:
    path = await ietf.begin(Repr_Digest=digest(b"another"))
    refused(await ietf.append(path, 0, AUDIO, last=True), 400, "digest_mismatch")
    assert (await ietf.look(path)).status_code == 404
    assert await nothing_left(components)


async def test_an_upload_is_given_up(ietf: Ietf, components: Components) -> None:
    path = await ietf.begin()
    await ietf.append(path, 0, AUDIO[:HALF])
    assert (await ietf.ask("DELETE", path)).status_code == 204
    assert (await ietf.look(path)).status_code == (await ietf.ask("DELETE", path)).status_code == 404
    assert await nothing_left(components)


async def test_a_piece_says_its_type_where_the_version_has_one(ietf: Ietf) -> None:
    path = await ietf.begin()
    plain = {"Content-Type": "audio/flac", "Upload-Offset": "0", **MORE}
    refused(await ietf.ask("PATCH", path, plain, AUDIO[:HALF]), 415, "unsupported_request_type")
    ietf.version = {"Upload-Draft-Interop-Version": "5"}
    assert (await ietf.ask("PATCH", path, plain, AUDIO[:HALF])).status_code == 204
    ietf.version = {}
    refused(await ietf.ask("PATCH", path, {**PIECE, **MORE}, AUDIO[HALF:]), 400, "field_invalid")
    refused(await ietf.ask("PATCH", path, {**PIECE, "Upload-Offset": "0"}, AUDIO[HALF:]), 400, "field_invalid")


async def test_an_upload_begun_by_one_protocol_goes_on_by_the_other(ietf: Ietf) -> None:
    tus = Tus(ietf.client, ietf.tenant)
    path = await ietf.begin()
    assert (await tus.patch(path, 0, AUDIO[:HALF])).headers["Upload-Offset"] == str(HALF)
    first = await accepted(ietf, await ietf.append(path, HALF, AUDIO[HALF:], last=True))
    assert (await tus.head(path)).headers["Item-Id"] == str(first)
    other = await tus.begin()
    assert (await ietf.append(other, 0, AUDIO[:HALF])).headers["Upload-Offset"] == str(HALF)
    done = await tus.patch(other, HALF, AUDIO[HALF:])
    assert done.headers["Item-Id"] == (await ietf.look(other)).headers["Item-Id"]


async def test_a_stranger_is_told_that_first_and_others_see_nothing(ietf: Ietf, world: World) -> None:
    path = await ietf.begin()
    for method in ("HEAD", "GET", "PATCH", "DELETE"):
        sent = {**PIECE, **MORE, "Upload-Offset": "0"}
        assert (await ietf.client.request(method, path, headers=sent)).status_code == 401
        stranger = await world.tenant(f"Stranger {method}")
        answer = await ietf.client.request(method, path, headers={**stranger.headers, **sent})
        assert answer.status_code == 404
    assert (await ietf.look(path)).headers["Upload-Offset"] == "0"


async def test_a_newer_request_ends_the_one_at_work_which_keeps_its_bytes(
    app: Any, ietf: Ietf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.1)
    path = await ietf.begin()
    for asks in ("look", "append"):
        stands = int((await ietf.look(path)).headers["Upload-Offset"])
        older = SlowBody(app, Tus(ietf.client, ietf.tenant), path, stands, protocol={**PIECE, **MORE})
        older.send(AUDIO[stands : stands + 1000])
        await older.until_taken()
        if asks == "look":
            assert (await ietf.look(path)).headers["Upload-Offset"] == str(stands + 1000)
        else:
            answer = await ietf.append(path, stands + 1000, AUDIO[stands + 1000 :], last=True)
            await accepted(ietf, answer)
        assert await older.status() not in (200, 204)


async def test_of_two_that_add_the_same_bytes_one_is_told_where_the_upload_stands(
    ietf: Ietf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.1)
    path = await ietf.begin()
    answers = await asyncio.gather(*(ietf.append(path, 0, AUDIO, last=True) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) in ([200, 409, 409, 409], [200, 400, 400, 400])
    (done,) = [answer for answer in answers if answer.status_code == 200]
    await accepted(ietf, done)
