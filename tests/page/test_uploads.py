"""Uploads by the page: duplicates, refusals, and what goes on after a reload and after the server was killed."""

import hashlib
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, CDPSession, Dialog, Locator, Page, Route, expect

from echoic.testing.private_server import FAKE_ENGINES, WITHOUT_WORKER, PrivateServer
from tests.folders import passable_folder
from tests.page.conftest import PATIENCE_MS, Visit

pytestmark = pytest.mark.processes

RATE = 16_000
SLOW_BYTES_PER_SECOND = 300_000
STARTED = """() => {
    const row = document.querySelector('.drop li');
    return row && !row.innerText.includes('comparing') && Number(row.querySelector('progress')?.value) > 100000;
}"""


def recording(path: Path, *, seconds: int, first: int) -> Path:
    """A recording that no other test sends, told apart by its first sample."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(first.to_bytes(2, "little") + bytes(2 * RATE * seconds - 2))
    return path


def row(page: Page, name: str) -> Locator:
    return page.locator(".drop li", has_text=name)


def slow(page: Page, bytes_per_second: int) -> CDPSession:
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second},
    )
    return line


def test_bytes_that_are_there_already_lead_to_their_recording(page: Page, tmp_path: Path) -> None:
    first, again = recording(tmp_path / "first.wav", seconds=1, first=7), tmp_path / "same.wav"
    again.write_bytes(first.read_bytes())
    chooser = page.locator("input[type=file]").first
    chooser.set_input_files(first)
    made = row(page, "first.wav").get_by_role("link", name="Open").get_attribute("href")
    chooser.set_input_files(again)
    known = row(page, "same.wav")
    expect(known).to_contain_text("holds this recording already")
    assert known.get_by_role("link", name="Open").get_attribute("href") == made
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    known.get_by_role("button", name="Add it again").click()
    expect(known).to_contain_text("stored")
    assert known.get_by_role("link", name="Open").get_attribute("href") != made


def test_what_is_no_recording_is_refused_with_the_reason_and_can_be_taken_off(page: Page, tmp_path: Path) -> None:
    text = tmp_path / "letter.wav"
    text.write_bytes(b"Dear Ada, " * 100)
    page.locator("input[type=file]").first.set_input_files(text)
    refused = row(page, "letter.wav")
    expect(refused.get_by_role("alert")).to_be_visible()
    expect(refused.get_by_role("button", name="Try again")).to_have_count(0)
    refused.get_by_role("button", name="Give up letter.wav").click()
    expect(refused).to_have_count(0)


def test_an_address_that_cannot_be_fetched_says_why(page: Page) -> None:
    page.get_by_label("or from an address").fill("https://127.0.0.1/talk.mp3")
    page.get_by_role("button", name="Fetch").click()
    refused = row(page, "https://127.0.0.1/talk.mp3")
    expect(refused.get_by_role("alert")).to_be_visible()


def test_an_upload_goes_on_after_a_reload_with_the_same_file(page: Page, server: PrivateServer, tmp_path: Path) -> None:
    talk = recording(tmp_path / "reloaded.wav", seconds=60, first=8)
    line = slow(page, SLOW_BYTES_PER_SECOND)
    page.locator("input[type=file]").first.set_input_files(talk)
    page.wait_for_function(STARTED)
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.once("dialog", leave)
    page.reload()
    assert asked == ["beforeunload"]
    line.detach()
    broken_off = row(page, "reloaded.wav")
    expect(broken_off).to_contain_text("Broken off")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    posts: list[str] = []
    page.on("request", lambda sent: posts.append(sent.url) if sent.method == "POST" else None)
    broken_off.locator("input[type=file]").set_input_files(recording(tmp_path / "other.wav", seconds=1, first=9))
    expect(broken_off).to_contain_text("That is another file")
    broken_off.locator("input[type=file]").set_input_files(talk)
    expect(broken_off).to_contain_text("stored")
    assert posts == []
    made = broken_off.get_by_role("link", name="Open").get_attribute("href")
    kept = server.client.get(f"/api{made}").json()
    assert kept["sha256"] == hashlib.sha256(talk.read_bytes()).hexdigest()


@pytest.fixture
def mortal() -> Iterator[PrivateServer]:
    """A server that a test may kill."""
    with passable_folder() as folder, PrivateServer(folder, options=WITHOUT_WORKER, **FAKE_ENGINES) as started:
        yield started


def test_the_server_is_killed_in_mid_upload_and_the_page_goes_on_by_itself(
    chromium: Browser, mortal: PrivateServer, tmp_path: Path
) -> None:
    base = str(mortal.client.base_url).rstrip("/")
    visit = Visit(chromium, base)
    page = visit.page
    page.goto(mortal.client.post("/api/sign-in-tokens").json()["url"])
    page.get_by_role("heading", name="Latest recordings").wait_for()
    talk = recording(tmp_path / "killed.wav", seconds=60, first=10)
    line = slow(page, SLOW_BYTES_PER_SECOND)
    page.locator("input[type=file]").first.set_input_files(talk)
    page.wait_for_function(STARTED)
    mortal.kill()
    interrupted = row(page, "killed.wav")
    expect(interrupted).to_contain_text("goes on by itself")
    slow(page, -1)
    line.detach()
    port = str(mortal.client.base_url.port)
    with PrivateServer(mortal.data_dir, options=WITHOUT_WORKER, ECHOIC_PORT=port, **FAKE_ENGINES) as revived:
        expect(interrupted).to_contain_text("stored", timeout=2 * PATIENCE_MS)
        made = interrupted.get_by_role("link", name="Open").get_attribute("href")
        kept = revived.client.get(f"/api{made}").json()
        assert kept["sha256"] == hashlib.sha256(talk.read_bytes()).hexdigest()
        visit.close()


def test_an_address_that_is_given_before_the_datasets_are_known_waits_for_them(page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/datasets*", hold)
    page.reload()
    page.get_by_label("or from an address").fill("https://127.0.0.1/early.mp3")
    page.get_by_role("button", name="Fetch").click()
    expect(row(page, "https://127.0.0.1/early.mp3")).to_have_count(0)
    for one in held:
        one.continue_()
    page.unroute("**/api/datasets*")
    expect(row(page, "https://127.0.0.1/early.mp3").get_by_role("alert")).to_be_visible()


def test_what_is_given_while_the_datasets_are_out_of_reach_is_not_passed_over_in_silence(page: Page) -> None:
    page.route("**/api/datasets*", lambda route: route.fulfill(status=429, json={"message": "Try later."}))
    page.reload()
    page.get_by_label("or from an address").fill("https://127.0.0.1/late.mp3")
    page.get_by_role("button", name="Fetch").click()
    expect(page.get_by_text("nothing was taken")).to_be_visible()
    expect(page.get_by_label("or from an address")).to_have_value("https://127.0.0.1/late.mp3")
    page.unroute("**/api/datasets*")
