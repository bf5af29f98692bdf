"""Signing in at an OpenID Connect provider: whose account it is, and what is refused."""

import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from echoic.accounts.admission import Admission, ReservedNames
from echoic.accounts.oidc import OidcProvider
from echoic.accounts.sign_in import SignIns
from echoic.api.app import create_app
from echoic.api.page import SIGN_IN_PATH
from echoic.compose import Components
from echoic.errors import SettingInvalid
from tests.accounts.provider import ISSUER, Provider, provided
from tests.api.browser import PASSWORD, QUICK, browser, signed_in
from tests.api.people import Asking
from tests.factories import Tenant, World

INSTALLATION = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
ADA: dict[str, Any] = {"sub": "7", "name": "Ada", "email": "Ada@example.org", "email_verified": True}


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def installation(components: Components, provider: Provider) -> INSTALLATION:
    """Opens a browser at the page of an installation that uses the provider, with these settings."""

    @asynccontextmanager
    async def opened(**given: Any) -> AsyncIterator[httpx.AsyncClient]:
        settings = provided(data_dir=components.settings.data_dir, **given)
        app = create_app(
            dataclasses.replace(
                components,
                settings=settings,
                oidc=OidcProvider(settings, provider.transport),
                admission=Admission(settings),
                sign_ins=SignIns(components.database, QUICK, reserved=ReservedNames.of(settings)),
            )
        )
        async with browser(app) as page:
            yield page

    return opened


async def sign_in(page: httpx.AsyncClient, provider: Provider, *, invitation: str | None = None, **claims: Any) -> str:
    """Sign in at the provider; returns the code of the refusal, if any."""
    begun = await page.post("/api/sign-in/oidc", json={"invitation": invitation})
    assert begun.status_code == 200, begun.text
    way_back = provider.let_in(begun.json()["url"], **claims)
    return await come_back(page, way_back)


async def come_back(page: httpx.AsyncClient, way_back: dict[str, str]) -> str:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Origin": ""}
    answer = await page.get("/api/sign-in/oidc/callback", params=way_back, headers=headers)
    assert (answer.status_code, answer.headers["cache-control"]) == (303, "no-store")
    place, _, code = answer.headers["location"].partition("#refused=")
    assert place == f"{page.base_url}{SIGN_IN_PATH}"
    return code


async def account(page: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await page.get("/api/account")).json()
    return found


async def test_somebody_new_gets_an_account_and_the_same_one_the_next_time(
    installation: INSTALLATION, provider: Provider
) -> None:
    async with installation() as page:
        assert (await page.get("/api/sign-in")).json() == {"provider": "OpenID Connect"}
        assert await sign_in(page, provider, **ADA) == ""
        first = await account(page)
        assert (first["name"], first["plan"], first["is_admin"], first["has_session"]) == ("Ada", "free", False, True)
        await page.post("/api/sign-out")
        assert await sign_in(page, provider, **ADA | {"name": "Ada Lovelace", "email": "new@example.org"}) == ""
        assert (await account(page))["id"] == first["id"]
        assert await sign_in(page, provider, sub="8", name="Ada") == ""
        assert (await account(page))["id"] != first["id"]


async def test_an_account_is_linked_by_a_verified_address_alone(
    installation: INSTALLATION, provider: Provider, components: Components, ada: Tenant
) -> None:
    await components.sign_ins.reset(ada.account_id, name="ada@example.org", password=PASSWORD)
    async with installation() as page:
        assert await sign_in(page, provider, sub="9", email="ada@example.org", email_verified=False) == ""
        assert (await account(page))["id"] != ada.account_id
        assert await sign_in(page, provider, **ADA) == ""
        assert (await account(page))["id"] == ada.account_id


async def test_nobody_chooses_a_sign_in_name_that_is_another_person_s_address(
    installation: INSTALLATION, ask: Asking
) -> None:
    change = {"password": PASSWORD, "sign_in_name": "Ada@Example.org"}
    async with installation(oidc_allowed_domains=("example.org",)) as page:
        refused = await page.put("/api/account/sign-in", json=change, headers=ask.tenant.headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "sign_in_name_reserved")
        other = change | {"sign_in_name": "ada@elsewhere.org"}
        assert (await page.put("/api/account/sign-in", json=other, headers=ask.tenant.headers)).status_code == 204
    async with installation() as page:
        token = (await ask("POST", ask.people.replace("/speakers", "/invitations"), 201, json={"role": "viewer"}))[
            "token"
        ]
        body = {"token": token, "name": "Eve", **change}
        assert (await page.post("/api/sign-up", json=body)).json()["code"] == "sign_in_name_reserved"
        assert (await page.post("/api/sign-up", json=body | {"sign_in_name": "eve"})).status_code == 200
        same = {"password": PASSWORD + "!", "current_password": PASSWORD, "sign_in_name": "eve"}
        assert (await page.put("/api/account/sign-in", json=same)).status_code == 204


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        (ADA, ""),
        (ADA | {"email_verified": False}, "email_not_allowed"),
        ({"sub": "7"}, "email_not_allowed"),
        (ADA | {"email": "ada@example.org.evil.net"}, "email_not_allowed"),
        (ADA | {"email": "ada@sub.example.org"}, "email_not_allowed"),
    ],
)
async def test_only_people_of_the_allowed_domains_are_let_in(
    installation: INSTALLATION, provider: Provider, claims: dict[str, Any], code: str
) -> None:
    async with installation(oidc_allowed_domains=("Example.org",)) as page:
        assert await sign_in(page, provider, **claims) == code
        assert (await page.get("/api/account")).status_code == (401 if code else 200)


async def test_without_new_accounts_an_invitation_lets_in_and_makes_a_member(
    installation: INSTALLATION, provider: Provider, ask: Asking, components: Components
) -> None:
    path = ask.people.replace("/speakers", "/invitations")
    token = (await ask("POST", path, 201, json={"role": "editor"}))["token"]
    async with installation(oidc_new_accounts=False) as page:
        assert await sign_in(page, provider, **ADA) == "account_missing"
        assert await sign_in(page, provider, invitation="ei_wrong", **ADA) == "invitation_not_found"
        assert await sign_in(page, provider, invitation=token, **ADA) == ""
        own = (await page.get("/api/libraries", params={"mine": True})).json()["libraries"]
        assert len(own) == 2
        await page.post("/api/sign-out")
        assert await sign_in(page, provider, **ADA) == ""
    async with components.database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM identities")) == 1


async def test_a_locked_account_and_a_removed_one_stay_out(
    installation: INSTALLATION, provider: Provider, world: World
) -> None:
    admin = await world.tenant(is_admin=True)
    async with installation(oidc_new_accounts=False) as page, installation() as first:
        await sign_in(first, provider, **ADA)
        path = f"/api/accounts/{(await account(first))['id']}"
        assert (await page.patch(path, json={"is_locked": True}, headers=admin.headers)).status_code == 200
        assert await sign_in(page, provider, **ADA) == "account_locked"
        gone = await page.delete(path, params={"delete_libraries": True}, headers=admin.headers)
        assert gone.status_code == 204
        assert await sign_in(page, provider, **ADA) == "account_missing"


async def test_an_administrator_detaches_a_person_who_is_out_at_once_and_gets_another_account(
    installation: INSTALLATION, provider: Provider, world: World, ask: Asking
) -> None:
    admin, slug = await world.tenant(is_admin=True), ask.people.split("/")[3]
    async with installation(oidc_group_roles=(f"press={slug}:editor",)) as page, installation() as asking:
        assert await sign_in(page, provider, **ADA, groups=["press"]) == ""
        former = (await account(page))["id"]
        path = f"/api/accounts/{former}"
        (known,) = (await asking.get(path, headers=admin.headers)).json()["identities"]
        assert (known["issuer"], known["subject"]) == (ISSUER, "7")
        for params, status in (({"subject": "8"}, 404), ({}, 204), ({}, 404)):
            wanted = {"issuer": ISSUER, "subject": "7"} | params
            answer = await asking.delete(f"{path}/identities", params=wanted, headers=admin.headers)
            assert answer.status_code == status, answer.text
        assert (await page.get("/api/account")).status_code == 401
        members = (await ask("GET", f"/api/libraries/{slug}/members"))["members"]
        assert former not in {each["account_id"] for each in members}
        assert await sign_in(page, provider, **ADA) == ""
        assert (await account(page))["id"] != former


async def test_groups_give_roles_and_take_back_no_more_than_they_gave(
    installation: INSTALLATION, provider: Provider, ask: Asking
) -> None:
    slug = ask.people.split("/")[3]
    rules = (f"press=desk={slug}:editor", f"readers={slug}:viewer", "press=nowhere:viewer")
    async with installation(oidc_group_roles=rules) as page:

        async def role(*groups: str) -> str | None:
            assert await sign_in(page, provider, **ADA, groups=list(groups)) == ""
            mine = (await account(page))["id"]
            found = (await ask("GET", f"/api/libraries/{slug}/members"))["members"]
            return {each["account_id"]: each["role"] for each in found}.get(mine)

        assert await role() is None
        assert await role("readers") == "viewer"
        assert await role("readers", "press=desk") == "editor"
        assert await role("other") is None
        mine = (await account(page))["id"]
        for given, groups, wanted in (
            ("viewer", ["press=desk"], "editor"),
            ("viewer", ["press=desk"], "editor"),
            (None, [], "viewer"),
            ("owner", ["readers"], "owner"),
            (None, [], "owner"),
        ):
            if given is not None:
                await ask("PUT", f"/api/libraries/{slug}/members/{mine}", json={"role": given})
            assert await role(*groups) == wanted


async def test_the_last_owner_stays_though_the_group_has_ended(
    installation: INSTALLATION, provider: Provider, ask: Asking
) -> None:
    slug = ask.people.split("/")[3]
    async with installation(oidc_group_roles=(f"chiefs={slug}:owner",)) as page:
        assert await sign_in(page, provider, **ADA, groups=["chiefs"]) == ""
        await ask("DELETE", f"/api/libraries/{slug}/members/{ask.tenant.account_id}", 204)
        assert await sign_in(page, provider, **ADA) == ""
        mine = (await page.get("/api/libraries", params={"mine": True})).json()["libraries"]
        assert slug in {each["slug"] for each in mine}


@pytest.mark.parametrize("rule", ["press", "press=library", "press=library:boss", "=library:viewer", "press=:viewer"])
def test_a_rule_about_groups_that_cannot_be_read_is_refused(rule: str) -> None:
    with pytest.raises(SettingInvalid, match="is not group=library:role"):
        Admission(provided(oidc_group_roles=(rule,)))


async def test_it_is_begun_by_our_page_and_ended_by_the_same_browser(
    installation: INSTALLATION, provider: Provider
) -> None:
    async with installation() as page, installation() as thief:
        forged = await page.post("/api/sign-in/oidc", json={}, headers={"Origin": "http://evil.example"})
        assert forged.json()["code"] == "origin_not_allowed"
        begun = await page.post("/api/sign-in/oidc", json={})
        cookie = begun.headers["set-cookie"]
        assert all(part in cookie for part in ("echoic_oidc=", "HttpOnly", "SameSite=lax", "Max-Age=600"))
        way_back = provider.let_in(begun.json()["url"], **ADA)
        assert await come_back(thief, way_back) == "oidc_answer_invalid"
        assert await come_back(page, {**way_back, "error": "access_denied"}) == "oidc_refused"
        assert await come_back(page, way_back) == "oidc_answer_invalid"  # the cookie served once


async def test_signing_out_names_the_place_to_sign_out_at_the_provider(
    installation: INSTALLATION, provider: Provider, ada: Tenant
) -> None:
    async with installation() as page:
        await signed_in(page)
        assert (await page.post("/api/sign-out")).status_code == 204
        await sign_in(page, provider, **ADA)
        out = await page.post("/api/sign-out")
        back = "http%3A%2F%2Flocalhost%3A8080%2Fsign-in"
        assert out.json() == {"url": f"{ISSUER}/leave?client_id=echoic&post_logout_redirect_uri={back}"}
        assert (await page.get("/api/account")).status_code == 401
    del provider.metadata["end_session_endpoint"]
    async with installation() as page:
        await sign_in(page, provider, **ADA)
        assert (await page.post("/api/sign-out")).status_code == 204


async def test_an_installation_without_a_provider_says_so(page: httpx.AsyncClient) -> None:
    assert (await page.get("/api/sign-in")).json() == {"provider": None}
    refused = await page.post("/api/sign-in/oidc", json={})
    assert (refused.status_code, refused.json()["code"]) == (404, "oidc_not_set_up")
    assert await come_back(page, {"code": "x", "state": "y"}) == "oidc_not_set_up"
