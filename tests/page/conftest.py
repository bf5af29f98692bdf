"""A server with engines that answer at once, and a Chromium that looks at its page."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, expect, sync_playwright

from echoic.testing.private_server import FAKE_ENGINES, PrivateServer
from tests.folders import passable_folder

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = [
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"),
    "--autoplay-policy=no-user-gesture-required",
]
NAME, PASSWORD = "ada", "correct horse battery"
PATIENCE_MS = 120_000
REFUSED = re.compile(r"responded with a status of 4\d\d")

Cookie = tuple[str, str]
"""Name and value."""


@pytest.fixture(scope="package")
def server() -> Iterator[PrivateServer]:
    with passable_folder() as folder, PrivateServer(folder, **FAKE_ENGINES) as started:
        made = started.client.put("/api/account/sign-in", json={"sign_in_name": NAME, "password": PASSWORD})
        assert made.is_success, made.text
        yield started


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for the tests of one module: while it is there its event loop runs, which tests of other modules bring along."""
    with launched() as browser:
        yield browser


@contextmanager
def launched(*more: str) -> Iterator[Browser]:
    """A browser with further switches."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        assert "CI" not in os.environ, "CI has no Chromium"
        pytest.skip("no Chromium: install it (apt-get install chromium) to test the page")
    # As root it starts without its sandbox only.
    switches = [*SWITCHES, *more, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=program, args=switches)
        yield browser
        browser.close()


class Visit:
    """Somebody at the page: a browser window of their own, and all that the page complained of or asked elsewhere."""

    def __init__(self, browser: Browser, base: str, **options: object) -> None:
        self.context: BrowserContext = browser.new_context(base_url=base, **options)  # type: ignore[arg-type]  # given by name
        self.context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self._base = base
        self.page.on("console", self._said)
        self.page.on("pageerror", self._failed)
        self.page.on("request", lambda asked: self._asked(asked.url))

    def sign_in(self, cookie: Cookie) -> Page:
        """Open the page with a session that was begun elsewhere."""
        name, value = cookie
        self.context.add_cookies([{"name": name, "value": value, "url": self._base}])
        self.page.goto("/")
        self.page.get_by_role("heading", name="Latest recordings").wait_for()
        return self.page

    def sign_in_by_form(self, password: str = PASSWORD) -> Page:
        self.page.goto("/")
        self.page.get_by_label("Name").fill(NAME)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        return self.page

    def close(self) -> None:
        """Close the window. An answer that a test was about to give to the page is wanted by nobody then."""
        for page in self.context.pages:
            page.unroute_all(behavior="ignoreErrors")
        self.context.unroute_all(behavior="ignoreErrors")
        self.context.close()

    def _said(self, message: ConsoleMessage) -> None:
        # The browser reports each refusal of the server, which the page shows to the person.
        if message.type == "error" and not REFUSED.search(message.text):
            self.complaints.append(message.text)

    def _failed(self, error: Error) -> None:
        self.complaints.append(str(error))

    def _asked(self, url: str) -> None:
        if not url.startswith((self._base, "blob:", "data:")):
            self.elsewhere.append(url)


@pytest.fixture
def visit(chromium: Browser, server: PrivateServer) -> Iterator[Callable[..., Visit]]:
    """Opens the page for somebody; in the end the page must have complained of nothing and asked no other server."""
    visits: list[Visit] = []

    def begin(**options: object) -> Visit:
        visits.append(Visit(chromium, str(server.client.base_url).rstrip("/"), **options))
        return visits[-1]

    yield begin
    for one in visits:
        one.close()
    assert [one.complaints for one in visits if one.complaints] == []
    assert [one.elsewhere for one in visits if one.elsewhere] == []


@pytest.fixture(scope="package")
def cookie(server: PrivateServer) -> Cookie:
    """A session. All visits share it, since trying to sign in is limited."""
    return signed_in(server)


def signed_in(server: PrivateServer) -> Cookie:
    """Sign in by a password; returns the session's cookie."""
    base = str(server.client.base_url).rstrip("/")
    headers = {"Origin": base, "X-Echoic-Request": "test"}
    answer = httpx.post(f"{base}/api/sign-in", json={"name": NAME, "password": PASSWORD}, headers=headers)
    ((name, token),) = answer.cookies.items()
    return name, token


@pytest.fixture
def page(visit: Callable[..., Visit], cookie: Cookie) -> Page:
    """The page of somebody who is signed in."""
    return visit().sign_in(cookie)


@pytest.fixture(scope="package")
def item_id(server: PrivateServer, speech: Path) -> int:
    """A published recording."""
    return published(server.client, speech)


@pytest.fixture(scope="package")
def speech() -> Path:
    return Path(__file__).parents[2] / "examples" / "conversation.flac"


def published(client: httpx.Client, path: Path, *, dataset_id: int = 1, **fields: str) -> int:
    """Upload a recording and wait until it is published."""
    files = {"audio": (path.name, path.read_bytes())}
    accepted = client.post(f"/api/datasets/{dataset_id}/items", files=files, data=fields).json()
    found: int = accepted["item_id"]
    ended(client, found)
    assert client.get(f"/api/items/{found}").json()["status"] == "published"
    return found


def arrive(page: Page, route: str) -> None:
    """Go to a route and wait until it shows what it has to show."""
    page.goto(route)
    page.locator("main h1").first.wait_for()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    page.wait_for_load_state("networkidle")


def ended(client: httpx.Client, item_id: int) -> None:
    """Wait until the work on an item has ended."""
    with client.stream("GET", f"/api/items/{item_id}/events") as events:
        for line in events.iter_lines():
            if line == "event: end":
                break
