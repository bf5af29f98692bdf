"""The OpenAPI document and its page."""

import base64
import hashlib
import json
import re
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from echoic.api.openapi import DocumentedApi
from tests.api.open_paths import OPEN_PATHS


def references(node: Any) -> set[str]:
    match node:
        case dict():
            inner = [references(value) for value in node.values()]
            return set().union(*inner, {node["$ref"]} if isinstance(node.get("$ref"), str) else set())
        case list():
            return set().union(*map(references, node))
        case _:
            return set()


async def test_the_document_is_valid_and_whole(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/openapi.json")).json()
    validate(document)
    schemas = document["components"]["schemas"]
    known = {f"#/components/{kind}/{name}" for kind, named in document["components"].items() for name in named}
    assert known >= references(document)
    assert "$defs" not in str(document)
    body = document["paths"]["/api/search"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/SearchBody"}
    assert set(schemas["SearchBody"]["properties"]) >= {"query", "search_type", "filters", "pagination", "limit"}
    assert "HTTPValidationError" not in schemas


def test_operations_keep_their_names_for_generated_clients(app: DocumentedApi) -> None:
    paths = app.openapi()["paths"]
    named = {operation["operationId"] for methods in paths.values() for operation in methods.values()}
    assert named >= {
        "uploadAudio",
        "getItem",
        "listDatasetItems",
        "transcribeItem",
        "getTranscript",
        "getAudio",
        "streamItemEvents",
        "search",
        "createUpload",
        "checkReady",
    }
    assert len(named) == sum(len(methods) for methods in paths.values())


def test_every_operation_but_the_open_ones_names_the_key_it_needs(app: DocumentedApi) -> None:
    for path, methods in app.openapi()["paths"].items():
        for operation in methods.values():
            assert ("security" in operation) == (path.startswith(("/api/", "/v1/")) and path not in OPEN_PATHS), path
            # In a URL a key ends up in logs, and some generated clients send it to every place that is named.
            assert {"ApiKeyInQuery": []} not in operation.get("security", [])


def test_every_example_of_an_answer_fits_its_schema(app: DocumentedApi) -> None:
    document = app.openapi()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for status, told in operation["responses"].items():
                answer = document["components"]["responses"].get(told.get("$ref", "").rpartition("/")[2], told)
                content = answer.get("content", {}).get("application/json", {})
                if "example" in content:
                    schema = {**content["schema"], "components": document["components"]}
                    OAS31Validator(schema).validate(content["example"])
                    assert content["example"], (path, status)


def test_an_upload_documents_each_status_of_the_upload_api_with_its_codes(app: DocumentedApi) -> None:
    document = app.openapi()
    responses = document["paths"]["/api/datasets/{dataset_id}/items"]["post"]["responses"]
    assert responses.keys() >= {"200", "400", "401", "403", "404", "413", "415", "422", "429", "500", "503", "default"}
    assert "`quota_exhausted`" in responses["403"]["description"]
    assert responses["404"] == {"$ref": "#/components/responses/DatasetNotFound"}
    assert "`url_forbidden`" in responses["422"]["description"]
    assert (
        document["components"]["responses"]["RateLimited"]["content"]["application/json"]["example"]["retry_after"]
        == 60
    )


def test_what_a_key_that_may_not_read_is_answered_is_documented(app: DocumentedApi) -> None:
    paths = app.openapi()["paths"]
    assert "`read`" in paths["/api/libraries/{slug}"]["patch"]["responses"]["204"]["description"]
    assert "204" not in paths["/api/datasets/{dataset_id}/items"]["post"]["responses"]


async def test_the_page_needs_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(links) == 3
    for link in links:
        assert link.startswith("/docs/files/")
        assert (await client.get(link)).status_code == 200
    assert "/api/openapi.json" in page
    assert "//cdn" not in page


async def test_the_page_runs_its_own_scripts_and_no_others(client: httpx.AsyncClient) -> None:
    answer = await client.get("/docs")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    (inline,) = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
    assert policy["script-src"] == f"'self' 'sha256-{digest}'"
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["connect-src"] == "'self'"


@pytest.mark.parametrize("asked", ["/docs/files/../__init__.py", "/docs/files/%2e%2e/core.py"])
async def test_the_page_serves_only_its_files(client: httpx.AsyncClient, asked: str) -> None:
    assert (await client.get(asked)).status_code == 404


def test_bounds_are_written_as_json_schema_names_them(app: DocumentedApi) -> None:
    """Pydantic writes a bound under its own name where another rule stands before it, and clients pass over that name."""
    assert not re.search(r'"(?:ge|gt|le|lt)":', json.dumps(app.openapi()))
