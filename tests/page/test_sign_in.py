"""Getting in: invitations to a library, opened by strangers and by those who have an account."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from echoic.testing.private_server import PrivateServer
from tests.page.conftest import Visit

pytestmark = pytest.mark.processes

PHONE = {"width": 360, "height": 740}
NEW_PASSWORD = "a long new password"
INVITATIONS = "/api/libraries/my-library/invitations"


@pytest.fixture
def link(server: PrivateServer) -> str:
    """A link by which one person becomes a viewer."""
    return str(server.client.post(INVITATIONS, json={"role": "viewer"}).json()["url"])


def members(server: PrivateServer) -> dict[str, str]:
    found = server.client.get("/api/libraries/my-library/members").json()["members"]
    return {each["name"]: each["role"] for each in found}


def sign_up(page: Page, name: str, sign_in_name: str) -> None:
    page.get_by_label("Your name, as others see it").fill(name)
    page.get_by_label("Name or e-mail address to sign in with").fill(sign_in_name)
    page.get_by_label("Password, at least 10 characters").fill(NEW_PASSWORD)
    page.keyboard.press("Enter")


def test_a_stranger_makes_an_account_with_the_link_and_is_a_member(
    visit: Callable[..., Visit], server: PrivateServer, link: str
) -> None:
    page = visit().page
    page.goto(link)
    expect(page.get_by_role("heading", name="You are invited to My library")).to_be_visible()
    assert page.evaluate("location.hash + sessionStorage.length") == "1"
    page.reload()
    expect(page.get_by_text("you may read, listen and search there")).to_be_visible()
    sign_up(page, "Grace Hopper", "grace")
    expect(page.get_by_role("heading", name="My library", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("/libraries/my-library$"))
    expect(page.get_by_role("link", name="Grace Hopper")).to_be_visible()
    assert members(server)["Grace Hopper"] == "viewer"
    again = visit().page
    again.goto(link)
    expect(again.get_by_role("alert")).to_contain_text("used up")
    again.get_by_role("button", name="Go on without it").click()
    expect(again.get_by_role("heading", name="Sign in to Echoic")).to_be_visible()


def test_one_who_has_an_account_joins_with_it_signed_in_or_not(
    visit: Callable[..., Visit], server: PrivateServer
) -> None:
    url = server.client.post(INVITATIONS, json={"role": "viewer", "max_uses": 2}).json()["url"]
    visitor = visit()
    page = visitor.page
    page.goto(url)
    sign_up(page, "Alan Turing", "alan")
    expect(page.get_by_role("heading", name="My library", exact=True)).to_be_visible()
    better = server.client.post(INVITATIONS, json={"role": "editor"}).json()["url"]
    page.goto(better)
    page.get_by_role("button", name="Join as Alan Turing").click()
    expect(page.get_by_role("heading", name="My library", exact=True)).to_be_visible()
    assert members(server)["Alan Turing"] == "editor"
    page.goto(server.client.post(INVITATIONS, json={"role": "owner"}).json()["url"])
    page.get_by_role("button", name="Use another account").click()
    page.get_by_role("button", name="I have an account").click()
    page.get_by_label("Name", exact=True).fill("alan")
    page.get_by_label("Password").fill(NEW_PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="My library", exact=True)).to_be_visible()
    assert members(server)["Alan Turing"] == "owner"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_invitation_has_no_barrier_and_fits_a_phone(visit: Callable[..., Visit], link: str, scheme: str) -> None:
    page = visit(color_scheme=scheme, viewport=PHONE).page
    page.goto(link)
    page.get_by_role("button", name="Make an account and join").wait_for()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
