"""What changes on the server is shown without a reload, by one stream for all tabs of a browser."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from echoic.testing.private_server import PrivateServer
from tests.page.conftest import Cookie, Visit

pytestmark = pytest.mark.processes

HIDE = "Object.defineProperty(document, 'hidden', { value: %s, configurable: true });"
SEEN = "document.dispatchEvent(new Event('visibilitychange'));"


@pytest.fixture
def renamed(server: PrivateServer, item_id: int) -> Iterator[Callable[[str], None]]:
    """Gives the recording another title, and the former one back in the end."""
    address, headers = server.client.base_url.join(f"/api/items/{item_id}"), dict(server.client.headers)
    former = httpx.get(address, headers=headers).json()["title"]

    def rename(title: str) -> None:
        # By a connection of its own: one that rested while a page was looked at may be closed by the server as it is used.
        httpx.patch(address, headers=headers, json={"title": title}).raise_for_status()

    yield rename
    rename(former)


def test_two_tabs_show_a_change_by_one_stream(
    visit: Callable[..., Visit], cookie: Cookie, renamed: Callable[[str], None]
) -> None:
    somebody = visit()
    streams: list[str] = []
    somebody.context.on("request", lambda asked: streams.append(asked.url) if asked.url.endswith("/events") else None)
    first = somebody.sign_in(cookie)
    first.wait_for_function("async () => (await navigator.locks.query()).held.length === 1")
    second = somebody.context.new_page()
    second.goto("/")
    second.wait_for_function("async () => (await navigator.locks.query()).pending.length === 1")
    renamed("Heard in both tabs")
    for page in (first, second):
        expect(page.get_by_role("link", name="Heard in both tabs")).to_be_visible()
    assert len(streams) == 1
    first.close()
    second.wait_for_function("async () => (await navigator.locks.query()).pending.length === 0")
    renamed("Heard in the tab that is left")
    expect(second.get_by_role("link", name="Heard in the tab that is left")).to_be_visible()
    assert len(streams) == 2


def test_a_page_that_is_not_seen_holds_no_stream_and_looks_when_it_is_seen(
    page: Page, renamed: Callable[[str], None]
) -> None:
    held = "async (count) => (await navigator.locks.query()).held.length === count"
    page.wait_for_function(held, arg=1)
    page.evaluate(HIDE % "true" + SEEN)
    page.wait_for_function(held, arg=0)
    renamed("Renamed while nobody looked")
    page.evaluate(HIDE % "false" + SEEN)
    expect(page.get_by_role("link", name="Renamed while nobody looked")).to_be_visible()
    page.wait_for_function(held, arg=1)


def test_without_a_stream_the_page_asks_by_itself(
    visit: Callable[..., Visit], cookie: Cookie, renamed: Callable[[str], None]
) -> None:
    somebody = visit()
    somebody.context.route("**/api/events", lambda route: route.fulfill(status=404))
    page = somebody.sign_in(cookie)
    renamed("Found by asking")
    expect(page.get_by_role("link", name="Found by asking")).to_be_visible()


def test_a_recording_that_goes_in_elsewhere_comes_up_and_goes_by_itself(
    page: Page, server: PrivateServer, speech: Path
) -> None:
    made = server.client.post(
        "/api/datasets/1/items",
        files={"audio": ("elsewhere.flac", speech.read_bytes())},
        data={"title": "From elsewhere"},
    ).json()["item_id"]
    link = page.get_by_role("link", name="From elsewhere").last
    expect(link).to_be_visible()
    link.click()
    expect(page.locator(".transcript p").first).to_be_visible()
    server.client.delete(f"/api/items/{made}").raise_for_status()
    expect(page.get_by_role("alert")).to_be_visible()


def test_a_correction_by_somebody_else_is_shown_and_leaves_alone_what_is_being_written(
    page: Page, server: PrivateServer, item_id: int
) -> None:
    path = f"/api/items/{item_id}/transcript/segments"
    address, headers = server.client.base_url, dict(server.client.headers)

    def correct(number: int, said: str) -> None:
        change = {"text": said}
        httpx.patch(address.join(f"{path}/{number}"), headers=headers, json=change).raise_for_status()

    page.goto(f"/items/{item_id}")
    lines = page.locator(".transcript p")
    page.get_by_role("button", name="Find and replace").and_(page.locator(":enabled")).wait_for()
    correct(1, "Corrected by a colleague.")
    expect(lines.nth(1)).to_have_text("Corrected by a colleague.")
    lines.nth(0).dblclick()
    lines.nth(0).fill("Being written")
    with page.expect_response(lambda answer: answer.url.endswith(f"/api/items/{item_id}")):
        correct(1, "Corrected once more.")
    expect(lines.nth(0)).to_be_focused()
    expect(lines.nth(1)).to_have_text("Corrected by a colleague.")
    lines.nth(0).press("Enter")
    expect(lines.nth(1)).to_have_text("Corrected once more.")
    expect(lines.nth(0)).to_have_text("Being written")
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()


def test_a_session_that_was_ended_elsewhere_leads_to_the_sign_in(
    visit: Callable[..., Visit], server: PrivateServer
) -> None:
    page = visit().page
    page.goto(server.client.post("/api/sign-in-tokens").json()["url"])
    page.get_by_role("heading", name="Latest recordings").wait_for()
    newest = max(one["id"] for one in server.client.get("/api/sessions").json()["sessions"])
    httpx.delete(
        server.client.base_url.join(f"/api/sessions/{newest}"), headers=dict(server.client.headers)
    ).raise_for_status()
    expect(page.get_by_role("heading", name="Sign in to Echoic")).to_be_visible()
