"""Search while one types, the people of a library, and the names that are said, in a real browser."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from echoic.testing.private_server import PrivateServer
from tests.page.conftest import Cookie, Visit
from tests.page.newsroom import Newsroom, newsroom

pytestmark = pytest.mark.processes

PHONE = {"width": 360, "height": 740}
FIELD = "Search everything that was said"


@pytest.fixture(scope="module")
def room(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Newsroom:
    made = newsroom(server.client, tmp_path_factory.mktemp("talks"))
    said = server.client.patch(
        f"/api/items/{made.items[0]}/transcript/segments/0", json={"text": "Good day, my name is Ruth Sander."}
    )
    assert said.is_success, said.text
    return made


def word_in(server: PrivateServer, item_id: int, segment: int) -> str:
    said = server.client.get(f"/api/items/{item_id}/transcript").json()["segments"][segment]["text"]
    return str(said).split()[1].strip(".")


def test_results_come_while_one_types_and_the_address_keeps_them(
    page: Page, server: PrivateServer, room: Newsroom
) -> None:
    word = word_in(server, room.items[1], 3)
    page.goto(f"/search?dataset={room.dataset_id}")
    field = page.get_by_label(FIELD)
    field.press_sequentially("(")
    expect(page.get_by_role("alert")).to_contain_text("no word")
    field.fill("")
    field.press_sequentially(f"{word} ")
    expect(page.locator("mark").first).to_have_text(word)
    expect(field).to_have_value(f"{word} ")
    expect(page).to_have_url(re.compile(rf"dataset={room.dataset_id}&q={word}$"))
    page.reload()
    expect(page.locator("mark").first).to_have_text(word)
    expect(page.get_by_role("link", name="Without Interviews")).to_be_visible()


def test_keys_alone_lead_from_the_field_to_a_match_and_into_the_recording(
    page: Page, server: PrivateServer, room: Newsroom
) -> None:
    word = word_in(server, room.items[1], 3)
    page.goto(f"/search?kind=text&q={word}")
    hits = page.locator("a.hit")
    expect(hits.first).to_be_visible()
    page.get_by_label(FIELD).focus()
    page.keyboard.press("ArrowDown")
    expect(hits.first).to_be_focused()
    page.keyboard.press("n")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label(FIELD)).to_be_focused()
    page.keyboard.press("ArrowDown")
    address = hits.first.get_attribute("href") or ""
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(address) + "$"))
    second = re.search(r"t=(\d+)", address)
    assert second is not None
    expect(page.get_by_role("slider", name="Position in the recording")).to_have_value(second[1])


def test_filters_narrow_the_results_and_are_taken_away_again(page: Page, server: PrivateServer, room: Newsroom) -> None:
    words = " OR ".join(word_in(server, item_id, 5) for item_id in room.items)
    page.goto(f"/search?{urlencode({'q': words, 'kind': 'text', 'library': room.slug})}")
    groups = page.locator("article h2 a")
    expect(groups).to_have_count(2)
    chips = page.get_by_role("group", name="Filters")
    chips.get_by_role("button", name="Named").click()
    name = chips.get_by_role("checkbox").first
    name.check()
    expect(chips.get_by_role("link", name=re.compile("^Without (?!Press|Words)"))).to_be_visible()
    expect(page).to_have_url(re.compile("entity="))
    page.keyboard.press("Escape")
    expect(name).to_be_hidden()
    chips.get_by_role("button", name="Date").click()
    chips.get_by_label("To").fill("2020-01-31")
    chips.get_by_label("To").press("Tab")
    expect(page.get_by_role("status").get_by_text("Nothing was found.")).to_be_visible()
    page.get_by_role("link", name=re.compile("Without .*2020")).click()
    page.get_by_role("link", name=re.compile("^Without (?!Press|Words)")).click()
    expect(groups).to_have_count(2)


def test_the_help_beside_the_results_can_be_tried(page: Page) -> None:
    page.goto("/search")
    page.get_by_role("link", name="red OR car").click()
    expect(page.get_by_label(FIELD)).to_have_value("red OR car")
    expect(page.locator("[data-answered='red OR car']")).to_be_visible()


def test_a_name_that_was_said_waits_for_a_yes_and_then_the_person_is_heard_named_split_and_merged(
    page: Page, server: PrivateServer, room: Newsroom
) -> None:
    page.goto(f"/people/{room.slug}")
    page.get_by_role("button", name="Yes, it is Ruth Sander").click()
    expect(page.get_by_role("link", name="Ruth Sander")).to_be_visible()
    expect(page.get_by_text("No name waits for a yes.")).to_be_visible()
    with page.expect_response(lambda answer: answer.url.endswith("/audio")) as heard:
        page.get_by_role("button", name="Hear Ruth Sander").click()
    assert heard.value.status == 206
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    name(server, room.items[1], "Ruth Sander")

    page.get_by_role("link", name="Ruth Sander").click()
    page.get_by_label("Name", exact=True).fill("Ruth Sander-Weber")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", name="Ruth Sander-Weber")).to_be_visible()
    page.get_by_role("checkbox", name="Choose talk-1").check()
    page.get_by_label("somebody else’s").fill("Carla")
    page.get_by_role("button", name="Split off").click()
    expect(page.get_by_role("heading", name="Carla", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="talk-1")).to_have_attribute(
        "href", re.compile(rf"^/items/{room.items[1]}\?t=\d+$")
    )

    page.get_by_role("link", name="People").last.click()
    for person in ("Carla", "Ruth Sander-Weber"):
        page.get_by_role("checkbox", name=f"Choose {person}").check()
    page.get_by_role("button", name="Make 2 one person").click()
    dialog = page.get_by_role("dialog", name="Are they one person?")
    dialog.get_by_role("radio", name="Ruth Sander-Weber").check()
    dialog.get_by_role("button", name="Merge").click()
    expect(page.get_by_role("link", name="Carla")).to_have_count(0)
    page.get_by_role("link", name="Ruth Sander-Weber").click()
    expect(page.get_by_role("checkbox")).to_have_count(2)
    page.on("dialog", lambda asked: asked.accept())
    page.get_by_role("button", name="Forget this person").click()
    expect(page.get_by_text("Nobody has a name here yet.")).to_be_visible()
    assert server.client.get(room.people).json()["total"] == 0


def test_a_name_leads_to_its_mentions_and_to_the_names_beside_it(
    page: Page, server: PrivateServer, room: Newsroom
) -> None:
    most = server.client.get("/api/entities", params={"library": room.slug, "type": "person"}).json()["entities"][0]
    page.goto("/entities")
    page.get_by_role("link", name="person", exact=True).click()
    page.get_by_label("Part of a name").fill(most["name"][:4].lower())
    page.get_by_label("Library").select_option(room.slug)
    page.get_by_role("link", name=most["name"]).click()
    expect(page.get_by_text(f"Mentions: {most['mentions']}")).to_be_visible()
    expect(page.locator("mark").first).to_have_text(most["name"])
    near = page.get_by_role("complementary", name="Named together").get_by_role("link").first
    neighbor = near.inner_text()
    near.click()
    expect(page.get_by_role("heading", name=neighbor, level=1)).to_be_visible()
    page.go_back()
    page.locator("a.hit").first.click()
    expect(page).to_have_url(re.compile(rf"/items/\d+\?t=\d+&find={most['name']}"))
    expect(page.locator(".transcript p").first).to_be_visible()


def test_people_decide_what_a_name_means_and_take_it_back(page: Page, server: PrivateServer, room: Newsroom) -> None:
    params: dict[str, str | int] = {"library": room.slug, "limit": 3}
    one, other, *_ = server.client.get("/api/entities", params=params).json()["entities"]
    page.goto(f"/entities/{one['type']}/{one['name'].upper()}?library={room.slug}")  # as a recording may have it
    expect(page).to_have_url(re.compile(rf"/entities/{one['id']}\?library={room.slug}$"))
    heading = page.get_by_role("heading", level=1)

    page.get_by_role("button", name="Rename").click()
    dialog = page.get_by_role("dialog", name="Another name")
    dialog.get_by_label("Name", exact=True).fill("Somebody Else")
    dialog.get_by_role("button", name="Rename").click()
    expect(heading).to_have_text("Somebody Else")
    page.get_by_role("button", name="Undo").click()
    expect(heading).to_have_text(one["name"])

    page.get_by_role("button", name="The same as …").click()
    dialog = page.get_by_role("dialog", name="The same as …")
    dialog.get_by_label("Part of a name").fill(other["name"].lower())
    dialog.get_by_role("checkbox", name=other["name"]).check()
    dialog.get_by_role("button", name="Merge").click()
    expect(page.get_by_text(f"Mentions: {one['mentions'] + other['mentions']} ")).to_be_visible()
    page.get_by_role("button", name="Somebody or something else").click()
    dialog = page.get_by_role("dialog", name="Somebody or something else")
    dialog.get_by_label("Its name there").fill("Namesake")
    dialog.get_by_role("checkbox").first.check()
    dialog.get_by_role("button", name="Split off").click()
    expect(heading).to_have_text("Namesake")
    page.get_by_role("button", name="What was decided").click()
    decisions = page.get_by_role("dialog", name="What was decided")
    for left in (2, 1, 0):  # the renaming was undone
        if left < 2:
            expect(decisions.get_by_role("button", name="Undo")).to_have_count(left)
        if left:
            decisions.get_by_role("button", name="Undo").first.click()
    page.keyboard.press("Escape")

    page.goto(f"/entities/{one['id']}?library={room.slug}")
    page.get_by_role("button", name="Hide").click()
    page.get_by_role("dialog").get_by_role("button", name="Hide").click()
    expect(page.get_by_text(f"{one['name']} is hidden.")).to_be_visible()
    expect(page.get_by_role("link", name=other["name"], exact=True).first).to_be_visible()
    expect(page.get_by_role("link", name=one["name"], exact=True)).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(heading).to_have_text(one["name"])


def test_what_is_on_the_rise_leads_to_names_words_and_recordings(
    page: Page, server: PrivateServer, room: Newsroom
) -> None:
    one = server.client.get("/api/entities", params={"library": room.slug}).json()["entities"][0]
    page.goto("/entities")
    rising = page.get_by_role("region", name="On the rise")
    expect(rising.get_by_text("There are no recordings of the 7 days before")).to_be_visible()
    figures = {"growth": 1.75, "items": 4, "items_before": 1, "mentions": 9, "mentions_before": 2}
    recordings = [{"item_id": room.items[0], "title": "First talk", "mentions": 3}]

    def answer(route: Route) -> None:
        asked = parse_qs(urlsplit(route.request.url).query)
        of_words = asked["kind"] == ["words"]
        named = {"entity_id": None, "type": None, "name": "deadline"} if of_words else {**one, "entity_id": one["id"]}
        trend = {**named, **figures, "recordings": recordings}
        told = {
            "kind": asked["kind"][0],
            "days": int(asked["days"][0]),
            "first_day": "2026-01-01",
            "last_day": "2026-01-30",
        }
        route.fulfill(json={**told, "items": 9, "items_before": 8, "trends": [trend], "limit": 8})

    page.route("**/api/trending*", answer)
    rising.get_by_label("Since when").select_option("30")
    expect(rising.get_by_role("link", name=one["name"])).to_have_attribute("href", f"/entities/{one['id']}")
    expect(rising.get_by_text("×1.8")).to_be_visible()
    expect(rising.get_by_role("link", name="First talk")).to_be_visible()
    rising.get_by_label("Names or words").select_option("words")
    rising.get_by_role("link", name="deadline").click()
    expect(page).to_have_url(re.compile(r"/search\?q=deadline$"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_opens_and_what_has_an_address_of_its_own_has_no_barrier_and_fits_a_phone(
    visit: Callable[..., Visit], cookie: Cookie, server: PrivateServer, room: Newsroom, scheme: str
) -> None:
    person = name(server, room.items[0], "Ada Lovelace")
    page = visit(color_scheme=scheme, viewport=PHONE).sign_in(cookie)

    def check(state: str) -> None:
        page.wait_for_load_state("networkidle")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{state}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], state

    page.goto(f"/people/{room.slug}/{person}")
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    check("a person")
    page.goto("/entities")
    check("names")
    page.locator("ol a").first.click()
    expect(page.get_by_role("heading", name="Named together")).to_be_visible()
    check("a name")
    page.goto(f"/search?library={room.slug}&q=zzzz")
    for chip in ("Named", "Date", "Confidence"):
        page.get_by_role("button", name=chip).click()
        check(chip)


def name(server: PrivateServer, item_id: int, who: str) -> int:
    """Say who the first speaker of an item is; returns their id."""
    said = server.client.post(f"/api/items/{item_id}/speakers/SPEAKER_00", json={"name": who})
    assert said.is_success, said.text
    (found,) = (one["speaker_id"] for one in said.json()["speakers"] if one["label"] == "SPEAKER_00")
    return int(found)
