"""What is said of requests that do not fit: words, never the texts of pydantic or regular expressions."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from echoic.api.openapi import DocumentedApi
from echoic.api.patterns import NOT_BLANK, WORDS
from echoic.api.tus import BYTES_TYPE
from echoic.api.upload_bodies import LANGUAGES_PATTERN
from tests.factories import World

DOCUMENTED_ALONE = {
    LANGUAGES_PATTERN,
    NOT_BLANK,
    "^(sha1 [A-Za-z0-9+/]{27}=|sha256 [A-Za-z0-9+/]{43}=)$",
    "^[!-~]([ -~]*[!-~])?$",
    "^[1-9][0-9]{0,14}$",
    "^[Hh][Tt][Tt][Pp][Ss]://",
}
"""Patterns of what is checked elsewhere, by code with messages of its own."""
FOREIGN = re.compile(
    r"input should|should (?:be|match|have)|valid (?:string|integer|boolean|array|list)|[\^]|field required"
)

REQUESTS: list[tuple[str, str, Any]] = [
    ("POST", "/api/datasets", {}),
    ("POST", "/api/datasets", {"name": 5}),
    ("POST", "/api/datasets", {"name": "x", "library": "Not a slug"}),
    ("POST", "/api/datasets", {"name": "x", "allowed_formats": "mp3"}),
    ("POST", "/api/datasets", {"name": "x", "allowed_formats": ["../x"] * 9}),
    ("POST", "/api/datasets", {"name": "x", "engine": "a b", "initial_prompt": "a\0b", "tier": "best"}),
    ("POST", "/api/datasets", {"name": "x", "num_speakers": 1.5, "max_speakers": 101, "min_speakers": 0}),
    ("POST", "/api/datasets", {"name": "x", "replacements": ["a=b"]}),
    ("POST", "/api/datasets", {"name": "x", "replacements": [{"find": "a"}]}),
    ("POST", "/api/datasets", {"name": "x", "vocabulary": ["a"] * 101}),
    ("POST", "/api/keys", {"name": "x", "expires_at": "soon"}),
    ("POST", "/api/keys", {"name": "x", "expires_at": "2030-02-30T00:00:00Z"}),
    ("POST", "/api/keys", {"name": "x", "expires_at": 5}),
    ("POST", "/api/libraries", {"slug": "A b", "name": ""}),
    ("POST", "/api/search", {"query": "a", "filters": 5}),
    ("POST", "/api/search", {"query": "a", "filters": {"min_confidence": "NaN"}}),
    ("GET", "/api/items/1/transcript?start=-1&offset=x&limit=0&format=doc", None),
    ("GET", "/api/items/1/transcript?speaker=%00", None),
    ("GET", "/api/datasets?library=A+b&limit=1000", None),
    ("GET", "/api/podcasts?language=german", None),
]


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
async def test_a_request_that_does_not_fit_is_answered_in_words(
    client: httpx.AsyncClient, world: World, method: str, path: str, body: Any
) -> None:
    tenant = await world.tenant()
    answer = await client.request(method, path, headers=tenant.headers, json=body)
    message = answer.json()["message"]
    assert (answer.status_code, answer.json()["code"]) == (400, "field_invalid"), message
    assert not FOREIGN.search(message.lower()), message
    assert "not what is expected" not in message


NAMED = (
    ("/api/datasets", "name"),
    ("/api/libraries", "name"),
    ("/api/keys", "name"),
    ("/api/notifications", "search_term"),
    ("/api/notifications", "name"),
    ("/api/items/1/speakers/SPEAKER_00", "name"),
    ("/api/shares", "title"),
)


async def test_a_name_that_shows_nothing_is_refused_by_its_field(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    for path, field in NAMED:
        for name in ("\u200b\u200d", "\u2800", "\u3164", "\u202e\u2066"):
            answer = await client.post(path, headers=tenant.headers, json={field: name})
            assert (answer.status_code, answer.json()["code"]) == (400, "field_invalid")
            assert f"{field}: must hold a character that can be seen" in answer.json()["message"]


async def test_headers_and_broken_json_are_answered_in_words(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    headers = {**tenant.headers, "Tus-Resumable": "1.0.0"}
    uploads = f"/api/datasets/{tenant.dataset_id}/uploads"
    missing = await client.post(uploads, headers={**headers, "Upload-Length": "many"})
    assert "Upload-Metadata: is missing." in missing.json()["message"]
    assert "Upload-Length: must be a whole number of at most 18 digits." in missing.json()["message"]
    patched = await client.patch(f"{uploads}/x", headers={**headers, "Content-Type": BYTES_TYPE})
    assert patched.json()["message"] == "Upload-Offset: is missing."
    broken = await client.post("/api/datasets", headers=tenant.headers, content=b'{"name": ')
    assert broken.json()["message"] == "The body is not valid JSON: EOF while parsing a value at line 1 column 9."


async def test_broken_json_is_told_alike_wherever_it_is_sent(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    headers = {**tenant.headers, "Content-Type": "application/json"}
    for content, fault in (
        (b"", "EOF while parsing a value at line 1 column 0"),
        (b'{"title": ', "EOF while parsing a value at line 1 column 10"),
        (b"{'title': 1}", "key must be a string at line 1 column 2"),
        (b'{"title":\n tru}', "expected ident at line 2 column 5"),
        (b"\xef\xbb\xbf[1,]", "trailing comma at line 1 column 4"),
    ):
        for path in ("/api/search", "/api/datasets", f"/api/datasets/{tenant.dataset_id}/items"):
            answer = await client.post(path, headers=headers, content=content)
            assert (answer.status_code, answer.json()["code"]) == (400, "json_malformed"), path
            assert answer.json()["message"] == f"The body is not valid JSON: {fault}."


async def test_fields_are_named_as_people_write_them(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    for method, path, body, beginning in (
        ("GET", "/api/items/1/transcript?format=json,doc", None, "format: must be 'json'"),
        ("GET", "/api/datasets?limit=x", None, "limit: must be"),
        ("POST", "/api/search", {"query": "a", "filters": {"items": [1, "x"]}}, "filters.items[1]: must be"),
        ("POST", "/api/datasets", {"name": "x", "replacements": [{"find": 1}]}, "replacements[0].find: must be"),
    ):
        answer = await client.request(method, path, headers=tenant.headers, json=body)
        assert answer.json()["message"].startswith(beginning), answer.json()["message"]


def test_every_pattern_of_the_document_has_words(app: DocumentedApi) -> None:
    def patterns(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("pattern"), str):
                yield node["pattern"]
            node = list(node.values())
        if isinstance(node, list):
            for part in node:
                yield from patterns(part)

    assert set(patterns(app.openapi())) - DOCUMENTED_ALONE == set(WORDS)
