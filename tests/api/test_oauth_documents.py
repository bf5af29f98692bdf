"""Client ID metadata documents: fetched with the guard of audio URLs, kept for a while, and believed in what they may say."""

import asyncio
import dataclasses
import json
import ssl
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from echoic.api.app import create_app
from echoic.compose import Components
from echoic.db.oauth.clients import Client
from echoic.errors import EchoicError, ProgramUnusable, RateLimited
from echoic.intake.egress import Egress
from echoic.intake.networks import AllowList
from echoic.oauth import documents
from echoic.oauth.clients import FETCHING, Clients
from echoic.oauth.documents import fresh_seconds
from echoic.oauth.server import AuthorizationServer
from tests.api.browser import browser, signed_in
from tests.api.oauth_flow import BACK, ISSUER, Program, allowed, looked, works
from tests.factories import Tenant
from tests.sites import ScriptedResolver, Site, SiteMaker

LOCAL = AllowList(networks=(ip_network("127.0.0.0/8"),))


def served(fields: Any, *, head: str = "Content-Type: application/json\r\n", status: str = "200 OK") -> bytes:
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Hosted:
    """A program whose description lies at an address of its own."""

    def __init__(self, site: Site, clients: Clients) -> None:
        self.site, self._clients = site, clients
        self.client_id = site.url("/client.json")

    async def __call__(self, client_id: str | None = None, *, account_id: int = 1) -> Client:
        return await self._clients.for_authorization(client_id or self.client_id, account_id=account_id)


@pytest.fixture
def hosted(components: Components, make_site: SiteMaker, trusting: ssl.SSLContext) -> Callable[..., Any]:
    """Puts up a document; ``say`` gives the answer by its address, None: there is none."""

    async def put_up(say: Callable[[str], bytes | None], *, allowed: AllowList = LOCAL) -> Hosted:
        at: list[str] = []

        async def answer(writer: asyncio.StreamWriter) -> None:
            said = say(at[0])
            if said is None:
                await writer.wait_closed()  # until the other side gives up
            else:
                writer.write(said)

        site = await make_site(answer)
        egress = Egress(allowed=allowed, resolve=ScriptedResolver(good_example=[["127.0.0.1"]]), ssl_context=trusting)
        made = Hosted(site, Clients(components.database, egress, hosts=()))
        at.append(made.client_id)
        return made

    return put_up


def description(client_id: str, **changes: Any) -> dict[str, Any]:
    return {"client_id": client_id, "client_name": "Hosted agent", "redirect_uris": [BACK], **changes}


async def test_a_program_is_described_by_the_document_at_its_client_id(hosted: Callable[..., Any]) -> None:
    ask = await hosted(lambda at: served(description(at)))
    client = await ask()
    assert (client.client_id, client.name, client.auth_method) == (ask.client_id, "Hosted agent", "none")
    assert client.grant_types == ["authorization_code", "refresh_token"]
    (request,) = ask.site.requests
    assert request.startswith("GET /client.json HTTP/1.1")
    assert "authorization" not in request.lower()


async def test_a_document_is_kept_for_a_while_and_then_fetched_once_more(
    hosted: Callable[..., Any], components: Components
) -> None:
    names = iter(["First", "Second"])
    ask = await hosted(lambda at: served(description(at, client_name=next(names))))
    first = await ask()
    assert (await ask()).name == "First"
    assert ask.site.connections == 1
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE oauth_clients SET fresh_until = now() - interval '1 second'"))
    second = await ask()
    assert (second.id, second.name) == (first.id, "Second")


def test_how_long_it_is_kept_is_said_by_its_host_within_bounds() -> None:
    kept = {"": 3600, "max-age=600": 600, "public, max-age=5": 300, "max-age=99999999": 86_400, "no-store": 300}
    assert {text: fresh_seconds(text) for text in kept} == kept


@pytest.mark.parametrize(
    ("say", "why"),
    [
        (lambda at: served(description(at + "x")), "another client_id"),
        (lambda _: served({"redirect_uris": [BACK]}), "another client_id"),
        (lambda at: served(description(at, redirect_uris=[])), "redirect_uris"),
        (lambda at: served(description(at, redirect_uris=["javascript:alert(1)"])), "redirect address"),
        (lambda at: served(description(at, client_secret="shared")), "secret"),
        (lambda at: served(description(at, token_endpoint_auth_method="client_secret_post")), "'none'"),
        (lambda _: served(b"[]"), "no JSON object"),
        (lambda _: served(b"{"), "no JSON"),
        (lambda at: served(description(at), head="Content-Type: text/html\r\n"), "application/json"),
        (lambda at: served(description(at), head=""), "application/json"),
        (lambda at: served(description(at), status="404 Not Found"), "could not be fetched"),
        (lambda at: served(description(at, padding="a" * documents.MAX_BYTES)), "could not be fetched"),
    ],
)
async def test_a_document_that_is_none_of_a_client_is_refused(
    hosted: Callable[..., Any], say: Callable[[str], bytes], why: str
) -> None:
    ask = await hosted(say)
    with pytest.raises(ProgramUnusable, match=why):
        await ask()


async def test_no_redirect_is_followed(hosted: Callable[..., Any]) -> None:
    ask = await hosted(lambda at: served(description(at), status="302 Found", head=f"Location: {at}\r\n"))
    with pytest.raises(ProgramUnusable, match="without a redirect"):
        await ask()
    assert ask.site.connections == 1


async def test_a_host_that_is_slow_is_given_up(hosted: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert documents.TIMEOUT_SECONDS == 5.0
    monkeypatch.setattr(documents, "TIMEOUT_SECONDS", 0.2)
    ask = await hosted(lambda _: None)
    with pytest.raises(ProgramUnusable, match="url_timed_out"):
        await ask()


async def test_no_internal_address_is_asked(hosted: Callable[..., Any]) -> None:
    ask = await hosted(lambda at: served(description(at)), allowed=AllowList())
    for address in (ask.client_id, "https://127.0.0.1/client.json", "https://169.254.169.254/latest/client.json"):
        with pytest.raises(ProgramUnusable, match="url_forbidden"):
            await ask(address)
    with pytest.raises(ProgramUnusable) as unreadable:
        await ask("https://2130706433/client.json")
    assert "audio" not in unreadable.value.message
    assert ask.site.connections == 0


@pytest.mark.parametrize(
    "client_id",
    [
        "https://good.example",
        "https://good.example/",
        "https://good.example/client.json#part",
        "https://user@good.example/client.json",
        "https://good.example/a/../client.json",
        "https://good.example/./client.json",
        "https://[good.example/client.json",
        "https://good.example/" + "a" * 500,
    ],
)
async def test_an_address_that_may_not_stand_for_a_client_is_not_asked(
    hosted: Callable[..., Any], client_id: str
) -> None:
    ask = await hosted(lambda at: served(description(at)))
    with pytest.raises(ProgramUnusable):
        await ask(client_id)
    assert ask.site.connections == 0


async def test_fetching_is_slowed_for_an_account(hosted: Callable[..., Any]) -> None:
    ask = await hosted(lambda _: served(b"{"))
    refusals: list[EchoicError] = []
    while not refusals or not isinstance(refusals[-1], RateLimited):
        assert len(refusals) <= FETCHING.at_once + 2
        with pytest.raises(EchoicError) as refused:
            await ask()
        refusals.append(refused.value)
    assert len(refusals) > FETCHING.at_once
    with pytest.raises(ProgramUnusable):
        await ask(account_id=2)


async def test_a_program_with_a_document_gets_tokens_and_people_see_who_describes_it(
    components: Components, ada: Tenant, make_site: SiteMaker, trusting: ssl.SSLContext
) -> None:
    at: list[str] = []

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(served(description(at[0], redirect_uris=["http://localhost/callback"])))

    site = await make_site(answer)
    at.append(site.url("/client.json"))
    egress = Egress(allowed=LOCAL, resolve=ScriptedResolver(good_example=[["127.0.0.1"]]), ssl_context=trusting)
    oauth = AuthorizationServer.of(components.settings, components.database, egress)
    app = create_app(dataclasses.replace(components, oauth=oauth))
    async with browser(app) as page, httpx.AsyncClient(transport=page._transport, base_url=ISSUER) as client:
        assert (await signed_in(page)).is_success
        agent = Program(client, at[0], back="http://localhost:51234/callback")
        told = (await looked(page, agent.query())).json()
        assert (told["program"], told["described_by"]) == ("Hosted agent", f"good.example:{site.port}")
        assert (told["redirect_host"], told["is_local"]) == ("localhost:51234", True)
        given = (await agent.exchange((await allowed(page, agent.query()))["code"])).json()
        assert await works(components, given["access_token"])
        assert (await agent.refresh(given["refresh_token"])).is_success
        (program,) = (await page.get("/api/connected-programs")).json()["programs"]
        assert program["client_id"] == at[0]
    assert site.connections == 1
