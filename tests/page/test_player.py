"""The player: its picture of the whole recording, its speeds, its loop, and what it must not hide."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Cookie, Visit

pytestmark = pytest.mark.processes

PHONE = {"width": 360, "height": 740}
AUDIO = "document.querySelector('audio')"
INK = """() => {
  const canvas = document.querySelector('canvas'), { width, height } = canvas;
  const dots = canvas.getContext('2d').getImageData(0, 0, width, height * 0.6).data;
  let drawn = 0;
  for (let at = 3; at < dots.length; at += 4) drawn += dots[at] > 0;
  return drawn / (dots.length / 4);
}"""


def opened(page: Page, item_id: int) -> Page:
    page.goto(f"/items/{item_id}")
    page.locator(".transcript p").first.wait_for()
    page.wait_for_function(f"() => {AUDIO}.readyState > 0")
    return page


def test_the_outline_is_drawn_and_a_click_on_it_leads_there(page: Page, item_id: int) -> None:
    with page.expect_response(f"**/api/items/{item_id}/peaks") as asked:
        opened(page, item_id)
    assert asked.value.status == 200
    page.wait_for_function(f"() => ({INK})() > 0.05")
    position = page.get_by_role("slider", name="Position in the recording")
    box = position.bounding_box()
    assert box is not None
    position.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    page.wait_for_function(f"() => Math.abs({AUDIO}.currentTime / {AUDIO}.duration - 0.5) < 0.05")
    before = page.evaluate(f"{AUDIO}.currentTime")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"() => Math.abs({AUDIO}.currentTime - {before} + 5) < 0.2")


def test_place_and_length_are_told_with_a_blank_at_both_sides_of_the_stroke(page: Page, item_id: int) -> None:
    opened(page, item_id)
    expect(page.locator(".dock .figures")).to_have_text(re.compile(r"^\d+:\d\d / \d+:\d\d$"))


def test_the_speed_is_remembered_and_keeps_the_pitch(page: Page, item_id: int) -> None:
    opened(page, item_id).get_by_label("Speed").select_option("2")
    page.keyboard.press("Escape")
    opened(page, item_id)
    expect(page.get_by_label("Speed")).to_have_value("2")
    assert page.evaluate(f"[{AUDIO}.playbackRate, {AUDIO}.preservesPitch]") == [2, True]
    page.locator("body").press("<")
    assert page.evaluate(f"{AUDIO}.playbackRate") == 1.75


def test_a_line_is_repeated_until_another_place_is_chosen(page: Page, item_id: int) -> None:
    opened(page, item_id).get_by_label("Speed").select_option("3")
    line = page.locator(".transcript p").first
    page.evaluate(
        f"""() => {{
          window.times = [];
          {AUDIO}.addEventListener('seeked', () => window.times.push({AUDIO}.currentTime));
        }}"""
    )
    line.click()
    loop = page.get_by_role("button", name="Repeat the line")
    loop.click()
    expect(loop).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("() => window.times.length > 3")
    assert max(page.evaluate("window.times.slice(1)")) < 1, "each round begins with the line"
    page.locator(".transcript .time").last.click()
    expect(loop).to_have_attribute("aria-pressed", "false")


def test_media_keys_and_the_lock_screen_know_the_recording(page: Page, item_id: int) -> None:
    opened(page, item_id)
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("() => navigator.mediaSession.playbackState === 'playing'")
    assert page.evaluate("navigator.mediaSession.metadata.title") == page.get_by_role("heading", level=1).inner_text()


@pytest.mark.parametrize("size", [PHONE, {"width": 1280, "height": 620}])
def test_the_player_hides_nothing_that_has_the_focus(
    visit: Callable[..., Visit], cookie: Cookie, item_id: int, size: dict[str, int]
) -> None:
    page = opened(visit(viewport=size).sign_in(cookie), item_id)
    buttons = page.locator(".transcript button")
    backward = size is PHONE
    (buttons.last if backward else buttons.first).focus()
    hidden = []
    for _ in range(buttons.count() - 1):
        page.keyboard.press("Shift+Tab" if backward else "Tab")
        hidden.append(
            page.evaluate(
                """() => {
                  const box = document.activeElement.getBoundingClientRect();
                  const dock = document.querySelector('.dock').getBoundingClientRect();
                  const head = document.querySelector('header').getBoundingClientRect();
                  const inDock = document.activeElement.closest('.dock, header');
                  return !inDock && (box.bottom > dock.top || box.top < head.bottom) ? document.activeElement.outerHTML : '';
                }"""
            )
        )
    assert not [one for one in hidden if one]
    last = page.locator(".transcript p").last
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    dock = page.locator(".dock").bounding_box()
    box = last.bounding_box()
    assert dock is not None
    assert box is not None
    assert box["y"] + box["height"] <= dock["y"], "the last line can be read"
