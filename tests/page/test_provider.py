"""Signing in at a real OpenID Connect provider, another program, as a person does it."""

import json
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from echoic.testing.private_server import FAKE_ENGINES, WITHOUT_WORKER, PrivateServer
from tests.page.conftest import Visit
from tests.waiting import wait_for

pytestmark = pytest.mark.processes

ADA_AT_PROVIDER, EVE_AT_PROVIDER = "ada-7", "eve-8"
ADA = {
    "sub": ADA_AT_PROVIDER,
    "name": "Ada Lovelace",
    "email": "ada@example.org",
    "email_verified": True,
    "groups": ["press"],
}
EVE = {"sub": EVE_AT_PROVIDER, "name": "Eve", "email": "eve@elsewhere.net", "email_verified": True}


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of a provider that knows Ada and Eve."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    people = [part for one in (ADA, EVE) for part in ("--user-claims", json.dumps(one))]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "True", *people]
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers(address), "the provider answers")
        yield address
    finally:
        program.terminate()
        program.wait()


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/.well-known/openid-configuration").is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def echoic(provider: str) -> Iterator[PrivateServer]:
    """A server whose people sign in there."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        settings = {
            "ECHOIC_OIDC_ISSUER": provider,
            "ECHOIC_OIDC_CLIENT_ID": "echoic",
            "ECHOIC_OIDC_CLIENT_SECRET": "secret",
            "ECHOIC_OIDC_NAME": "the newsroom",
            "ECHOIC_OIDC_ALLOWED_DOMAINS": "example.org",
            "ECHOIC_OIDC_GROUP_ROLES": "press=my-library:editor",
            "ECHOIC_PROXY_USER_HEADER": "Remote-User",
            "ECHOIC_PROXY_NETWORKS": "127.0.0.1",
        }
        with PrivateServer(folder, options=WITHOUT_WORKER, **FAKE_ENGINES, **settings) as started:
            yield started


@pytest.fixture
def come(chromium: Browser, echoic: PrivateServer) -> Iterator[Callable[..., Page]]:
    """Opens the page for somebody; it must have complained of nothing in the end."""
    visits: list[Visit] = []

    def begin(**options: object) -> Page:
        visits.append(Visit(chromium, str(echoic.client.base_url).rstrip("/"), **options))
        # The provider's pages want a style sheet from elsewhere.
        visits[-1].context.route(re.compile(r"^https?://(?!127\.0\.0\.1)"), lambda route: route.fulfill(body=""))
        return visits[-1].page

    yield begin
    for one in visits:
        one.close()
    assert [one.complaints for one in visits if one.complaints] == []


def members(echoic: PrivateServer) -> dict[str, str]:
    found = echoic.client.get("/api/libraries/my-library/members").json()["members"]
    return {each["name"]: each["role"] for each in found}


def test_a_person_signs_in_there_comes_back_to_where_they_were_and_signs_out_there(
    come: Callable[..., Page], echoic: PrivateServer, provider: str
) -> None:
    page = come()
    page.goto("/search?q=deadline")
    page.get_by_role("button", name="Sign in with the newsroom").click()
    page.get_by_role("button", name=ADA_AT_PROVIDER).click()
    expect(page.get_by_role("link", name="Ada Lovelace")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/search\?q=deadline$"))
    assert members(echoic)["Ada Lovelace"] == "editor"
    page.reload()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{provider}/oauth2/end_session*")
    page.get_by_role("button", name="End session").click()
    expect(page.get_by_role("heading", name="Sign in to Echoic")).to_be_visible()


def test_who_is_not_let_in_is_told_why(come: Callable[..., Page]) -> None:
    page = come()
    page.goto("/sign-in")
    page.get_by_role("button", name="Sign in with the newsroom").click()
    page.get_by_role("button", name=EVE_AT_PROVIDER).click()
    expect(page.get_by_role("alert")).to_contain_text("none of those that are let in")
    assert page.url.endswith("/sign-in")
    page.get_by_role("button", name="Sign in with the newsroom").click()
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("alert")).to_contain_text("did not let you in, or you broke off")


def test_an_invitation_is_accepted_by_signing_in_there(come: Callable[..., Page], echoic: PrivateServer) -> None:
    made = echoic.client.post("/api/libraries/my-library/invitations", json={"role": "owner"}).json()
    page = come()
    page.goto(made["url"])
    page.get_by_role("button", name="Sign in with the newsroom").click()
    page.get_by_role("button", name=ADA_AT_PROVIDER).click()
    expect(page.get_by_role("heading", name="My library")).to_be_visible()
    assert members(echoic)["Ada Lovelace"] == "owner"
    assert page.evaluate("sessionStorage.length") == 0


def test_an_administrator_detaches_somebody_who_is_signed_out_by_it(
    come: Callable[..., Page], echoic: PrivateServer
) -> None:
    page = come()
    page.goto("/")
    page.get_by_role("button", name="Sign in with the newsroom").click()
    page.get_by_role("button", name=ADA_AT_PROVIDER).click()
    expect(page.get_by_role("link", name="Ada Lovelace")).to_be_visible()
    admin = come()
    admin.goto(echoic.client.post("/api/sign-in-tokens").json()["url"])
    admin.get_by_role("heading", name="Latest recordings").wait_for()
    admin.goto("/admin/accounts")
    admin.get_by_role("button", name="Ada Lovelace").click()
    sheet = admin.get_by_role("dialog", name="Ada Lovelace, account")
    admin.on("dialog", lambda dialog: dialog.accept())
    sheet.get_by_role("button", name=re.compile("^Detach ")).click()
    expect(sheet.get_by_text("Known elsewhere as")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("heading", name="Sign in to Echoic")).to_be_visible()


def test_the_form_with_the_button_has_no_barrier_and_fits_a_phone(come: Callable[..., Page]) -> None:
    page = come(viewport={"width": 360, "height": 740}, color_scheme="dark")
    page.goto("/sign-in")
    page.get_by_role("button", name="Sign in with the newsroom").wait_for()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_proxy_on_the_same_machine_signs_somebody_in_for_whom_the_page_has_no_way_out(
    come: Callable[..., Page],
) -> None:
    page = come(extra_http_headers={"Remote-User": "grace", "X-Forwarded-For": "203.0.113.7"})
    page.goto("/")
    expect(page.get_by_role("link", name="grace")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
    page.goto("/account")
    page.get_by_label("Name of a new key").fill("Made through the proxy")
    page.get_by_role("button", name="Make a key").click()
    expect(page.get_by_text("Made through the proxy")).to_be_visible()
