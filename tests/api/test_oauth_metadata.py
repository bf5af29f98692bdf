"""What the server says of itself to programs, at all the places where they look, also from pages of other origins."""

import httpx
import pytest

from echoic.compose import Components
from tests.api.oauth_flow import ISSUER, RESOURCE, under

SERVER = ("/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/mcp")
PROTECTED = ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp")
PROTOCOL = (*SERVER, *PROTECTED, "/oauth/register", "/oauth/token", "/oauth/revoke")


@pytest.mark.parametrize("path", SERVER)
async def test_the_authorization_server_describes_itself_at_both_places(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert told["issuer"] == ISSUER
    assert told["authorization_endpoint"] == f"{ISSUER}/oauth/authorize"
    assert told["token_endpoint"] == f"{ISSUER}/oauth/token"
    assert told["registration_endpoint"] == f"{ISSUER}/oauth/register"
    assert told["revocation_endpoint"] == f"{ISSUER}/oauth/revoke"
    assert told["scopes_supported"] == ["read", "write"]
    assert told["response_types_supported"] == ["code"]
    assert told["grant_types_supported"] == ["authorization_code", "refresh_token"]


async def test_clients_find_pkce_and_cimd_and_iss_announced(client: httpx.AsyncClient) -> None:
    told = (await client.get(SERVER[0])).json()
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["client_id_metadata_document_supported"] is True
    assert told["authorization_response_iss_parameter_supported"] is True


async def test_public_and_both_kinds_of_confidential_clients_are_announced(client: httpx.AsyncClient) -> None:
    told = (await client.get(SERVER[0])).json()
    methods = {"none", "client_secret_post", "client_secret_basic"}
    assert set(told["token_endpoint_auth_methods_supported"]) == methods
    assert set(told["revocation_endpoint_auth_methods_supported"]) == methods


@pytest.mark.parametrize("path", PROTECTED)
async def test_the_resource_describes_itself_at_both_places_as_exactly_its_url(
    client: httpx.AsyncClient, path: str
) -> None:
    assert (await client.get(path)).json() == {
        "resource": RESOURCE,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["read", "write"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Echoic",
        "resource_documentation": f"{ISSUER}/docs",
    }


async def test_no_field_of_a_description_is_null(client: httpx.AsyncClient) -> None:
    for path in (*SERVER, *PROTECTED):
        assert None not in (await client.get(path)).json().values()


async def test_issuer_and_resource_come_from_the_public_url_whatever_the_host(components: Components) -> None:
    async with under(components, public_url="https://audio.example.org/") as client:
        forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
        for path in (*SERVER, *PROTECTED):
            answer = await client.get(path, headers=forged)
            assert "evil" not in answer.text
        assert (await client.get(SERVER[0], headers=forged)).json()["issuer"] == "https://audio.example.org"
        resource = (await client.get(PROTECTED[0], headers=forged)).json()["resource"]
        assert resource == "https://audio.example.org/mcp"


async def test_a_server_that_cannot_know_its_address_connects_no_programs(components: Components) -> None:
    async with under(components, public_url=None, port=0) as client:
        for path in (*SERVER, *PROTECTED):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (404, "oauth_not_set_up")
        assert (await client.post("/oauth/register", json={})).status_code == 404


@pytest.mark.parametrize("path", PROTOCOL)
async def test_pages_of_other_origins_may_ask_without_cookies(client: httpx.AsyncClient, path: str) -> None:
    asking = {
        "Origin": "https://inspector.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, mcp-protocol-version",
    }
    before = await client.options(path, headers=asking)
    assert before.status_code == 204
    assert before.headers["access-control-allow-origin"] == "*"
    assert "mcp-protocol-version" in before.headers["access-control-allow-headers"].lower()
    assert "POST" in before.headers["access-control-allow-methods"]
    then = await client.request("GET" if "well-known" in path else "POST", path, headers=asking)
    assert then.headers["access-control-allow-origin"] == "*"
    for answer in (before, then):
        assert "access-control-allow-credentials" not in answer.headers
