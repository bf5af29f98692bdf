"""Recording with the microphone: it goes up while it runs, and neither a lost line nor a killed page loses it."""

import wave
from collections.abc import Callable, Iterator

import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from echoic.testing.private_server import PrivateServer
from tests.page.conftest import Cookie, Visit, launched

pytestmark = pytest.mark.processes

RATE = 48_000
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser with a microphone that hears a tone for every other half second."""
    path = tmp_path_factory.mktemp("microphone") / "tone.wav"
    samples = 12_000 * np.sin(np.arange(10 * RATE) / 20) * (np.arange(10 * RATE) // (RATE // 2) % 2)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    switches = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with launched(*switches, f"--use-file-for-fake-audio-capture={path}") as browser:
        yield browser


@pytest.fixture
def context(visit: Callable[..., Visit], cookie: Cookie) -> Iterator[BrowserContext]:
    """The browser of somebody who is signed in and gives the page the microphone; no script of its pages may fail."""
    begun = visit(permissions=["microphone"])
    # Its own page would complain of the lost line, too.
    begun.sign_in(cookie).close()
    errors: list[str] = []
    begun.context.on("weberror", lambda failed: errors.append(str(failed.error)))
    yield begun.context
    assert errors == []


def begin(context: BrowserContext, title: str, into: str | None = None) -> Page:
    page = context.new_page()
    page.goto("/record")
    page.get_by_label("Title").fill(title)
    if into:
        page.get_by_label("Into").select_option(label=f"{into} (my-library)")
    page.get_by_role("button", name="Start recording").click()
    expect(page.get_by_role("timer")).to_be_visible()
    return page


def until_seconds(page: Page, seconds: int) -> None:
    page.wait_for_function(
        "(most) => { const [m, s] = document.querySelector('[role=timer]').textContent.split(':').map(Number);"
        " return 60 * m + s >= most; }",
        arg=seconds,
    )


def made_item(client: httpx.Client, title: str) -> dict[str, object]:
    """The published item of a recording, with its outline."""
    found = client.get("/api/items", params={"limit": 100}).json()["items"]
    (item,) = [one for one in found if one["title"] == title]
    with client.stream("GET", f"/api/items/{item['id']}/events") as events:
        for line in events.iter_lines():
            if line == "event: end":
                break
    details: dict[str, object] = client.get(f"/api/items/{item['id']}").json()
    assert details["status"] == "published", details
    return details


def open_item(page: Page) -> None:
    page.get_by_role("link", name="Open").click(timeout=60_000)
    page.locator("h1").wait_for()


@pytest.mark.parametrize("extension", ["webm", "m4a"])
def test_a_recording_becomes_an_item_that_plays_from_any_place(
    context: BrowserContext, server: PrivateServer, extension: str
) -> None:
    """Neither kind says how long it is, since it was sent before it ended."""
    title, into = f"Talk as {extension}", f"Takes {extension}"
    made = server.client.post(
        "/api/datasets", json={"name": into, "library": "my-library", "allowed_formats": [extension]}
    )
    assert made.is_success, made.text
    page = begin(context, title, into)
    until_seconds(page, 4)
    page.wait_for_function("() => Number(document.querySelector('[role=meter]').ariaValueNow) > 50")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status").filter(has_text="Paused")).to_be_visible()
    stood = page.get_by_role("timer").inner_text()
    page.get_by_role("button", name="Go on").click()
    until_seconds(page, int(stood.split(":")[1]) + 2)
    page.get_by_role("button", name="Finish").click()
    open_item(page)
    details = made_item(server.client, title)
    length = details["duration_seconds"]
    assert isinstance(length, float)
    assert 5 < length < 20
    pairs = server.client.get(f"/api/items/{details['id']}/peaks").content
    outline = np.abs(np.frombuffer(pairs, dtype=np.int8))
    assert outline.max() > 20, "the tone was heard"
    page.reload()
    page.get_by_role("slider", name="Position in the recording").wait_for()
    page.wait_for_function("() => document.querySelector('audio').readyState > 0")
    page.evaluate("document.querySelector('audio').currentTime = 3")
    page.wait_for_function("() => !document.querySelector('audio').seeking")
    assert page.evaluate("document.querySelector('audio').currentTime") == pytest.approx(3, abs=0.2)
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 3.5")


def test_a_killed_page_and_a_lost_line_lose_nothing(context: BrowserContext, server: PrivateServer) -> None:
    page = begin(context, "Killed in the middle")
    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        pass
    again = context.new_page()
    again.goto("/record")
    again.get_by_role("button", name="Start recording").wait_for()
    context.set_offline(True)
    before = page.get_by_role("timer").inner_text()
    until_seconds(page, int(before.split(":")[1]) + 4)
    assert again.get_by_text("Killed in the middle").count() == 0, "one page at a time has it"
    page.close(run_before_unload=False)
    context.set_offline(False)
    open_item(again)
    length = made_item(server.client, "Killed in the middle")["duration_seconds"]
    assert isinstance(length, float)
    assert length > int(before.split(":")[1]) + 2
    again.goto("/record")
    again.get_by_role("button", name="Start recording").wait_for()
    assert again.get_by_text("Killed in the middle").count() == 0, "nothing is kept twice"


def test_who_comes_back_after_the_server_kept_the_beginning_sends_the_whole(
    context: BrowserContext, server: PrivateServer
) -> None:
    page = begin(context, "Back after days")
    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        pass
    until_seconds(page, 8)
    page.close(run_before_unload=False)
    told = {"Tus-Resumable": "1.0.0", "Upload-Offset": "100", "Upload-Length": "100", "Item-Id": "1"}
    context.route(
        "**/uploads/*",
        lambda route: route.fulfill(headers=told) if route.request.method == "HEAD" else route.continue_(),
        times=1,
    )
    again = context.new_page()
    again.goto("/record")
    open_item(again)
    length = made_item(server.client, "Back after days")["duration_seconds"]
    assert isinstance(length, float)
    assert length > 6


def test_the_line_may_come_back_while_it_records(context: BrowserContext, server: PrivateServer) -> None:
    page = begin(context, "Through a tunnel")
    context.set_offline(True)
    expect(page.get_by_text("It is kept in this browser")).to_be_visible()
    context.set_offline(False)
    expect(page.get_by_text("It is kept in this browser")).to_be_hidden()
    page.get_by_role("link", name="Home").click()
    page.get_by_role("link", name="Recording 0:").click()
    page.get_by_role("button", name="Finish").click()
    open_item(page)
    assert made_item(server.client, "Through a tunnel")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_no_barrier_and_fits_a_phone(visit: Callable[..., Visit], cookie: Cookie, scheme: str) -> None:
    page = visit(color_scheme=scheme, viewport=PHONE, permissions=["microphone"]).sign_in(cookie)
    page.goto("/record")
    page.get_by_role("button", name="Start recording").focus()
    page.keyboard.press("Enter")
    page.get_by_role("timer").wait_for()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.on("dialog", lambda asked: asked.accept())
    page.get_by_role("button", name="Discard").click()
    page.get_by_role("button", name="Start recording").wait_for()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_microphone_that_is_refused_is_explained(visit: Callable[..., Visit], cookie: Cookie) -> None:
    page = visit().sign_in(cookie)
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));"
    )
    page.goto("/record")
    page.get_by_role("button", name="Start recording").click()
    expect(page.get_by_role("alert")).to_contain_text("Allow it in the settings for this site")
