"""Libraries and datasets on the page: many recordings at once, and other people."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page, expect

from echoic.testing.private_server import PrivateServer
from tests.page.conftest import Cookie, Visit, ended, published

pytestmark = pytest.mark.processes

TITLES = ("Harbor wall", "Harbor office", "Support call")
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def dataset_id(server: PrivateServer, speech: Path) -> int:
    """A dataset with three published recordings of the same voices; in the first one has a name."""
    made = server.client.post("/api/datasets", json={"name": "Interviews", "identify_speakers": False}).json()
    found: int = made["id"]
    ids = [published(server.client, speech, dataset_id=found, title=title) for title in TITLES]
    named = server.client.post(f"/api/items/{ids[0]}/speakers/SPEAKER_00", json={"name": "Vera Holm"})
    assert named.is_success, named.text
    return found


def rows(page: Page) -> list[str]:
    return page.locator("main tbody .title").all_inner_texts()


def agree(page: Page, text: str | None = None) -> None:
    """Answer the browser's next question with yes, or with a text."""

    def answer(asked: Dialog) -> None:
        asked.accept(text)

    page.once("dialog", answer)


def join(page: Page, link: str) -> None:
    """Make an account by an invitation."""
    page.goto(link)
    page.get_by_role("button", name="I am new here").click()
    page.get_by_label("Your name").fill("Bert")
    page.get_by_label("Name or e-mail address to sign in with").fill("bert")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make an account and join").click()
    page.get_by_role("button", name="Sign out").wait_for()


def reads_with_marks(page: Page, server: PrivateServer, dataset_id: int) -> None:
    """Hide a word of the recording that the page shows, and look at it again."""
    first = str(page.locator(".transcript p").first.inner_text()).split()[0]
    server.client.patch(f"/api/datasets/{dataset_id}", json={"redaction": {"words": [first]}}).raise_for_status()
    page.reload()
    expect(page.get_by_text("Hidden from you: ")).to_be_visible()
    expect(page.locator(".transcript p").first).to_contain_text("[WORD]")
    expect(page.locator("audio")).to_have_js_property("error", None)
    server.client.patch(f"/api/datasets/{dataset_id}", json={"redaction": None}).raise_for_status()


def is_offered_no_change_of_what_is_hidden(page: Page, server: PrivateServer, dataset_id: int, item_id: int) -> None:
    """Hide a word from an editor, for whom the page then has no act that the server would refuse."""
    server.client.patch(f"/api/datasets/{dataset_id}", json={"redaction": {"words": ["harbor"]}}).raise_for_status()
    page.goto(f"/items/{item_id}")
    line = page.locator(".transcript p").first
    line.focus()
    page.keyboard.press("Enter")
    bar = page.get_by_role("toolbar")
    expect(bar.get_by_role("button", name="Quote")).to_be_visible()
    expect(page.get_by_role("button", name="Delete")).to_be_visible()
    for act in ("Edit", "Speaker …", "Versions", "Find and replace", "Undo", "Transcribe again"):
        expect(page.get_by_role("button", name=act, exact=True)).to_have_count(0)
    line.dblclick()
    expect(page.locator("[role=textbox]")).to_have_count(0)

    page.goto(f"/datasets/{dataset_id}")
    page.get_by_role("checkbox").first.check()
    expect(page.get_by_role("button", name="Delete")).to_be_visible()
    for act in ("Move", "Transcribe again", "Find and replace"):
        expect(page.get_by_role("button", name=act)).to_have_count(0)
    page.get_by_role("button", name="Settings").click()
    dialog = page.get_by_role("dialog", name="Settings")
    expect(dialog.get_by_label("Recognize known voices")).to_be_visible()
    for setting in ("Vocabulary", "Text before the recording", "Replacements"):
        expect(dialog.get_by_label(setting, exact=True)).to_have_count(0)
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("alert")).to_have_count(0)
    server.client.patch(f"/api/datasets/{dataset_id}", json={"redaction": None}).raise_for_status()


def items_of(server: PrivateServer, dataset_id: int) -> dict[str, int]:
    listed = server.client.get(f"/api/datasets/{dataset_id}/items").json()["items"]
    return {item["title"]: item["id"] for item in listed}


def test_recordings_are_narrowed_and_sorted_and_the_address_keeps_it(page: Page, dataset_id: int) -> None:
    page.goto(f"/datasets/{dataset_id}")
    expect(page.locator("main tbody tr")).to_have_count(3)
    expect(page.locator("main tbody tr").last).to_contain_text("Vera Holm")
    page.get_by_label("Word in the title").fill("harbor")
    expect(page.locator("main tbody tr")).to_have_count(2)
    page.get_by_label("Sort by").select_option("title")
    expect(page).to_have_url(re.compile(r"title=harbor&order=title"))
    expect(page.locator("main tbody .title").first).to_have_text("Harbor office")
    page.reload()
    expect(page.locator("main tbody .title").first).to_have_text("Harbor office")
    assert rows(page) == ["Harbor office", "Harbor wall"]
    page.get_by_label("Speaker", exact=True).select_option("Vera Holm")
    expect(page.locator("main tbody tr")).to_have_count(1)
    page.get_by_label("State").select_option("failed")
    expect(page.get_by_text("No recording fits these filters.")).to_be_visible()


def test_the_latest_recordings_of_all_libraries_are_narrowed(page: Page, dataset_id: int) -> None:
    latest = page.get_by_role("region", name="Latest recordings")
    latest.get_by_label("Word in the title").fill("support")
    expect(latest.get_by_role("link", name="Support call")).to_be_visible()
    expect(latest.get_by_role("link", name="Harbor wall")).to_have_count(0)


def test_a_text_is_replaced_in_all_recordings_after_a_preview(
    page: Page, server: PrivateServer, dataset_id: int
) -> None:
    ids = items_of(server, dataset_id).values()
    before = [server.client.get(f"/api/items/{item_id}/transcript").json() for item_id in ids]
    word = next(found for found in re.findall(r"[a-z]{5,}", before[0]["segments"][0]["text"]))
    page.goto(f"/datasets/{dataset_id}")
    page.get_by_role("button", name="Find and replace").click()
    dialog = page.get_by_role("dialog", name="Find and replace in all recordings")
    dialog.get_by_label("Find", exact=True).fill(word)
    dialog.get_by_label("Replace with").fill("Zeppelin")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog.locator(".found > li")).to_have_count(3)
    expect(dialog.locator("ins").first).to_contain_text("Zeppelin")
    assert [server.client.get(f"/api/items/{item_id}/transcript").json() for item_id in ids] == before
    dialog.get_by_role("button", name="Replace in these recordings (3)").click()
    expect(dialog.get_by_role("status")).to_contain_text(re.compile(r"Replaced: \d+, in recordings: 3"))
    for item_id, was in zip(ids, before, strict=True):
        after = server.client.get(f"/api/items/{item_id}/transcript").json()
        assert after["version"] == was["version"] + 1
        assert "Zeppelin" in after["segments"][0]["text"]


def test_picked_recordings_are_exported_moved_transcribed_and_removed(
    page: Page, server: PrivateServer, dataset_id: int, speech: Path
) -> None:
    other = server.client.post("/api/datasets", json={"name": "Archive"}).json()["id"]
    for title in ("One", "Two", "Three"):
        published(server.client, speech, dataset_id=dataset_id, title=title)
    page.goto(f"/datasets/{dataset_id}?title=T")
    for title in ("Two", "Three"):
        page.get_by_label(f"Select “{title}”").check()
    expect(page.get_by_text("Selected: 2")).to_be_visible()
    page.get_by_role("button", name="Export").last.click()
    exporting = page.get_by_role("dialog", name="Export transcripts")
    exporting.get_by_label("srt").check()
    with page.expect_download() as saved:
        exporting.get_by_role("link", name="Download").click()
    archive = zipfile.ZipFile(io.BytesIO(Path(saved.value.path()).read_bytes()))
    assert sorted(archive.namelist()) == ["Three.srt", "Three.txt", "Two.srt", "Two.txt", "contents.json"]
    assert len(json.loads(archive.read("contents.json"))["items"]) == 2

    page.get_by_role("button", name="Transcribe again").click()
    page.get_by_role("dialog").get_by_role("button", name="Transcribe again").click()
    expect(page.get_by_role("status").get_by_text("Done: 2.")).to_be_visible()
    for title in ("Two", "Three"):
        ended(server.client, items_of(server, dataset_id)[title])
        page.get_by_label(f"Select “{title}”").check()
    page.get_by_role("button", name="Move").click()
    moving = page.get_by_role("dialog", name="Move recordings: 2")
    moving.get_by_label("To the dataset").select_option("Archive")
    moving.get_by_role("button", name="Move").click()
    expect(page.get_by_label("Select “Two”")).to_have_count(0)
    assert set(items_of(server, other)) == {"Two", "Three"}

    page.goto(f"/datasets/{other}")
    page.get_by_label("Select all that are shown").check()
    agree(page)
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("No recordings are in this dataset yet.")).to_be_visible()
    assert items_of(server, other) == {}


def test_a_library_and_a_dataset_are_made_and_the_library_is_removed_by_its_name(page: Page) -> None:
    page.goto("/libraries")
    page.get_by_role("textbox", name="Name", exact=True).fill("Über uns")
    expect(page.get_by_label("Name in addresses")).to_have_value("uber-uns")
    page.get_by_role("button", name="Make a library").click()
    expect(page.get_by_role("heading", name="Über uns")).to_be_visible()
    page.get_by_role("textbox", name="Name", exact=True).fill("Talks")
    page.get_by_role("button", name="Make a dataset").click()
    expect(page.get_by_role("heading", name="Talks")).to_be_visible()
    page.get_by_role("link", name="uber-uns").click()
    expect(page.get_by_role("link", name="Talks")).to_be_visible()
    for answer, shown in (("Uber", "That is not its name"), ("Über uns", "Your libraries")):
        agree(page, answer)
        page.get_by_role("button", name="Delete the library").click()
        expect(page.get_by_text(shown)).to_be_visible()


def test_a_second_account_that_is_invited_sees_and_may_not_change(
    visit: Callable[..., Visit], cookie: Cookie, server: PrivateServer, speech: Path
) -> None:
    slug = server.client.post("/api/libraries", json={"slug": "shared", "name": "Shared"}).json()["slug"]
    dataset_id = server.client.post("/api/datasets", json={"name": "Meetings", "library": slug}).json()["id"]
    item_id = published(server.client, speech, dataset_id=dataset_id, title="Board meeting")
    owner = visit().sign_in(cookie)
    owner.goto(f"/libraries/{slug}")
    owner.get_by_role("combobox", name="Role", exact=True).select_option("viewer")
    owner.get_by_label("Valid for").select_option("1")
    owner.get_by_role("button", name="Make a link").click()
    link = owner.locator(".made code").inner_text()
    expect(owner.get_by_text(re.compile("viewer, used 0 of 1"))).to_be_visible()

    guest = visit()
    page = guest.page
    join(page, link)
    page.goto(f"/libraries/{slug}")
    expect(page.get_by_text("You are its viewer.")).to_be_visible()
    expect(page.get_by_role("button", name="Make a dataset")).to_have_count(0)
    expect(page.get_by_role("heading", name="Invitations")).to_have_count(0)
    page.get_by_role("link", name="Meetings").click()
    expect(page.get_by_role("link", name="Board meeting")).to_be_visible()
    for act in ("Settings", "Find and replace", "Delete the dataset"):
        expect(page.get_by_role("button", name=act)).to_have_count(0)
    expect(page.get_by_role("checkbox")).to_have_count(0)
    page.get_by_role("link", name="Board meeting").click()
    expect(page.locator(".transcript p").first).to_be_visible()
    expect(page.get_by_role("button", name="Edit")).to_have_count(0)
    reads_with_marks(page, server, dataset_id)
    headers = {"Origin": str(server.client.base_url).rstrip("/"), "X-Echoic-Request": "test"}
    for path, body in (
        (f"/api/items/{item_id}/transcript/segments/0", {"text": "mine"}),
        (f"/api/datasets/{dataset_id}", {"name": "Mine"}),
    ):
        refused = guest.context.request.patch(path, data=body, headers=headers)
        assert (refused.status, refused.json()["code"]) == (403, "forbidden")

    owner.reload()
    owner.get_by_label("Role of Bert").select_option("editor")
    expect(owner.get_by_text("No open invitations.")).to_be_visible()
    page.goto(f"/datasets/{dataset_id}")
    expect(page.get_by_role("button", name="Settings")).to_be_visible()
    is_offered_no_change_of_what_is_hidden(page, server, dataset_id, item_id)

    agree(owner)
    owner.get_by_role("button", name="Remove: Bert").click()
    expect(owner.get_by_label("Role of Bert")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("alert")).to_be_visible()


def test_the_last_owner_is_kept_and_a_link_that_is_revoked_is_gone(page: Page, server: PrivateServer) -> None:
    server.client.post("/api/libraries", json={"slug": "kept", "name": "Kept"})
    page.goto("/libraries/kept")
    page.get_by_label(re.compile("^Role of")).select_option("viewer")
    expect(page.get_by_role("alert")).to_contain_text("owner")
    expect(page.get_by_label(re.compile("^Role of"))).to_have_value("owner")
    page.get_by_role("button", name="Make a link").click()
    link = page.locator(".made code").inner_text()
    agree(page)
    page.get_by_role("button", name=re.compile("^Revoke: viewer")).click()
    expect(page.get_by_text("No open invitations.")).to_be_visible()
    looked = server.client.post("/api/invitations/look", json={"token": link.partition("#invitation=")[2]})
    assert looked.status_code == 404
