"""A recording shared from its page by keyboard alone, and opened by somebody without an account and without scripts."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.page.conftest import Cookie, Visit

pytestmark = pytest.mark.processes


def test_a_link_is_made_opened_and_revoked(visit: Callable[..., Visit], cookie: Cookie, item_id: int) -> None:
    page = visit(viewport={"width": 360, "height": 740}, color_scheme="dark").sign_in(cookie)
    page.on("dialog", lambda asked: asked.accept())
    page.goto(f"/items/{item_id}")
    page.get_by_role("button", name="Share").press("Enter")
    dialog = page.get_by_role("dialog", name="Share by a link")
    dialog.get_by_label("The names of speakers").press("Space")
    dialog.get_by_role("button", name="Make a link").press("Enter")
    link = dialog.get_by_role("link", name="The whole recording · without names")
    address = str(link.get_attribute("href"))
    expect(dialog.get_by_role("status")).to_have_text("The link is made.")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    stranger = visit(java_script_enabled=False, locale="de-DE").page
    stranger.goto(address)
    expect(stranger.get_by_text("Sprecher 1").first).to_be_visible()
    expect(stranger.locator("audio")).to_be_visible()
    reader = visit().page
    reader.goto(address)
    found = Axe().run(reader)
    assert found.violations_count == 0, found.generate_report()
    reader.locator("a[data-at]").nth(1).press("Enter")
    reader.wait_for_function("document.querySelector('audio').currentTime > 0")
    dialog.get_by_role("button", name="Revoke").press("Enter")
    expect(dialog.get_by_role("status")).to_have_text("The link is revoked.")
    stranger.goto(address)
    expect(stranger.get_by_role("heading", name="Hier ist nichts")).to_be_visible()
