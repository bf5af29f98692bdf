"""Registration of clients (RFC 7591), as hosted and local programs do it."""

import time
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from echoic.compose import Components
from echoic.oauth.clients import REGISTERING
from echoic.oauth.server import forget_expired
from tests.api.oauth_flow import BACK, HOSTED, connected, registered, under
from tests.factories import World


async def test_a_public_client_gets_no_secret(client: httpx.AsyncClient) -> None:
    answer = await registered(client, token_endpoint_auth_method="none")
    assert answer.status_code == 201
    made = answer.json()
    assert made["token_endpoint_auth_method"] == "none"
    assert "client_secret" not in made
    assert "client_secret_expires_at" not in made
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
async def test_a_confidential_client_gets_its_method_as_asked_and_a_secret(
    client: httpx.AsyncClient, components: Components, method: str
) -> None:
    made = (await registered(client, token_endpoint_auth_method=method)).json()
    assert made["token_endpoint_auth_method"] == method
    assert len(made["client_secret"]) > 40
    assert made["client_secret_expires_at"] == 0
    async with components.database.transaction() as session:
        kept = str((await session.execute(text("SELECT row_to_json(c) FROM oauth_clients c"))).all())
    assert made["client_secret"] not in kept


async def test_a_client_that_names_no_method_is_one_with_a_secret_in_the_header(client: httpx.AsyncClient) -> None:
    """The default of RFC 7591, section 2."""
    made = (await registered(client, token_endpoint_auth_method=None)).json()
    assert made["token_endpoint_auth_method"] == "client_secret_basic"
    assert made["client_secret"]


async def test_the_answer_repeats_what_was_kept_and_leaves_out_what_is_absent(client: httpx.AsyncClient) -> None:
    asked = {
        "redirect_uris": [BACK, HOSTED],
        "client_name": "Agent",
        "client_uri": "https://agent.example",
        "logo_uri": None,
        "software_id": "agent-7",
        "application_type": "native",
        "scope": "read openid",
        "grant_types": ["authorization_code", "refresh_token", "password"],
        "response_types": ["code"],
        "jwks_uri": "https://agent.example/keys",
    }
    made = (await registered(client, **asked)).json()
    assert abs(made.pop("client_id_issued_at") - time.time()) < 60
    assert made.pop("client_id").startswith("client_")
    assert made == {
        "redirect_uris": [BACK, HOSTED],
        "client_name": "Agent",
        "client_uri": "https://agent.example",
        "software_id": "agent-7",
        "application_type": "native",
        "scope": "read",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://a.example"}, "invalid_redirect_uri"),
        ({"redirect_uris": [7]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://agent.example/callback"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://agent.example/#part"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://user@agent.example/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://good.example\\@evil.example/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["data:text/html,hello"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["/callback"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://127.0.0.1.evil.example/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://localhost:80@evil.example/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://agent.example/ä"]}, "invalid_redirect_uri"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"client_name": "Agent\u202egpj.exe"}, "invalid_client_metadata"),
        ({"client_name": "a" * 101}, "invalid_client_metadata"),
        ({"scope": ["read"]}, "invalid_client_metadata"),
    ],
)
async def test_a_description_that_cannot_be_used_is_refused_with_the_code_of_the_protocol(
    client: httpx.AsyncClient, wrong: dict[str, Any], code: str
) -> None:
    answer = await registered(client, **wrong)
    assert (answer.status_code, answer.json()["error"]) == (400, code)
    assert answer.json()["error_description"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"text"', b"\xff"])
async def test_a_body_that_is_no_object_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/oauth/register", content=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


async def test_a_large_body_is_refused(client: httpx.AsyncClient) -> None:
    answer = await registered(client, padding="a" * 70_000)
    assert (answer.status_code, answer.json()["error"]) == (413, "invalid_client_metadata")


async def test_programs_on_the_device_register_their_own_scheme_and_the_loopback(client: httpx.AsyncClient) -> None:
    uris = ["cursor://anysphere.cursor-mcp/oauth/callback", "http://localhost/callback", "http://[::1]:9/"]
    assert (await registered(client, redirect_uris=uris)).json()["redirect_uris"] == uris


async def test_the_setting_limits_where_programs_may_lead_back(components: Components) -> None:
    async with under(components, oauth_redirect_hosts=("agent.example", "localhost", "cursor:")) as client:
        for uri in (HOSTED, BACK, "cursor://callback"):
            assert (await registered(client, redirect_uris=[uri])).status_code == 201, uri
        for uri in ("https://other.example/", "https://sub.agent.example/", "vscode://callback"):
            refused = await registered(client, redirect_uris=[uri])
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_redirect_uri"), uri


async def test_registering_is_slowed_for_an_address(client: httpx.AsyncClient) -> None:
    for _ in range(REGISTERING.at_once):
        assert (await registered(client)).status_code == 201
    refused = await registered(client)
    assert (refused.status_code, refused.json()["error"]) == (429, "temporarily_unavailable")
    assert 0 < int(refused.headers["retry-after"]) <= REGISTERING.seconds_each


async def test_clients_that_nobody_connected_are_forgotten_when_unused_for_a_month(
    client: httpx.AsyncClient, components: Components, world: World
) -> None:
    tenant = await world.tenant()
    ids = [(await registered(client)).json()["client_id"] for _ in range(3)]
    async with components.database.transaction() as session:
        await connected(session, tenant, client_id=ids[0])
        aged = text("UPDATE oauth_clients SET last_used_at = now() - interval '31 days' WHERE client_id = ANY(:ids)")
        await session.execute(aged, {"ids": ids[:2]})
    await forget_expired(components.database)
    async with components.database.transaction() as session:
        kept = set(await session.scalars(text("SELECT client_id FROM oauth_clients")))
    assert kept == {ids[0], ids[2]}
