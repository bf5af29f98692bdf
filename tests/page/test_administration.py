"""The pages of administrators, and those of one's own account and of the plans."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from echoic import __version__
from echoic.testing.private_server import PrivateServer
from tests.page.conftest import Visit, published

pytestmark = pytest.mark.processes

RECORDING = Path(__file__).parents[2] / "examples" / "jfk.flac"
"""Another than the other tests of the page use, so that its bytes are found by their number."""


@contextmanager
def bytes_away(server: PrivateServer) -> Iterator[None]:
    """The stored bytes of these recordings are missing while the block runs."""
    size = RECORDING.stat().st_size
    stored = [one for one in (server.data_dir / "blobs").rglob("*") if one.is_file() and one.stat().st_size == size]
    assert stored
    for one in stored:
        one.rename(one.with_suffix(".away"))
    yield
    for one in stored:
        one.with_suffix(".away").rename(one)


def until_ended(client: httpx.Client, item_id: int) -> str:
    """Wait for the end of the work on an item; returns its status."""
    with client.stream("GET", f"/api/items/{item_id}/events") as events:
        assert any(line == "event: end" for line in events.iter_lines())
    status: str = client.get(f"/api/items/{item_id}").json()["status"]
    return status


def test_what_failed_is_shown_by_code_and_tried_again_one_by_one_and_all_at_once(
    page: Page, server: PrivateServer
) -> None:
    client = server.client
    dataset = client.post("/api/datasets", json={"name": "Held", "auto_transcribe": False}).json()["id"]
    path, sent = f"/api/datasets/{dataset}/items", {"audio": (RECORDING.name, RECORDING.read_bytes())}
    item_ids = [client.post(path, files=sent).json()["item_id"] for _ in range(3)]
    with bytes_away(server):
        for item_id in item_ids:
            client.post(f"/api/items/{item_id}/transcribe").raise_for_status()
            assert until_ended(client, item_id) == "failed"
    page.goto("/admin/failures")
    group = page.get_by_role("listitem").filter(has_text="blob_not_found").first
    expect(group).to_contain_text("failed: 3")
    group.get_by_role("button", name="Show recordings").click()
    expect(group.get_by_role("link", name="jfk")).to_have_count(3)
    group.get_by_role("button", name="Try again from where it failed").first.click()
    expect(page.get_by_role("status")).to_contain_text("Waiting in the queue again: 1.")
    expect(group).to_contain_text("failed: 2")
    page.on("dialog", lambda dialog: dialog.accept())
    group.get_by_role("button", name="Try all again").click()
    expect(page.get_by_role("status")).to_contain_text("Waiting in the queue again: 2.")
    assert [until_ended(client, item_id) for item_id in item_ids] == ["published"] * 3
    page.reload()
    expect(page.get_by_text("Nothing is failed.")).to_be_visible()


def test_a_text_from_before_is_shown_though_another_run_failed(page: Page, server: PrivateServer) -> None:
    client = server.client
    dataset = client.post("/api/datasets", json={"name": "Tried again"}).json()["id"]
    item_id = published(client, RECORDING, dataset_id=dataset)
    page.goto(f"/items/{item_id}")
    lines = page.locator(".transcript p")
    before = lines.first.inner_text()
    retry = page.get_by_role("button", name="Try again from where it failed")
    with bytes_away(server):
        page.get_by_role("button", name="Transcribe again").click()
        page.get_by_role("dialog").get_by_role("button", name="Transcribe again").click()
        expect(retry).to_be_visible()
        expect(page.get_by_text("The stored bytes are missing.")).to_be_visible()
        expect(lines.first).to_have_text(before)
    retry.click()
    expect(retry).to_have_count(0)
    assert until_ended(client, item_id) == "published"
    expect(lines.first).to_have_text(before)


def test_a_recording_that_failed_late_shows_its_text_which_cannot_be_changed(
    page: Page, server: PrivateServer, item_id: int
) -> None:
    failed = {"status": "failed", "error": {"code": "engine_failed", "stage": "embed", "message": "It broke."}}
    shown = server.client.get(f"/api/items/{item_id}").json() | failed
    page.route(f"**/api/items/{item_id}", lambda route: route.fulfill(json=shown))
    page.goto(f"/items/{item_id}")
    line = page.locator(".transcript p").first
    expect(line).to_be_visible()
    expect(page.get_by_text("It broke.")).to_be_visible()
    expect(page.get_by_role("button", name="Export")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    line.dblclick()
    expect(page.locator("[role=textbox]")).to_have_count(0)


def test_an_account_is_made_changed_locked_and_removed(
    page: Page, visit: Callable[..., Visit], server: PrivateServer
) -> None:
    page.goto("/admin/accounts")
    page.get_by_role("button", name="New account").click()
    dialog = page.get_by_role("dialog", name="New account")
    dialog.get_by_label("Name", exact=True).fill("Cleo")
    dialog.get_by_label("Sign-in name").fill("cleo")
    dialog.get_by_label("Password, at least").fill("short but long enough")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    theirs = visit().page
    theirs.goto("/admin")
    theirs.get_by_label("Name").fill("cleo")
    theirs.get_by_label("Password").fill("short but long enough")
    theirs.get_by_role("button", name="Sign in").click()
    expect(theirs.get_by_text("Only administrators see this page.")).to_be_visible()
    expect(theirs.get_by_role("link", name="Administration")).to_have_count(0)

    page.get_by_role("button", name="Cleo").click()
    sheet = page.get_by_role("dialog", name="Cleo, account")
    sheet.get_by_label("Plan").select_option("unlimited")
    sheet.get_by_label("Locked").check()
    sheet.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="Cleo")).to_contain_text("locked")
    expect(page.get_by_role("row", name="Cleo")).to_contain_text("unlimited")
    theirs.reload()
    expect(theirs.get_by_role("heading", name="Sign in to Echoic")).to_be_visible()

    page.get_by_role("button", name="Cleo").click()
    sheet.get_by_text("Remove this account").click()
    remove = sheet.get_by_role("button", name="Remove for good")
    sheet.get_by_label("To remove it, type its name").fill("Cleo")
    expect(remove).to_be_disabled()
    sheet.get_by_label("They are deleted with all that is in them").check()
    remove.click()
    expect(page.get_by_role("row", name="Cleo")).to_have_count(0)
    names = [one["name"] for one in server.client.get("/api/accounts").json()["accounts"]]
    assert "Cleo" not in names


def test_the_last_administrator_cannot_give_up(page: Page) -> None:
    page.goto("/admin/accounts")
    page.get_by_role("row", name="ada").get_by_role("button").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Administrator").uncheck()
    sheet.get_by_role("button", name="Save").click()
    expect(sheet.get_by_role("alert")).to_contain_text("administrator")


def test_workers_storage_and_versions_are_shown(page: Page, server: PrivateServer, item_id: int) -> None:
    (worker,) = server.client.get("/api/workers").json()["workers"]
    page.goto("/admin")
    expect(page.get_by_role("listitem").filter(has_text=worker["name"])).to_contain_text("Nothing to do.")
    expect(page.get_by_role("row", name="Transcribing")).to_be_visible()
    page.get_by_role("link", name="Storage").click()
    expect(page.get_by_role("row", name="Owner")).to_contain_text("MB")
    page.get_by_role("link", name="Health and versions").click()
    expect(page.get_by_text("All parts answer")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Began, or its state changed")).to_be_visible()
    expect(page.get_by_text(__version__, exact=True).first).to_be_visible()
    assert item_id


@pytest.mark.parametrize(
    ("part", "asked"),
    [("failures", "failures"), ("accounts", "accounts"), ("storage", "storage"), ("health", "installation")],
)
def test_a_part_that_is_still_loading_says_so(page: Page, part: str, asked: str) -> None:
    held: list[Route] = []
    is_held = True

    def hold(route: Route) -> None:
        if is_held:
            held.append(route)
        else:
            route.continue_()

    page.route(re.compile(rf"/api/{asked}(\?|$)"), hold)
    page.goto(f"/admin/{part}")
    expect(page.get_by_text("Loading …")).to_be_visible()
    # The page may say so before it has asked.
    is_held = False
    for route in held:
        route.continue_()
    expect(page.get_by_text("Loading …")).to_have_count(0)


def test_a_table_that_is_wider_than_a_phone_shows_that_it_goes_on(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/admin/accounts")
    table = page.get_by_role("region", name="Accounts")
    expect(table.get_by_role("row", name="Owner")).to_be_visible()
    assert table.evaluate("one => one.scrollWidth > one.clientWidth")
    assert table.evaluate("one => getComputedStyle(one).backgroundAttachment").split(", ").count("scroll") == 2


def test_colors_are_chosen_for_this_browser_and_kept(page: Page) -> None:
    page.goto("/account")
    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(ground)
    page.get_by_label("Colors").select_option("dark")
    assert page.evaluate(ground) != before
    page.reload()
    expect(page.get_by_label("Colors")).to_have_value("dark")
    assert page.evaluate(ground) != before


def test_plans_are_shown_to_those_who_are_not_signed_in(visit: Callable[..., Visit], server: PrivateServer) -> None:
    page = visit().page
    page.goto("/pricing")
    (free,) = [plan for plan in server.client.get("/api/plans").json()["plans"] if plan["name"] == "free"]
    row = page.get_by_role("row", name="Largest file")
    expect(row).to_contain_text(str(free["max_file_mb"]))
    expect(page.get_by_role("columnheader", name="unlimited")).to_be_visible()
