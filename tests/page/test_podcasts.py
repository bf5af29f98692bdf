"""Podcasts on the page: following a feed, its episodes, lists of feeds, a dataset's own feed, and publishers' texts."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from echoic.testing.private_server import PrivateServer
from tests.page.conftest import Cookie, Visit

pytestmark = pytest.mark.processes

PHONE = {"width": 360, "height": 740}
SHOTS = os.environ.get("PAGE_SHOTS")
"""A folder for pictures of what is looked at."""
ENTRY: dict[str, Any] = {
    "publish_date": "2026-01-05T08:00:00Z",
    "reason": None,
    "message": None,
    "item_id": None,
    "duration_seconds": 3723.0,
    "changed_at": None,
    "retry_at": None,
}
ENTRIES = [
    {**ENTRY, "id": 3, "title": "The harbor", "state": "waiting"},
    {**ENTRY, "id": 2, "title": "<b>Weather</b> and tides", "state": "left_out", "reason": "older"},
    {**ENTRY, "id": 1, "title": "A map", "state": "failed", "reason": "url_unreachable", "message": "It is away."},
]
TEXT: dict[str, Any] = {
    "kind": "transcript",
    "state": "kept",
    "error": None,
    "source": "talks.example.com",
    "language": "en",
    "form": "vtt",
    "size_bytes": 800,
    "fetched_at": "2026-01-05T09:00:00Z",
}
TEXTS = [
    {**TEXT, "id": 1},
    {
        **TEXT,
        "id": 2,
        "state": "failed",
        "form": None,
        "error": {"code": "url_forbidden", "message": "It is internal."},
    },
    {**TEXT, "id": 3, "kind": "chapters", "form": "json"},
]


def look(page: Page, name: str) -> None:
    """Nothing is in the way of anybody, and nothing sticks out."""
    found = Axe().run(page)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    width: int = page.evaluate("innerWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}-{width}.png")


@pytest.mark.parametrize("options", [{}, {"viewport": PHONE, "color_scheme": "dark"}], ids=["light", "dark phone"])
def test_a_podcast_is_followed_looked_at_and_left_alone(
    visit: Callable[..., Visit], cookie: Cookie, tmp_path: Path, options: dict[str, Any]
) -> None:
    page = visit(**options).sign_in(cookie)
    page.goto("/libraries/my-library")
    page.get_by_role("button", name="Follow podcasts").click()
    page.get_by_label("Address of the feed").fill("https://podcasts.invalid/feed.xml")
    page.get_by_text("It wants a login").click()
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("s3cret")
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("Talks by the sea")
    listed = tmp_path / "feeds.opml"
    outlines = '<outline text="Odd" xmlUrl="ftp://x/"/><outline text="Sea" xmlUrl="https://sea.invalid/f"/>'
    listed.write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')
    page.get_by_label("A list from another program").set_input_files(listed)
    expect(page.get_by_role("status").filter(has_text="Left out")).to_be_visible()
    expect(page.get_by_role("dialog")).to_contain_text("it has no usable address")
    look(page, "follow")
    page.get_by_role("button", name="Follow", exact=True).click()
    page.get_by_role("heading", name="Talks by the sea").wait_for()
    feed = page.get_by_role("region", name="Feed")
    expect(feed).to_contain_text("https://podcasts.invalid/… (private)")
    page.route("**/feed/entries*", lambda route: route.fulfill(json={**page_of("entries", ENTRIES)}))
    page.route("**/feed/take", lambda route: route.fulfill(json={"waiting": 1}))
    feed.get_by_role("button", name="Episodes").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Older than what was asked for.")
    expect(dialog).to_contain_text("It is away.")
    look(page, "episodes")
    dialog.get_by_role("button", name="Fetch “<b>Weather</b> and tides”").click()
    expect(dialog.get_by_role("button", name="Fetch “<b>")).to_have_count(0)
    page.keyboard.press("Escape")
    feed.get_by_role("button", name="Change the feed").click()
    page.get_by_label("Leave the feed alone").check()
    look(page, "change")
    page.get_by_role("button", name="Save").click()
    expect(feed).to_contain_text("Paused")
    look(page, "dataset")


def page_of(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: rows, "total": len(rows), "limit": 50, "offset": 0}


def test_a_dataset_is_a_podcast_by_an_address_with_a_key_that_only_reads(page: Page) -> None:
    page.goto("/datasets/1")
    page.get_by_role("button", name="As a podcast").click()
    page.get_by_role("button", name="Make an address").click()
    address = page.get_by_label("Address for the player").input_value()
    look(page, "own")
    assert "<rss" in httpx.get(address).text
    key = httpx.URL(address).params["api_key"]
    refused = httpx.post(httpx.URL(address).join("/api/datasets"), json={}, headers={"Authorization": f"Bearer {key}"})
    assert refused.status_code == 403


def test_a_publishers_text_is_read_and_compared(page: Page, item_id: int, server: PrivateServer) -> None:
    ours = server.client.get(f"/api/items/{item_id}/transcript").json()["segments"]
    said = [{"start": None, "end": None, "speaker": None, "text": one["text"].upper()} for one in ours]
    said[0] = {**said[0], "start": 1.0, "speaker": "Ruth", "text": f"Gesundheit {said[0]['text']}"}

    def as_episode(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "source_type": "podcast_episode"})

    page.route(f"**/api/items/{item_id}", as_episode)
    path = f"**/api/items/{item_id}/published-texts"
    page.route(path, lambda route: route.fulfill(json={"item_id": item_id, "texts": TEXTS}))
    page.route(f"{path}/1", lambda route: route.fulfill(json={**TEXTS[0], "segments": said, "chapters": []}))
    page.goto(f"/items/{item_id}")
    page.get_by_role("button", name="By the publisher").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It is internal.")
    look(page, "published")
    dialog.get_by_role("button", name="Compare").click()
    expect(dialog).to_contain_text("Places that differ: 1")
    expect(dialog.locator("ins")).to_have_text("Gesundheit")
    look(page, "compared")
    dialog.get_by_role("button", name="All of the publisher’s texts").click()
    dialog.get_by_role("button", name="Read").first.click()
    expect(dialog).to_contain_text("Ruth: Gesundheit")
