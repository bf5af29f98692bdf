"""Tokens for codes and refresh tokens: what each is bound to, that each serves once, and how a thief is noticed."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import text

from echoic.compose import Components
from echoic.errors import Unauthorized
from echoic.oauth.bearer import Bearer, by_access_token
from echoic.oauth.exchange import ASKING
from tests.api.oauth_flow import RESOURCE, Program, allowed, program, works
from tests.factories import Tenant


async def bearer(components: Components, token: str) -> Bearer:
    return await by_access_token(token, components.database, resource=RESOURCE)


def is_refused(answer: httpx.Response, code: str, status: int = 400) -> bool:
    assert (answer.status_code, answer.json()["error"]) == (status, code), answer.text
    assert answer.headers["cache-control"] == "no-store"
    return True


async def test_a_code_gives_an_opaque_token_of_an_hour_for_the_resource_and_the_account(
    person: httpx.AsyncClient, agent: Program, components: Components, ada: Tenant
) -> None:
    answer = await agent.exchange((await allowed(person, agent.query()))["code"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    given = answer.json()
    assert (given["token_type"], given["expires_in"], given["scope"]) == ("Bearer", 3600, "read write")
    found = await bearer(components, given["access_token"])
    assert found.use.caller.account_id == ada.account_id
    assert found.client_id == agent.client_id
    assert 0 < (found.expires_at - datetime.now(UTC)).total_seconds() <= 3600
    with pytest.raises(Unauthorized):
        await by_access_token(given["refresh_token"], components.database, resource=RESOURCE)
    with pytest.raises(Unauthorized):
        await by_access_token(given["access_token"], components.database, resource="http://localhost:8080")


async def test_codes_and_tokens_are_kept_as_hashes_only(
    person: httpx.AsyncClient, agent: Program, components: Components
) -> None:
    code = (await allowed(person, agent.query()))["code"]
    given = (await agent.exchange(code)).json()
    async with components.database.transaction() as session:
        tables = ("oauth_codes", "oauth_tokens", "oauth_grants", "oauth_clients")
        kept = [str((await session.execute(text(f"SELECT row_to_json(t) FROM {name} t"))).all()) for name in tables]  # noqa: S608
    for secret in (code, given["access_token"], given["refresh_token"], agent.verifier):
        assert not any(secret in rows or secret[3:] in rows for rows in kept)


async def test_a_code_that_is_used_twice_ends_all_that_it_gave(
    person: httpx.AsyncClient, agent: Program, components: Components
) -> None:
    code = (await allowed(person, agent.query()))["code"]
    given = (await agent.exchange(code)).json()
    renewed = (await agent.refresh(given["refresh_token"])).json()
    assert await works(components, renewed["access_token"])
    assert is_refused(await agent.exchange(code), "invalid_grant")
    for token in (given["access_token"], renewed["access_token"]):
        assert not await works(components, token)
    assert is_refused(await agent.refresh(renewed["refresh_token"]), "invalid_grant")


async def test_of_two_who_use_a_code_at_once_neither_keeps_tokens(
    person: httpx.AsyncClient, agent: Program, components: Components
) -> None:
    code = (await allowed(person, agent.query()))["code"]
    answers = await asyncio.gather(*(agent.exchange(code) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400]
    (given,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert not await works(components, given["access_token"])


async def test_a_code_runs_out(person: httpx.AsyncClient, agent: Program, components: Components) -> None:
    code = (await allowed(person, agent.query()))["code"]
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE oauth_codes SET expires_at = now() - interval '1 second'"))
    assert is_refused(await agent.exchange(code), "invalid_grant")


async def test_a_code_is_bound_to_its_client(
    person: httpx.AsyncClient, agent: Program, client: httpx.AsyncClient
) -> None:
    other = await program(client)
    other.verifier = agent.verifier
    code = (await allowed(person, agent.query()))["code"]
    assert is_refused(await other.exchange(code), "invalid_grant")
    assert is_refused(await agent.exchange(code), "invalid_grant")  # it was used up


async def test_a_code_is_bound_to_its_redirect_address(person: httpx.AsyncClient, agent: Program) -> None:
    code = (await allowed(person, agent.query()))["code"]
    assert is_refused(await agent.exchange(code, redirect_uri="http://127.0.0.1:7778/callback"), "invalid_grant")
    code = (await allowed(person, agent.query()))["code"]
    assert (await agent.exchange(code, redirect_uri=None)).status_code == 200  # as OAuth 2.1 sends it


@pytest.mark.parametrize("verifier", ["b" * 48, "b" * 42, "b" * 129, "ä" * 48])
async def test_a_code_is_bound_to_its_challenge(person: httpx.AsyncClient, agent: Program, verifier: str) -> None:
    code = (await allowed(person, agent.query()))["code"]
    assert is_refused(await agent.exchange(code, code_verifier=verifier), "invalid_grant")


async def test_a_code_without_a_verifier_gives_nothing(person: httpx.AsyncClient, agent: Program) -> None:
    code = (await allowed(person, agent.query()))["code"]
    assert is_refused(await agent.exchange(code, code_verifier=None), "invalid_request")


async def test_a_code_is_bound_to_its_resource(person: httpx.AsyncClient, agent: Program) -> None:
    code = (await allowed(person, agent.query()))["code"]
    assert is_refused(await agent.exchange(code, resource="https://elsewhere.example/mcp"), "invalid_target")


async def test_clients_that_know_nothing_of_resources_get_tokens_for_the_one_there_is(
    person: httpx.AsyncClient, agent: Program, components: Components
) -> None:
    code = (await allowed(person, agent.query(resource=None)))["code"]
    given = (await agent.exchange(code, resource=None)).json()
    assert await works(components, given["access_token"])


async def test_a_refresh_token_serves_once_and_gives_the_next(
    person: httpx.AsyncClient, agent: Program, components: Components
) -> None:
    given = (await agent.exchange((await allowed(person, agent.query()))["code"])).json()
    seen = {given["refresh_token"]}
    for _ in range(3):
        given = (await agent.refresh(given["refresh_token"])).json()
        assert given["refresh_token"] not in seen
        seen.add(given["refresh_token"])
        assert await works(components, given["access_token"])


@pytest.mark.parametrize("method", ["none", "client_secret_post"])
async def test_a_refresh_token_that_is_used_twice_ends_its_family(
    person: httpx.AsyncClient, client: httpx.AsyncClient, components: Components, method: str
) -> None:
    one = await program(client, token_endpoint_auth_method=method)
    first = (await one.exchange((await allowed(person, one.query()))["code"])).json()
    second = (await one.refresh(first["refresh_token"])).json()
    assert is_refused(await one.refresh(first["refresh_token"]), "invalid_grant")
    for token in (first["access_token"], second["access_token"]):
        assert not await works(components, token)
    assert is_refused(await one.refresh(second["refresh_token"]), "invalid_grant")


async def test_of_two_who_use_a_refresh_token_at_once_neither_keeps_tokens(
    person: httpx.AsyncClient, agent: Program, components: Components
) -> None:
    first = (await agent.exchange((await allowed(person, agent.query()))["code"])).json()
    answers = await asyncio.gather(*(agent.refresh(first["refresh_token"]) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400]
    (given,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert not await works(components, given["access_token"])


async def test_a_refresh_token_is_bound_to_its_client_and_its_resource(
    person: httpx.AsyncClient, agent: Program, client: httpx.AsyncClient
) -> None:
    given = (await agent.exchange((await allowed(person, agent.query()))["code"])).json()
    other = await program(client)
    assert is_refused(await other.refresh(given["refresh_token"]), "invalid_grant")
    assert is_refused(await agent.refresh(given["access_token"]), "invalid_grant")
    wrong = await agent.refresh(given["refresh_token"], resource="https://elsewhere.example/mcp")
    assert is_refused(wrong, "invalid_target")
    assert (await agent.refresh(given["refresh_token"], resource=RESOURCE)).status_code == 200


async def test_a_refresh_may_ask_for_less_but_not_for_more(
    person: httpx.AsyncClient, agent: Program, components: Components
) -> None:
    code = (await allowed(person, agent.query()))["code"]
    given = (await agent.exchange(code)).json()
    less = (await agent.refresh(given["refresh_token"], scope="read")).json()
    assert (await bearer(components, less["access_token"])).scopes == {"read"}
    again = (await agent.refresh(less["refresh_token"])).json()
    assert again["scope"] == "read write"
    code = (await allowed(person, agent.query(), ("read",)))["code"]
    given = (await agent.exchange(code)).json()
    assert is_refused(await agent.refresh(given["refresh_token"], scope="read write"), "invalid_scope")
    assert (await agent.refresh(given["refresh_token"])).status_code == 200  # the refusal used nothing up


async def test_a_client_that_registered_without_refresh_gets_no_refresh_token(
    person: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    short = await program(client, grant_types=["authorization_code"])
    given = (await short.exchange((await allowed(person, short.query()))["code"])).json()
    assert "refresh_token" not in given
    assert is_refused(await short.refresh("er_none"), "unauthorized_client")


async def test_a_confidential_client_shows_its_secret_in_the_form_or_the_header(
    person: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    for method in ("client_secret_post", "client_secret_basic"):
        one = await program(client, token_endpoint_auth_method=method)
        assert (await one.exchange((await allowed(person, one.query()))["code"])).status_code == 200
        in_header = {"Authorization": f"Basic {base64.b64encode(f'{one.client_id}:{one.secret}'.encode()).decode()}"}
        code = (await allowed(person, one.query()))["code"]
        fields = {"grant_type": "authorization_code", "code": code, "code_verifier": one.verifier}
        assert (await client.post("/oauth/token", data=fields, headers=in_header)).status_code == 200
        both = {**fields, "client_id": one.client_id, "client_secret": str(one.secret)}
        assert is_refused(await client.post("/oauth/token", data=both, headers=in_header), "invalid_request")


async def test_a_client_that_is_unknown_or_has_the_wrong_secret_gets_nothing(
    person: httpx.AsyncClient, client: httpx.AsyncClient, agent: Program
) -> None:
    one = await program(client, token_endpoint_auth_method="client_secret_post")
    code = (await allowed(person, one.query()))["code"]
    for wrong in (
        {"client_secret": "ecs_wrong"},
        {"client_secret": None},
        {"client_id": "client_none"},
        {"client_id": None},
    ):
        answer = await one.exchange(code, **wrong)
        assert is_refused(answer, "invalid_client", 401)
        assert answer.headers["www-authenticate"].startswith("Basic")
    assert (await one.exchange(code)).status_code == 200  # none of them used the code up
    code = (await allowed(person, agent.query()))["code"]
    assert is_refused(await agent.exchange(code, client_secret="invented"), "invalid_client", 401)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": None}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "er_none"}, "invalid_grant"),
    ],
)
async def test_other_requests_for_tokens_are_refused(agent: Program, fields: dict[str, str | None], code: str) -> None:
    assert is_refused(await agent.ask("/oauth/token", fields), code)


async def test_only_forms_with_each_field_once_are_read(client: httpx.AsyncClient) -> None:
    assert is_refused(await client.post("/oauth/token", json={"grant_type": "refresh_token"}), "invalid_request")
    twice = b"grant_type=refresh_token&grant_type=authorization_code"
    for body in (twice, b"a=%ff", b"&".join(b"f%d=1" % n for n in range(60))):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        assert is_refused(await client.post("/oauth/token", content=body, headers=headers), "invalid_request")


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
async def test_a_client_id_that_no_database_takes_is_an_unknown_client(client: httpx.AsyncClient, path: str) -> None:
    assert is_refused(await client.post(path, data={"client_id": "a\0b"}), "invalid_client", 401)
    assert is_refused(await client.post(path, data={"token": "x"}, auth=("a%00b", "c")), "invalid_client", 401)


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
async def test_asking_for_tokens_is_slowed_for_an_address(
    client: httpx.AsyncClient, components: Components, path: str
) -> None:
    assert (await client.post(path, data={"client_id": "none"})).status_code == 401
    async with components.database.transaction() as session:  # as if it had asked as often as it may at once
        whole = timedelta(seconds=ASKING.at_once * ASKING.seconds_each + 10)
        await session.execute(text("UPDATE sign_in_guesses SET until = now() + :whole"), {"whole": whole})
    refused = await client.post(path, data={"client_id": "none"})
    assert is_refused(refused, "temporarily_unavailable", 429)
    assert int(refused.headers["retry-after"]) >= 1


async def test_revoking_a_refresh_token_ends_all_and_an_access_token_itself(
    person: httpx.AsyncClient, agent: Program, components: Components
) -> None:
    given = (await agent.exchange((await allowed(person, agent.query()))["code"])).json()
    renewed = (await agent.refresh(given["refresh_token"])).json()
    assert (await agent.revoke(renewed["access_token"])).status_code == 200
    assert not await works(components, renewed["access_token"])
    assert await works(components, given["access_token"])
    assert (await agent.revoke(renewed["refresh_token"])).status_code == 200
    assert not await works(components, given["access_token"])
    assert is_refused(await agent.refresh(renewed["refresh_token"]), "invalid_grant")


async def test_revoking_what_is_not_known_is_no_error_and_anothers_token_stays(
    person: httpx.AsyncClient, agent: Program, client: httpx.AsyncClient, components: Components
) -> None:
    given = (await agent.exchange((await allowed(person, agent.query()))["code"])).json()
    other = await program(client)
    assert (await other.revoke("ea_nothing")).status_code == 200
    assert is_refused(await other.revoke(given["refresh_token"]), "invalid_grant")
    assert await works(components, given["access_token"])
    unknown = await client.post("/oauth/revoke", data={"token": given["access_token"], "client_id": "client_none"})
    assert is_refused(unknown, "invalid_client", 401)
