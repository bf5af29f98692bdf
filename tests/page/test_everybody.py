"""The page for everybody: without a mouse, on a phone, in the dark, by ear, in German."""

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from echoic.testing.private_server import PrivateServer
from tests.page.callbacks import authorization, register
from tests.page.conftest import Cookie, Visit, arrive

pytestmark = pytest.mark.processes

ADMIN = ("/admin", "/admin/failures", "/admin/accounts", "/admin/storage", "/admin/health")
ROUTES = (
    "/",
    "/items/{item_id}",
    "/datasets/1",
    "/libraries",
    "/libraries/my-library",
    "/search?q=the",
    "/ask?question=the",
    "/people/my-library",
    "/people/my-library/{person_id}",
    "/entities",
    "/entities/{entity}",
    "/record",
    "/quotes",
    "/alerts",
    "/alerts/new?q=the",
    "/webhooks",
    "/account",
    "{authorization}",
    "/pricing",
    *ADMIN,
)
SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, select, summary")]
    .filter((one) => one.checkVisibility() && !one.matches(".skip"))
    .map((one) => [one.textContent.trim(), ...["width", "height"].map((side) => one.getBoundingClientRect()[side])])
    .filter(([, width, height]) => Math.min(width, height) < 24)"""
"""Targets below the 24 px of WCAG 2.5.8."""
ALL_RULES = {"resultTypes": ["violations"]}
COLORS = {**ALL_RULES, "runOnly": {"type": "rule", "values": ["color-contrast"]}}
"""Of axe: all that one scheme may do wrong which is right in the other."""
PHONE = {"width": 360, "height": 740}
LOOPBACK = "http://localhost/callback"
COVERED = ("/items", "/datasets", "/people", "/search", "/record")
"""Routes with parts that stand still on a phone, or open below a chip."""
MOST_STOPS = 60
"""Of a walk with Tab; longer routes repeat what came before."""
STOP = """() => {
    const one = document.activeElement;
    if (one === document.body) return null;
    const name = (one.getAttribute("aria-label") ?? one.textContent ?? one.id).trim().slice(0, 40) || one.outerHTML.slice(0, 80);
    const box = one.getBoundingClientRect();
    const isTaller = box.height > innerHeight; // such a region begins above the window: the middle of the part in sight counts
    const x = box.left + Math.min(box.width, 40) / 2;
    const y = isTaller ? (Math.max(box.top, 0) + Math.min(box.bottom, innerHeight)) / 2 : box.top + Math.min(box.height, 40) / 2;
    const inside = x >= 0 && y >= 0 && x < innerWidth && y < innerHeight;
    const above = inside ? document.elementFromPoint(x, y) : null;
    const covered = !above || !(one.contains(above) || above.contains(one) || [...(one.labels ?? [])].some((label) => label.contains(above)));
    const style = getComputedStyle(one);
    const marked = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    return [name, [!inside && "out of sight", inside && covered && `covered by ${above?.tagName.toLowerCase()} .${above?.className}`, !marked && "not marked"].filter(Boolean).join(", ")];
}"""
"""Where the focus is, and what is wrong with it (WCAG 2.4.7 and 2.4.11)."""
NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => requestAnimationFrame(done))))"


@pytest.fixture(scope="module")
def routes(server: PrivateServer, item_id: int) -> list[str]:
    """Every route of somebody who is signed in."""
    client = server.client
    client.post(f"/api/items/{item_id}/speakers/SPEAKER_00", json={"name": "Ruth Sander"}).raise_for_status()
    (person, *_) = client.get("/api/libraries/my-library/speakers").json()["speakers"]
    (entity, *_) = client.get("/api/entities").json()["entities"]
    given = {"item_id": item_id, "person_id": person["id"], "entity": f"{entity['type']}/{entity['name']}"}
    base = str(client.base_url).rstrip("/")
    given["authorization"] = authorization(register(base, LOOPBACK), LOOPBACK)
    return [route.format(**given) for route in ROUTES]


def walk(page: Page) -> list[str]:
    """Go through the page with Tab; returns what is wrong with the stops."""
    wrong: list[str] = []
    stops = 0
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None:
            break
        if stop[1]:
            page.evaluate(NEXT_FRAME)  # what appears with the focus has its place by then
            stop = page.evaluate(STOP)
        stops += 1
        name, fault = stop
        if fault:
            wrong.append(f"{name}: {fault}")
    assert stops
    return wrong


@pytest.mark.parametrize(("scheme", "rules"), [("light", ALL_RULES), ("dark", COLORS)], ids=["light", "dark"])
def test_no_route_has_a_barrier_that_axe_knows(
    visit: Callable[..., Visit], cookie: Cookie, routes: list[str], scheme: str, rules: dict[str, object]
) -> None:
    page = visit(color_scheme=scheme).sign_in(cookie)
    for route in routes:
        arrive(page, route)
        found = Axe().run(page, options=rules)
        assert found.violations_count == 0, f"{route} in {scheme}: {found.generate_report()}"


def test_the_sign_in_has_no_barrier_that_axe_knows(visit: Callable[..., Visit]) -> None:
    page = visit().page
    page.goto("/")
    page.get_by_role("button", name="Sign in").wait_for()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.fixture
def short_title(server: PrivateServer, item_id: int) -> Iterator[None]:
    """The recording has a title that is narrower than a target may be."""
    address = f"/api/items/{item_id}"
    title = server.client.get(address).raise_for_status().json()["title"]
    server.client.patch(address, json={"title": "i"}).raise_for_status()
    yield
    server.client.patch(address, json={"title": title}).raise_for_status()


@pytest.mark.usefixtures("short_title")
def test_a_phone_shows_every_route_in_one_column_with_targets_large_enough(
    visit: Callable[..., Visit], cookie: Cookie, routes: list[str]
) -> None:
    page = visit(viewport=PHONE).sign_in(cookie)
    small = {}
    for route in routes:
        arrive(page, route)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], route
        small[route] = page.evaluate(SMALL_TARGETS)
    assert {route: targets for route, targets in small.items() if targets} == {}


@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 800}, PHONE], ids=["wide", "phone"])
def test_tab_leads_through_every_route_and_each_stop_is_marked_and_in_sight(
    visit: Callable[..., Visit], cookie: Cookie, routes: list[str], viewport: dict[str, int]
) -> None:
    somebody = visit(viewport=viewport)
    somebody.page.goto("/sign-in")
    somebody.page.get_by_role("button", name="Sign in").wait_for()
    assert walk(somebody.page) == []
    page = somebody.sign_in(cookie)
    for route in routes:
        if viewport == PHONE and not route.startswith(COVERED):
            continue
        arrive(page, route)
        assert walk(page) == [], route


def test_keys_alone_play_seek_edit_and_show_their_sheet(page: Page, item_id: int) -> None:
    page.goto(f"/items/{item_id}")
    position = page.get_by_role("slider", name="Position in the recording")
    page.locator(".transcript p").first.wait_for()
    page.keyboard.press("ArrowRight")
    expect(position).to_have_value("5")
    page.keyboard.press("k")
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    page.keyboard.press("k")
    page.keyboard.press("e")
    expect(page.locator("[role=textbox][contenteditable]")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard")
    expect(sheet).to_be_visible()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_label("Search everything that was said")).to_be_focused()


def test_single_letters_can_be_switched_off(page: Page, item_id: int) -> None:
    page.keyboard.press("?")
    page.get_by_label("Single-letter keys are on").uncheck()
    page.keyboard.press("Escape")
    page.goto(f"/items/{item_id}")
    page.locator(".transcript p").first.wait_for()
    page.keyboard.press("k")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_the_page_speaks_the_language_of_the_browser_and_keeps_the_one_chosen(visit: Callable[..., Visit]) -> None:
    page = visit(locale="de-DE").page
    page.goto("/")
    expect(page.get_by_role("heading", name="Bei Echoic anmelden")).to_be_visible()
    page.get_by_label("Sprache").select_option("en")
    page.reload()
    expect(page.get_by_role("heading", name="Sign in to Echoic")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "en"
