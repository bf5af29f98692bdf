"""The consent: what people are told, what they allow, and what is told to the program."""

import httpx
import pytest
from sqlalchemy import text

from echoic.api.own_page import PAGE_HEADER
from echoic.compose import Components
from tests.api.oauth_flow import (
    BACK,
    HOSTED,
    ISSUER,
    Program,
    allowed,
    challenge_of,
    looked,
    parameters_of,
    program,
    under,
)
from tests.factories import Tenant, World


async def test_people_are_told_the_name_the_redirect_host_what_it_may_do_and_which_account(
    person: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    hosted = await program(client, redirect_uris=[HOSTED], client_name="Claude")
    told = (await looked(person, hosted.query())).json()
    refusal = parameters_of(told.pop("refusal_url"))
    assert told == {
        "program": "Claude",
        "described_by": None,
        "redirect_host": "agent.example",
        "is_local": False,
        "scopes": ["read", "write"],
        "account": "Ada",
        "failure": None,
    }
    description = "The person did not allow it."
    assert refusal == {"error": "access_denied", "error_description": description, "state": "kept", "iss": ISSUER}


@pytest.mark.parametrize("uri", [BACK, "http://localhost:1/", "http://[::1]/", "cursor://callback/"])
async def test_people_are_warned_of_programs_on_their_own_device(
    person: httpx.AsyncClient, client: httpx.AsyncClient, uri: str
) -> None:
    local = await program(client, redirect_uris=[uri])
    told = (await looked(person, local.query())).json()
    assert told["is_local"] is True
    assert told["redirect_host"] in uri


async def test_the_answer_carries_code_state_and_iss_once_each(person: httpx.AsyncClient, agent: Program) -> None:
    answer = await person.post("/api/authorizations", json={"query": agent.query(), "scopes": ["read"]})
    url = answer.json()["url"]
    assert url.startswith(BACK + "?")
    assert [url.count(f"{name}=") for name in ("code", "state", "iss")] == [1, 1, 1]
    given = parameters_of(url)
    assert (given["state"], given["iss"]) == ("kept", ISSUER)
    assert "state" not in await allowed(person, agent.query(state=None))


async def test_a_code_has_128_random_bits_and_lives_a_minute_at_most(
    person: httpx.AsyncClient, agent: Program, components: Components
) -> None:
    codes = {(await allowed(person, agent.query()))["code"] for _ in range(5)}
    assert len(codes) == 5
    assert all(len(code.removeprefix("ec_")) * 6 >= 128 for code in codes)
    async with components.database.transaction() as session:
        longest = await session.scalar(text("SELECT max(extract(epoch FROM expires_at - created_at)) FROM oauth_codes"))
        kept = str((await session.execute(text("SELECT row_to_json(c) FROM oauth_codes c"))).all())
    assert float(str(longest)) <= 60
    assert not any(code in kept for code in codes)


async def test_people_may_give_less_than_is_asked_and_nothing_more(
    person: httpx.AsyncClient, client: httpx.AsyncClient, agent: Program
) -> None:
    code = (await allowed(person, agent.query(), ("read",)))["code"]
    assert (await agent.exchange(code)).json()["scope"] == "read"
    reader = await program(client, scope="read")
    assert (await looked(person, reader.query())).json()["scopes"] == ["read"]
    more = await person.post("/api/authorizations", json={"query": reader.query(), "scopes": ["read", "write"]})
    assert (more.status_code, more.json()["code"]) == (400, "invalid_scope")


async def test_scopes_that_are_not_known_here_are_left_out(person: httpx.AsyncClient, agent: Program) -> None:
    assert (await looked(person, agent.query(scope="read offline_access"))).json()["scopes"] == ["read"]
    assert (await looked(person, agent.query(scope=None))).json()["scopes"] == ["read", "write"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": "http://127.0.0.1:7777/callback/"},
        {"redirect_uri": "http://127.0.0.1:7777/Callback"},
        {"redirect_uri": "http://127.0.0.1:7777/callback?more=1"},
        {"redirect_uri": "http://localhost:7777/callback"},
        {"redirect_uri": "http://127.0.0.1:7777@evil.example/callback"},
        {"redirect_uri": "https://evil.example/callback"},
    ],
)
async def test_another_redirect_address_than_registered_is_told_to_nobody_but_the_person(
    person: httpx.AsyncClient, agent: Program, wrong: dict[str, str]
) -> None:
    for path, body in (("/api/authorizations/look", {}), ("/api/authorizations", {"scopes": ["read"]})):
        answer = await person.post(path, json={"query": agent.query(**wrong), **body})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_redirect_uri")
        assert "url" not in answer.json()


async def test_the_loopback_may_have_any_port_and_hosts_elsewhere_may_not(
    person: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    uris = ["http://localhost/callback", "http://127.0.0.1/callback", "http://[::1]:5/callback", HOSTED]
    local = await program(client, redirect_uris=uris)
    for uri in ("http://localhost:43112/callback", "http://127.0.0.1:1/callback", "http://[::1]/callback"):
        assert (await looked(person, local.query(redirect_uri=uri))).status_code == 200, uri
        answer = await person.post(
            "/api/authorizations", json={"query": local.query(redirect_uri=uri), "scopes": ["read"]}
        )
        assert answer.json()["url"].startswith(uri)
    for uri in ("https://agent.example:444/callback", "http://localhost:43112/other"):
        assert (await looked(person, local.query(redirect_uri=uri))).status_code == 400, uri


async def test_a_client_that_is_not_known_or_not_named_is_told_to_nobody_but_the_person(
    person: httpx.AsyncClient, agent: Program
) -> None:
    for nobody in ("client_none", "client_\0"):
        unknown = await looked(person, agent.query(client_id=nobody))
        assert (unknown.status_code, unknown.json()["code"]) == (404, "program_unknown")
    for query in (agent.query(client_id=None), "-", agent.query() + "&client_id=other"):
        assert (await looked(person, query)).json()["code"] == "invalid_request"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"resource": "https://elsewhere.example/mcp"}, "invalid_target"),
        ({"resource": "http://localhost:8080/mcp/"}, "invalid_target"),
        ({"resource": "http://localhost:8080"}, "invalid_target"),
    ],
)
async def test_a_fault_of_the_program_is_told_to_it_with_state_and_iss(
    person: httpx.AsyncClient, agent: Program, wrong: dict[str, str | None], code: str
) -> None:
    told = (await looked(person, agent.query(**wrong))).json()
    assert told["failure"]
    refusal = parameters_of(told["refusal_url"])
    assert (refusal["error"], refusal["state"], refusal["iss"]) == (code, "kept", ISSUER)
    assert "code" not in refusal
    answer = await person.post("/api/authorizations", json={"query": agent.query(**wrong), "scopes": ["read"]})
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_a_parameter_that_is_there_twice_is_refused(person: httpx.AsyncClient, agent: Program) -> None:
    for more in (f"&code_challenge={challenge_of('other')}", "&scope=read", "&state=other"):
        assert "more than once" in (await looked(person, agent.query() + more)).json()["failure"]


async def test_a_redirect_address_with_a_query_keeps_it(person: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    uri = "https://agent.example/callback?tenant=7"
    hosted = await program(client, redirect_uris=[uri])
    assert (await allowed(person, hosted.query()))["tenant"] == "7"


async def test_the_setting_holds_for_clients_that_registered_before(
    person: httpx.AsyncClient, client: httpx.AsyncClient, components: Components, ada: Tenant
) -> None:
    hosted = await program(client, redirect_uris=[HOSTED])
    async with under(components, oauth_redirect_hosts=("localhost",)) as limited:
        answer = await limited.post("/api/authorizations/look", json={"query": hosted.query()}, headers=ada.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_redirect_uri")


@pytest.mark.parametrize("path", ["/api/authorizations/look", "/api/authorizations"])
async def test_no_page_of_another_site_consents_for_somebody(
    person: httpx.AsyncClient, agent: Program, path: str
) -> None:
    body = {"query": agent.query(), "scopes": ["read"]}
    forged: list[dict[str, str]] = [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {PAGE_HEADER: ""},
    ]
    for headers in forged:
        answer = await person.post(path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed"), headers
    answer = await person.post(path, json=body, headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (403, "host_not_allowed")


async def test_who_is_not_signed_in_consents_to_nothing(page: httpx.AsyncClient, agent: Program) -> None:
    assert (await looked(page, agent.query())).status_code == 401
    answer = await page.post("/api/authorizations", json={"query": agent.query(), "scopes": ["read"]})
    assert answer.status_code == 401


async def test_a_key_gives_a_program_no_more_than_it_may_do_itself(
    client: httpx.AsyncClient, world: World, agent: Program
) -> None:
    narrow = await world.tenant(scopes=("manage", "read"))
    for scopes, status in ((["read"], 200), (["read", "write"], 403)):
        answer = await client.post(
            "/api/authorizations", json={"query": agent.query(), "scopes": scopes}, headers=narrow.headers
        )
        assert answer.status_code == status, answer.text
