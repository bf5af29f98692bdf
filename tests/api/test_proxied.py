"""People whom a reverse proxy names: believed from its networks alone."""

import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from echoic.accounts.admission import ReservedNames
from echoic.accounts.proxied import TrustedProxy
from echoic.accounts.sign_in import SignIns
from echoic.api.app import create_app
from echoic.api.own_page import PAGE_HEADER
from echoic.api.peers import Peers
from echoic.compose import Components
from echoic.errors import SettingInvalid
from echoic.settings import Settings
from tests.api.browser import NAME, PAGE, PASSWORD, QUICK
from tests.factories import Tenant, World

PROXY = "10.1.2.3"
OWN_PAGE = {"Origin": PAGE, "Sec-Fetch-Site": "same-origin", PAGE_HEADER: "1"}
THROUGH = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


def proxied(**given: Any) -> Settings:
    return Settings(_env_file=None, **{"proxy_user_header": "Remote-User", "proxy_networks": ("10.1.2.0/24",)} | given)


@pytest.fixture
def through(components: Components) -> THROUGH:
    """Opens a browser whose requests come from this address, as a server behind a proxy gets them."""

    @asynccontextmanager
    async def opened(
        address: str = PROXY, *, name: str | None = "ada", **headers: str
    ) -> AsyncIterator[httpx.AsyncClient]:
        settings = proxied()
        app = create_app(
            dataclasses.replace(
                components,
                trusted_proxy=TrustedProxy.of(settings),
                sign_ins=SignIns(components.database, QUICK, reserved=ReservedNames.of(settings)),
            )
        )
        inner: Any = ProxyHeadersMiddleware(app, trusted_hosts=[PROXY])  # type: ignore[arg-type]  # its own types of the same
        transport = httpx.ASGITransport(app=Peers(inner), client=(address, 5000))
        named = {} if name is None else {"Remote-User": name}
        async with httpx.AsyncClient(transport=transport, base_url=PAGE, headers=OWN_PAGE | named | headers) as client:
            yield client

    return opened


async def test_whom_the_proxy_names_has_an_account_which_is_made_the_first_time(through: THROUGH) -> None:
    async with through(**{"X-Forwarded-For": "203.0.113.9"}) as page:
        first = (await page.get("/api/account")).json()
        assert (first["name"], first["plan"], first["is_admin"], first["has_session"]) == ("ada", "free", False, False)
        assert (await page.post("/api/datasets", json={"name": "Calls"})).status_code == 201
        assert (await page.post("/api/sign-out")).json()["code"] == "session_not_found"
        assert (await page.get("/api/keys")).json()["total"] == 0
    async with through(name="ADA") as page:
        assert (await page.get("/api/account")).json()["id"] == first["id"]
    async with through(name="bert") as page:
        assert (await page.get("/api/account")).json()["id"] != first["id"]


async def test_an_account_that_signs_in_by_that_name_is_theirs(through: THROUGH, ada: Tenant) -> None:
    async with through(name=NAME) as page:
        assert (await page.get("/api/account")).json()["id"] == ada.account_id


@pytest.mark.parametrize("address", ["203.0.113.9", "10.1.3.1", "127.0.0.1", "::1"])
async def test_from_elsewhere_the_header_means_nothing(through: THROUGH, address: str, world: World) -> None:
    async with through(address, **{"X-Forwarded-For": PROXY}) as page:
        assert (await page.get("/api/account")).json()["code"] == "unauthorized"
        key = (await world.tenant()).headers
        assert (await page.get("/api/account", headers=key)).json()["name"] == "Tenant"


async def test_a_proxy_that_names_nobody_or_several_lets_nobody_in(through: THROUGH) -> None:
    async with through(name=None) as page:
        assert (await page.get("/api/account")).status_code == 401
        assert (await page.get("/api/account", headers={"Remote-User": "  "})).status_code == 401
        both = [("Remote-User", "ada"), ("Remote-User", "bert")]
        for wrong in (both, [("Remote-User", "x" * 201)], [(b"Remote-User", b"\xff")]):
            assert (await page.get("/api/account", headers=wrong)).json()["code"] == "field_invalid"
        umlaut = await page.get("/api/account", headers=[(b"Remote-User", "Jürgen".encode())])
        assert umlaut.json()["name"] == "Jürgen"


async def test_a_page_of_another_site_may_do_nothing_in_their_name(through: THROUGH) -> None:
    async with through() as page:
        forged = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert (await page.post("/api/datasets", json={"name": "x"}, headers=forged)).status_code == 403
        assert (await page.get("/api/account", headers={"Host": "evil.example"})).json()["code"] == "host_not_allowed"


async def test_the_proxy_s_word_counts_more_than_a_session_and_less_than_a_key(
    through: THROUGH, ada: Tenant, world: World
) -> None:
    async with through(name=None) as page:
        assert (await page.post("/api/sign-in", json={"name": NAME, "password": PASSWORD})).status_code == 200
        assert (await page.get("/api/account")).json()["id"] == ada.account_id
        named = {"Remote-User": "bert"}
        assert (await page.get("/api/account", headers=named)).json()["name"] == "bert"
        tenant = await world.tenant("Carla")
        assert (await page.get("/api/account", headers=named | tenant.headers)).json()["name"] == "Carla"


async def test_a_locked_account_stays_out_and_nobody_chooses_a_sign_in_name(through: THROUGH, world: World) -> None:
    admin = await world.tenant(is_admin=True)
    async with through() as page:
        path = f"/api/accounts/{(await page.get('/api/account')).json()['id']}"
        change = {"sign_in_name": "bert", "password": PASSWORD}
        assert (await page.put("/api/account/sign-in", json=change)).json()["code"] == "sign_in_name_reserved"
        assert (await page.patch(path, json={"is_locked": True}, headers=admin.headers)).status_code == 200
        refused = await page.get("/api/account")
        assert (refused.status_code, refused.json()["code"]) == (403, "account_locked")


@pytest.mark.parametrize(
    "wrong",
    [
        {"proxy_networks": ()},
        {"proxy_user_header": None},
        {"proxy_user_header": "Host"},
        {"proxy_user_header": "Remote User"},
        {"proxy_networks": ("proxy.example",)},
        {"proxy_networks": ("10.1.2.3/24",)},
        {"proxy_networks": ("0.0.0.0/0",)},
    ],
)
def test_settings_that_would_believe_everybody_or_nobody_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingInvalid, match="ECHOIC_PROXY_"):
        TrustedProxy.of(proxied(**wrong))


@pytest.mark.parametrize("peer", [None, "", "unix", "::ffff:10.1.3.1"])
def test_an_end_that_is_no_address_of_the_proxy_is_not_it(peer: str | None) -> None:
    proxy = TrustedProxy.of(proxied())
    assert proxy is not None
    assert not proxy.believes(peer)
    assert proxy.believes("::ffff:10.1.2.9")
