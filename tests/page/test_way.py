"""The whole way through the page as a person goes it."""

import re
import secrets
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from echoic.testing.private_server import PrivateServer
from tests.page.conftest import Cookie, Visit

pytestmark = pytest.mark.processes


def test_a_recording_goes_in_and_its_words_lead_to_the_sound(page: Page, speech: Path) -> None:
    page.locator("input[type=file]").first.set_input_files(speech)
    page.get_by_role("link", name="Open").click()
    words = page.locator(".transcript p")
    expect(words.first).to_be_visible()
    page.locator(".transcript p").nth(1).click(position={"x": 8, "y": 8})
    expect(page.get_by_role("slider", name="Position in the recording")).not_to_have_value("0")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    expect(page.locator("p.now")).to_be_visible()


def test_files_chosen_before_the_datasets_are_known_wait_for_them(page: Page, speech: Path) -> None:
    held: list[Route] = []
    page.route("**/api/datasets", lambda route: held.append(route))  # noqa: PLW0108 - it looks into the function, which a builtin has not
    page.reload()
    page.locator("input[type=file]").first.set_input_files(speech)
    page.wait_for_function("() => performance.getEntriesByName(location.origin + '/api/queue').length > 0")
    for one in held:
        one.continue_()
    expect(page.get_by_role("link", name="Open")).to_be_visible()


def test_only_datasets_that_take_uploads_are_offered_each_by_a_name_of_its_own(
    page: Page, server: PrivateServer
) -> None:
    made = [
        server.client.post("/api/datasets", json={"name": name, "content_type": kind}).json()["id"]
        for name, kind in (("Twins", "uploads"), ("Twins", "uploads"), ("Episodes", "podcast"))
    ]
    try:
        page.reload()
        into = page.get_by_label("Into").locator("option")
        expect(into.filter(has_text="Twins")).to_have_count(2)
        names = into.all_inner_texts()
        assert len(set(names)) == len(names)
        assert not [name for name in names if "Episodes" in name]
    finally:
        for dataset_id in made:
            server.client.delete(f"/api/datasets/{dataset_id}").raise_for_status()


def test_a_line_is_edited_undone_and_done_again(page: Page, server: PrivateServer, item_id: int) -> None:
    page.goto(f"/items/{item_id}")
    line = page.locator(".transcript p").first
    before = line.inner_text()
    line.dblclick()
    line.fill("Said by a person.")
    line.press("Enter")
    page.get_by_role("status").get_by_text("Saved as version").wait_for()
    expect(line).to_have_text("Said by a person.")
    page.get_by_role("button", name="Undo").click()
    expect(line).to_have_text(before)
    page.get_by_role("button", name="Redo").click()
    expect(line).to_have_text("Said by a person.")
    said = server.client.get(f"/api/items/{item_id}/transcript").json()["segments"][0]["text"]
    assert said == "Said by a person."


def test_escape_gives_the_text_back(page: Page, item_id: int) -> None:
    page.goto(f"/items/{item_id}")
    line = page.locator(".transcript p").nth(1)
    before = line.inner_text()
    line.dblclick()
    line.fill("never mind")
    line.press("Escape")
    expect(line).to_have_text(before)


def test_of_two_who_edit_at_once_neither_loses_a_word(page: Page, server: PrivateServer, item_id: int) -> None:
    page.goto(f"/items/{item_id}")
    line = page.locator(".transcript p").nth(2)
    line.dblclick()
    line.fill("mine")
    theirs = server.client.patch(f"/api/items/{item_id}/transcript/segments/2", json={"text": "theirs"})
    assert theirs.is_success
    line.press("Enter")
    conflict = page.get_by_role("alert")
    expect(conflict).to_contain_text("mine")
    expect(conflict).to_contain_text("theirs")
    expect(line).to_have_text("theirs")
    conflict.get_by_role("button", name="Save mine").click()
    expect(line).to_have_text("mine")
    expect(conflict).to_have_count(0)
    (change,) = server.client.get(f"/api/items/{item_id}/transcript/versions").json()["versions"][0]["changes"]
    assert (change["text_before"], change["text_after"]) == ("theirs", "mine")


def test_a_speaker_gets_a_name_and_the_text_shows_it(page: Page, item_id: int) -> None:
    name = f"Ruth {secrets.token_hex(4)}"  # other tests name this voice, too, and a name that it has makes no version
    page.goto(f"/items/{item_id}")
    page.locator(".transcript .name").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator(".transcript .name").first).to_have_text(name)
    page.keyboard.press("v")
    newest = dialog.get_by_role("listitem").first
    expect(newest).to_contain_text("speakers with another name: 1")
    expect(newest).not_to_contain_text("lines changed")
    expect(newest.locator("ins")).to_have_text(name)
    page.goto("/people")
    expect(page.get_by_role("link", name=name)).to_be_visible()


def test_a_match_opens_the_recording_at_its_second(page: Page, server: PrivateServer, item_id: int) -> None:
    segment = server.client.get(f"/api/items/{item_id}/transcript").json()["segments"][-1]
    page.get_by_label("Search everything that was said").fill(f'"{segment["text"]}"')
    page.keyboard.press("Enter")
    hit = page.locator(f'a.hit[href^="/items/{item_id}?"]').first
    expect(hit.locator("mark").first).to_be_visible()
    hit.click()
    expect(page.get_by_role("slider", name="Position in the recording")).to_have_value(str(int(segment["start"])))
    expect(page.locator("p.now")).to_be_in_viewport()


def test_where_no_place_has_the_words_the_page_says_that_all_is_near_in_meaning_only(page: Page, item_id: int) -> None:
    page.goto("/search?q=gondola%20NOT%20police")
    alone = page.get_by_text("No place has these words")
    expect(alone).to_be_visible()
    expect(page.locator(f'a.hit[href^="/items/{item_id}?"]').first).to_be_visible()
    page.get_by_label("Search everything that was said").fill("(apple OR gondola) NOT police")
    expect(page.locator("a.hit mark").first).to_be_visible()
    expect(alone).to_have_count(0)


def test_the_transcript_is_saved_as_a_file(page: Page, item_id: int) -> None:
    page.goto(f"/items/{item_id}")
    page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog", name="Save as a file")
    dialog.get_by_label("txt").uncheck()
    dialog.get_by_label("srt").check()
    with page.expect_download() as saved:
        dialog.get_by_role("link", name="Download").click()
    assert saved.value.suggested_filename.endswith(".srt")
    assert "-->" in Path(saved.value.path()).read_text(encoding="utf-8")


def test_who_signs_out_sees_nothing_any_more(visit: Callable[..., Visit], item_id: int) -> None:
    page = visit().sign_in_by_form()
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"/items/{item_id}")
    expect(page.get_by_role("heading", name="Sign in to Echoic")).to_be_visible()
    expect(page.locator(".transcript")).to_have_count(0)


def test_a_one_time_link_leads_to_the_first_page_and_works_once(
    visit: Callable[..., Visit], server: PrivateServer
) -> None:
    link = server.client.post("/api/sign-in-tokens").json()["url"]
    page = visit().page
    page.goto(link)
    expect(page.get_by_role("heading", name="Latest recordings")).to_be_visible()
    again = visit().page
    again.goto(link)
    expect(again.get_by_role("alert")).to_contain_text("echoic open")
    again.goto("/")
    expect(again.get_by_role("heading", name="Sign in to Echoic")).to_be_visible()


class Foreign(BaseHTTPRequestHandler):
    """An empty page of another origin."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def foreign() -> Iterator[str]:
    """The address of a page of another origin of this host."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Foreign) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        serving.join()


def test_a_page_of_another_origin_gets_nothing_with_somebody_s_session(
    chromium: Browser, server: PrivateServer, cookie: Cookie, item_id: int, foreign: str
) -> None:
    """Cookies do not tell ports of a host apart, so the session goes along; the server refuses it."""
    base = str(server.client.base_url).rstrip("/")
    context = chromium.new_context()
    context.add_cookies([{"name": cookie[0], "value": cookie[1], "url": base}])
    page = context.new_page()
    page.goto(foreign)
    answers: list[int] = []
    page.on("response", lambda answer: answers.append(answer.status) if answer.url.startswith(base) else None)
    page.evaluate(
        """async ([base, item]) => {
            const asked = { credentials: "include", mode: "no-cors" };
            const sent = { ...asked, method: "POST" };
            await fetch(`${base}/api/items/${item}/cancel`, sent);
            await fetch(`${base}/api/sign-out`, sent);
            await fetch(`${base}/api/items/${item}/transcript`, asked);
        }""",
        [base, item_id],
    )
    assert answers == [403, 403, 403]
    page.goto(base)
    expect(page.get_by_role("heading", name="Latest recordings")).to_be_visible()
    context.close()


def test_a_wrong_password_is_refused_with_the_reason(visit: Callable[..., Visit]) -> None:
    page = visit().sign_in_by_form(password="wrong, this one")
    expect(page.get_by_role("alert")).not_to_be_empty()


def test_a_key_made_on_the_page_opens_the_api_until_it_is_revoked(page: Page, server: PrivateServer) -> None:
    page.goto("/account")
    page.get_by_label("Name of a new key").fill("Made on the page")
    page.get_by_role("button", name="Make a key").click()
    key = page.locator(".note code").inner_text()
    headers = {"Authorization": f"Bearer {key}"}
    assert server.client.get("/api/account", headers=headers).status_code == 200
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("listitem").filter(has_text="Made on the page").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("Made on the page")).to_have_count(0)
    assert server.client.get("/api/account", headers=headers).status_code == 401


def test_settings_of_a_dataset_are_changed_and_a_wrong_one_is_refused_with_the_reason(
    page: Page, server: PrivateServer
) -> None:
    made = server.client.post("/api/datasets", json={"name": "Calls"}).json()
    page.goto(f"/datasets/{made['id']}")
    page.get_by_role("button", name="Settings").click()
    dialog = page.get_by_role("dialog", name="Settings")
    dialog.get_by_label("Language that is spoken").fill("nonsense")
    dialog.get_by_label("Vocabulary").fill("Ruth Sander\nEchoic")
    dialog.get_by_label("Recognize known voices").uncheck()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("language")
    dialog.get_by_label("Language that is spoken").fill("de")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    now = server.client.get(f"/api/datasets/{made['id']}").json()
    changed = {"language": "de", "vocabulary": ["Ruth Sander", "Echoic"], "identify_speakers": False}
    assert now == made | changed


def test_an_owner_says_what_a_dataset_hides_and_takes_it_back(page: Page, server: PrivateServer) -> None:
    made = server.client.post("/api/datasets", json={"name": "Support"}).json()

    def hidden(*, kind: str, words: str) -> Any:
        page.goto(f"/datasets/{made['id']}")
        page.get_by_role("button", name="Settings").click()
        dialog = page.get_by_role("dialog", name="Settings")
        hiding = dialog.get_by_role("group", name="Hidden from others")
        hiding.get_by_label(kind).click()
        hiding.get_by_label("Words of your own").fill(words)
        hiding.get_by_label("Who reads the original").select_option("Owners and editors")
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_be_hidden()
        return server.client.get(f"/api/datasets/{made['id']}").json()["redaction"]

    assert hidden(kind="Telephone numbers", words="Project Falcon\n") == {
        "kinds": ["phone"],
        "words": ["Project Falcon"],
        "original_roles": ["owner", "editor"],
        "for_you": False,
    }
    assert hidden(kind="Telephone numbers", words="") is None


def test_the_addresses_of_a_search_result_lead_to_the_player_at_its_second(
    page: Page, server: PrivateServer, item_id: int
) -> None:
    said = server.client.get(f"/api/items/{item_id}/transcript").json()["segments"]
    wanted = next(one for one in said if one["start"] >= 10)
    asked = {"query": f'"{wanted["text"]}"', "search_type": "text", "filters": {"items": [item_id]}}
    found = server.client.post("/api/search", json=asked).json()["results"]
    result = next(one for one in found if one["timestamp"]["start"] == wanted["start"])
    base, query = str(server.client.base_url).rstrip("/"), f"?t={wanted['start']}"
    by_slugs = f"{base}/podcast/{result['podcast']['slug']}/episode/{result['episode']['slug']}{query}"
    for address in (result["urls"]["segment"], by_slugs):
        page.goto(address)
        page.wait_for_function(f"() => document.querySelector('audio')?.currentTime === {wanted['start']}")
        position = page.get_by_role("slider", name="Position in the recording")
        expect(position).to_have_value(re.compile(rf"{int(wanted['start'])}\b"))
    page.goto(f"/podcast/{result['podcast']['slug']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(result["podcast"]["title"])
