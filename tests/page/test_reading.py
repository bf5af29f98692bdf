"""Reading and correcting on the page of a recording: what is done with a line, with several, and with versions."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from echoic.testing.private_server import PrivateServer
from tests.page.conftest import published

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def read_id(server: PrivateServer, speech: Path) -> int:
    """A recording of this module's own: the tests change it one after the other."""
    return published(server.client, speech)


@pytest.fixture
def lines(page: Page, read_id: int) -> Locator:
    """The lines of the open recording."""
    page.goto(f"/items/{read_id}")
    page.get_by_role("button", name="Find and replace").and_(page.locator(":enabled")).wait_for()
    return page.locator(".transcript p")


def said(server: PrivateServer, item_id: int) -> list[dict[str, str]]:
    found: list[dict[str, str]] = server.client.get(f"/api/items/{item_id}/transcript").json()["segments"]
    return found


def test_lines_chosen_by_keys_are_copied_with_speaker_and_time(page: Page, lines: Locator) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("t")
    expect(lines.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    bar = page.get_by_role("toolbar", name="Chosen lines")
    expect(bar).to_contain_text("Lines: 2")
    page.keyboard.press("Enter")
    expect(bar.get_by_role("button", name="Hear")).to_be_focused()
    bar.get_by_role("button", name="Copy with speaker and time").press("Enter")
    page.get_by_role("status").get_by_text("Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.match(r"\[\d+:\d\d\] \S", copied), copied
    assert all(lines.nth(line).inner_text() in copied for line in (1, 2))
    assert re.search(r"/items/\d+\?t=\w+$", copied), copied
    page.keyboard.press("Escape")
    expect(bar).to_have_count(0)


def test_quotes_are_put_by_and_lead_back_to_their_second(page: Page, lines: Locator, read_id: int) -> None:
    lines.nth(1).focus()
    page.keyboard.press("ArrowDown")
    said = lines.nth(2).inner_text()
    page.keyboard.press("m")
    page.get_by_role("status").get_by_text("Put by").wait_for()
    page.keyboard.press("m")
    page.get_by_role("link", name="Quotes").click()
    quote = page.get_by_role("listitem").filter(has_text=said)
    expect(quote).to_have_count(1)
    page.reload()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save as a file").click()
    written = Path(saved.value.path()).read_text(encoding="utf-8")
    assert re.search(rf"^\[\d+:\d\d\] .*{re.escape(said)}\n.*/items/{read_id}\?t=\w+$", written, re.MULTILINE), written
    quote.get_by_role("link").click()
    expect(page).to_have_url(re.compile(rf"/items/{read_id}\?t=\w+"))
    expect(page.locator(".transcript p").filter(has_text=said).first).to_be_in_viewport()
    page.go_back()
    quote.get_by_role("button").click()
    expect(page.get_by_text("No quotes yet.")).to_be_visible()


def test_lines_selected_with_the_mouse_are_saved_as_a_file_by_themselves(page: Page, lines: Locator) -> None:
    first, last = lines.nth(1).bounding_box(), lines.nth(2).bounding_box()
    assert first
    assert last
    page.mouse.move(first["x"] + 6, first["y"] + 8)
    page.mouse.down()
    page.mouse.move(last["x"] + 60, last["y"] + 8, steps=5)
    page.mouse.up()
    page.get_by_role("toolbar", name="Chosen lines").get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog", name="Save as a file")
    expect(dialog.get_by_label("The chosen lines: 2")).to_be_checked()
    dialog.get_by_label("srt").check()
    dialog.get_by_label("Characters in a line of subtitles").fill("20")
    link = dialog.get_by_role("link", name="Download as a zip file")
    asked = parse_qs(urlsplit(str(link.get_attribute("href"))).query)
    assert asked == {"format": ["txt", "srt"], "offset": ["1"], "limit": ["2"], "max_line_columns": ["20"]}
    dialog.get_by_label("srt").uncheck()
    with page.expect_download() as saved:
        dialog.get_by_role("link", name="Download").click()
    written = Path(saved.value.path()).read_text(encoding="utf-8")
    assert lines.nth(1).inner_text() in written
    assert lines.nth(0).inner_text() not in written


def test_a_line_goes_to_a_person_by_name_and_comes_back(
    page: Page, lines: Locator, server: PrivateServer, read_id: int
) -> None:
    before = [one["speaker"] for one in said(server, read_id)]
    lines.first.focus()
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Who says this line?")
    dialog.get_by_label("Name", exact=True).fill("Zoe Brook")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".transcript .name").first).to_have_text("Zoe Brook")
    assert [one["speaker_name"] for one in said(server, read_id)][:2] == ["Zoe Brook", None]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".transcript .name").first).not_to_have_text("Zoe Brook")
    assert [one["speaker"] for one in said(server, read_id)] == before


def test_some_lines_of_a_speaker_are_split_off(page: Page, lines: Locator, server: PrivateServer, read_id: int) -> None:
    before = [one["speaker"] for one in said(server, read_id)]
    label = next(one for one in before if before.count(one) > 1)
    page.locator(f'.transcript button[data-label="{label}"]').first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Some of these lines are somebody else’s").click()
    dialog.get_by_role("checkbox").first.check()
    dialog.get_by_role("button", name="Give them away (1)").click()
    expect(dialog).to_have_count(0)
    after = [one["speaker"] for one in said(server, read_id)]
    assert len({*after} - {*before}) == 1
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("status").get_by_text("Saved as version").wait_for()
    expect(page.get_by_role("button", name="Redo")).to_be_enabled()
    assert [one["speaker"] for one in said(server, read_id)] == before


def test_a_replacement_is_shown_before_it_is_made(
    page: Page, lines: Locator, server: PrivateServer, read_id: int
) -> None:
    word = re.findall(r"[A-Za-z]{4,}", lines.first.inner_text())[0]
    page.keyboard.press("f")
    dialog = page.get_by_role("dialog", name="Find and replace")
    dialog.get_by_label("Find", exact=True).fill(word[:-1])
    expect(dialog.locator("li").first).to_be_visible()
    dialog.get_by_label("Whole words").check()
    expect(dialog.get_by_role("button", name="Replace all")).to_be_disabled()
    dialog.get_by_label("Find", exact=True).fill(word.upper())
    dialog.get_by_label("Replace with").fill("quay")
    expect(dialog.locator("li").first.locator("del")).to_have_text(word)
    expect(dialog.locator("li").first.locator("ins")).to_have_text("quay")
    dialog.get_by_label("Match case").check()
    expect(dialog.get_by_role("button", name="Replace all")).to_be_disabled()
    dialog.get_by_label("Match case").uncheck()
    dialog.get_by_role("button", name="Replace all").click()
    expect(dialog).to_have_count(0)
    expect(lines.first).to_contain_text("quay")
    assert word not in said(server, read_id)[0]["text"]


def test_versions_are_compared_word_by_word_and_restored(
    page: Page, lines: Locator, server: PrivateServer, read_id: int
) -> None:
    heard = said(server, read_id)[2]["text"]
    changed = server.client.patch(
        f"/api/items/{read_id}/transcript/segments/2", json={"text": f"{heard} indeed"}
    ).json()
    page.reload()
    lines.nth(2).get_by_text("indeed").wait_for()
    page.keyboard.press("v")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="What changed").first.click()
    expect(dialog.locator("ins")).to_have_text("indeed")
    expect(dialog.locator("del")).to_have_count(0)
    dialog.locator("select").first.select_option("0")
    expect(dialog.locator("ins").filter(has_text="indeed")).to_have_count(1)
    dialog.get_by_role("button", name="All versions").click()
    row = dialog.get_by_role("listitem").filter(has_text=f"Version {changed['version'] - 1}")
    row.get_by_role("button", name="Go back to this").click()
    expect(lines.nth(2)).to_have_text(heard)


def test_an_edit_of_another_line_by_somebody_else_is_no_conflict(
    page: Page, lines: Locator, server: PrivateServer, read_id: int
) -> None:
    lines.first.dblclick()
    lines.first.fill("Mine alone.")
    server.client.patch(f"/api/items/{read_id}/transcript/segments/3", json={"text": "Theirs alone."})
    lines.first.press("Enter")
    expect(lines.nth(3)).to_have_text("Theirs alone.")
    expect(lines.first).to_have_text("Mine alone.")
    page.get_by_role("status").get_by_text("Saved as version").wait_for()
    assert [said(server, read_id)[line]["text"] for line in (0, 3)] == ["Mine alone.", "Theirs alone."]
    expect(lines.first).to_be_focused()


def test_while_somebody_writes_alt_and_a_letter_play(page: Page, lines: Locator) -> None:
    before = lines.nth(1).inner_text()
    lines.nth(1).dblclick()
    page.keyboard.press("Alt+k")
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    expect(lines.nth(1)).to_be_focused()
    page.keyboard.press("Alt+k")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(lines.nth(1)).to_have_text(before)


def test_the_address_follows_the_sound_without_steps_to_go_back_to(page: Page, lines: Locator) -> None:
    steps = page.evaluate("history.length")
    lines.nth(2).click(position={"x": 8, "y": 8})
    page.wait_for_url(re.compile(r"\?t=\d+s$"))
    at = page.get_by_role("slider", name="Position in the recording").get_attribute("aria-valuetext")
    page.reload()
    lines.first.wait_for()
    expect(page.get_by_role("slider", name="Position in the recording")).to_have_attribute("aria-valuetext", str(at))
    assert page.evaluate("history.length") == steps


def test_a_scroll_by_hand_pauses_the_following_until_the_button_is_pressed(page: Page, lines: Locator) -> None:
    page.set_viewport_size({"width": 500, "height": 500})
    lines.first.click(position={"x": 8, "y": 8})
    page.mouse.move(200, 200)
    page.mouse.wheel(0, 5000)
    back = page.get_by_role("button", name="Back to")
    expect(back).to_be_visible()
    back.click()
    expect(back).to_have_count(0)
    expect(page.locator("p.now")).to_be_in_viewport()


def test_a_line_half_behind_the_player_is_edited_by_a_double_click(page: Page, lines: Locator) -> None:
    page.set_viewport_size({"width": 700, "height": 500})
    lines.first.focus()
    page.get_by_role("toolbar", name="Chosen lines").wait_for()
    dock = page.locator(".dock").bounding_box()
    assert dock
    lines.nth(3).evaluate("(line, edge) => scrollBy(0, line.getBoundingClientRect().top + 8 - edge)", dock["y"])
    box = lines.nth(3).bounding_box()
    assert box
    page.mouse.dblclick(box["x"] + 12, box["y"] + 5)
    expect(lines.nth(3)).to_have_attribute("contenteditable", "plaintext-only")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_dialog_has_a_barrier_that_axe_knows(page: Page, lines: Locator, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    lines.first.click(position={"x": 8, "y": 8})
    expect(page.get_by_role("toolbar", name="Chosen lines")).to_be_visible()
    for key in ("s", "x", "f", "v", "?", ""):
        if key:
            page.keyboard.press(key)
            page.get_by_role("dialog").wait_for()
            page.wait_for_load_state("networkidle")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{key} in {scheme}: {found.generate_report()}"
        if key:
            page.keyboard.press("Escape")
            expect(page.get_by_role("dialog")).to_have_count(0)
