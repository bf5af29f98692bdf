"""What the head of a request says of its body and its query is checked on every route, after its key."""

import gzip
import itertools
import json
from typing import Any

import httpx

from echoic.compose import Components
from tests.api.tus import BYTES, VERSION, Tus, creation
from tests.api.uploading import AUDIO, form, nothing_left
from tests.factories import World, talk

SEARCH = json.dumps({"query": "deadline"}).encode()
PIECE = {**VERSION, **BYTES, "Upload-Offset": "0"}
ENCODED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "an upload": ("POST", "/api/datasets/{dataset_id}/items", form()),
    "a URL to fetch": ("POST", "/api/datasets/{dataset_id}/items", {"json": {"audio_url": "https://x.example/a.mp3"}}),
    "the beginning of a resumable upload": (
        "POST",
        "/api/datasets/{dataset_id}/uploads",
        {"headers": {**VERSION, **BYTES, **creation(len(AUDIO), {})}, "content": AUDIO},
    ),
    "a piece of one": ("PATCH", "/api/datasets/{dataset_id}/uploads/x", {"headers": PIECE, "content": AUDIO}),
    "a search": ("POST", "/api/search", {"content": gzip.compress(SEARCH)}),
    "a change": ("PATCH", "/api/datasets/{dataset_id}", {"json": {"name": "New"}}),
    "a change under an older name": ("PATCH", "/api/episodes/1/transcript/segments/0", {"json": {"text": "New"}}),
    "a voice": ("POST", "/api/libraries/library-1/speakers/1/clips", form()),
    "a call without a body": ("POST", "/api/items/1/cancel", {}),
}


async def test_a_body_that_is_compressed_is_refused_as_such(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    codings = itertools.cycle(("gzip", "GZIP", "identity, br", "deflate", "zstd"))
    for (method, path, request), coding in zip(ENCODED.values(), codings, strict=False):
        url = path.format(dataset_id=tenant.dataset_id)
        headers = {**request.get("headers", {}), "Content-Encoding": coding}
        answer = await client.request(method, url, **{**request, "headers": headers | tenant.headers})
        assert (answer.status_code, answer.json()["code"]) == (415, "content_encoding_unsupported"), answer.text
        assert "'identity'" in answer.json()["message"]
        assert answer.headers["accept-encoding"] == "identity"
        unknown = await client.request(method, url, **{**request, "headers": headers})
        assert unknown.status_code == 401
    signing_in = await client.post("/api/sign-in", headers={"Content-Encoding": "gzip"}, content=b"x")
    assert signing_in.json()["code"] == "content_encoding_unsupported"
    assert await nothing_left(components)


async def test_a_body_that_is_said_to_be_as_it_is_is_taken(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    for coding in ("identity", "Identity", ""):
        headers = tenant.headers | {"Content-Encoding": coding}
        found = await client.post("/api/search", content=SEARCH, headers=headers)
        uploaded = await client.post(f"/api/datasets/{tenant.dataset_id}/items", headers=headers, **form())
        assert (found.status_code, uploaded.status_code) == (200, 200)


SLIPS = [
    ("GET", "/api/datasets", "limt=1", "limit"),
    ("GET", "/api/datasets", "Limit=1", "limit"),
    ("GET", "/api/datasets/{dataset_id}/items", "state=failed", "status"),
    ("GET", "/api/datasets/{dataset_id}/items", "limit=1&ofset=1", "offset"),
    ("GET", "/api/podcasts/{dataset_id}/episodes", "order_by=title", "order"),
    ("GET", "/api/items/{item_id}/transcript", "fromat=srt", "format"),
    ("GET", "/api/episodes/{item_id}/transcript", "speeker=A", "speaker"),
    ("GET", "/api/search", "q=over&limits=1", "limit"),
    ("POST", "/api/datasets/{dataset_id}/items", "on-duplicate=reject", "on_duplicate"),
    ("POST", "/api/datasets/{dataset_id}/uploads", "onDuplicate=reject", "on_duplicate"),
    ("DELETE", "/api/libraries/library-1", "forced=true", "force"),
]


async def test_a_slip_in_a_query_is_refused_with_what_was_meant(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("over"))
    for method, path, slip, meant in SLIPS:
        url = f"{path.format(dataset_id=tenant.dataset_id, item_id=item_id)}?{slip}"
        answer = await client.request(method, url, headers=tenant.headers | VERSION)
        assert (answer.status_code, answer.json()["code"]) == (400, "field_invalid"), answer.text
        assert f"did you mean '{meant}'? Allowed are " in answer.json()["message"]
        assert (await client.request(method, url, headers=VERSION)).status_code == 401


async def test_a_parameter_that_means_nothing_is_passed_over_and_named_in_the_head(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    url = "/api/datasets?limit=1&utm_source=x&_=17&limit=2&%0D%0Aname=1&\u00fc=2"
    answer = await client.get(url, headers=tenant.headers)
    assert answer.status_code == 200
    assert answer.headers["x-ignored-parameters"] == "utm_source, _, %0D%0Aname, %C3%BC"
    assert len(answer.json()["datasets"]) == 1
    refused = await client.get("/api/datasets?limit=0&country=us", headers=tenant.headers)
    assert (refused.status_code, refused.headers["x-ignored-parameters"]) == (400, "country")
    many = await client.get("/api/datasets", params={f"{n}{'x' * 200}": n for n in range(50)}, headers=tenant.headers)
    assert len(many.headers["x-ignored-parameters"]) < 500


async def test_parameters_that_are_known_leave_the_head_as_it_is(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    answer = await client.get(f"/api/datasets?api_key={tenant.key}&offset=0")
    assert answer.status_code == 200
    assert "x-ignored-parameters" not in answer.headers


NOT_OFFERED: list[tuple[dict[str, str], str]] = [
    ({"Upload-Concat": "partial"}, "concatenation"),
    ({"Upload-Concat": "final;/api/datasets/1/uploads/a /api/datasets/1/uploads/b"}, "concatenation"),
    ({"Trailer": "Upload-Checksum"}, "checksum-trailer"),
    ({"Trailer": "Server-Timing, upload-checksum"}, "checksum-trailer"),
]


async def test_an_extension_of_tus_that_is_not_offered_is_refused(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tus = Tus(client, await world.tenant())
    for headers, extension in NOT_OFFERED:
        created = await tus.ask("POST", tus.path, creation(len(AUDIO), {}) | headers)
        assert (created.status_code, created.json()["code"]) == (400, "tus_extension_not_offered")
        assert f"'{extension}'" in created.json()["message"]
        assert "creation-with-upload" in created.json()["message"]
        assert created.headers["tus-resumable"] == "1.0.0"
    assert await nothing_left(components)
    location = await tus.begin()
    for headers, _ in NOT_OFFERED:
        refused = await tus.ask("PATCH", location, {**BYTES, "Upload-Offset": "0"} | headers, AUDIO)
        assert (refused.status_code, refused.json()["code"]) == (400, "tus_extension_not_offered")
    assert (await tus.patch(location, 0, AUDIO)).status_code == 204


async def test_a_header_that_has_one_value_is_refused_where_it_is_given_twice(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant, other = await world.tenant(), await world.tenant()
    key, another = tenant.headers["Authorization"], other.headers["Authorization"]
    uploads = f"/api/datasets/{tenant.dataset_id}/uploads"
    begins = [*VERSION.items(), *creation(len(AUDIO), {}).items()]
    asked: list[tuple[str, str, list[tuple[str, str]]]] = [
        ("GET", "/api/account", [("Authorization", another)]),
        ("POST", "/api/search", [("Content-Type", "application/json"), ("Content-Type", "text/plain")]),
        ("GET", "/api/items/1/audio", [("Range", "bytes=0-1"), ("Range", "bytes=5-9")]),
        ("POST", uploads, [*begins, ("Upload-Length", "1")]),
        ("POST", uploads, [*begins, ("Tus-Resumable", "0.2.0")]),
        ("PATCH", f"{uploads}/x", [*VERSION.items(), *BYTES.items(), ("Upload-Offset", "0"), ("Upload-Offset", "5")]),
    ]
    for method, path, headers in asked:
        answer = await client.request(method, path, headers=[("Authorization", key), *headers])
        assert (answer.status_code, answer.json()["code"]) == (400, "field_invalid"), answer.text
        assert answer.json()["message"] == f"The header {headers[-1][0]} must be given once."
    unknown = [("Authorization", "Bearer ek_unknown"), ("Authorization", key)]
    assert (await client.get("/api/account", headers=unknown)).status_code == 401
    assert await nothing_left(components)
