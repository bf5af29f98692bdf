"""The vocabulary that learns from corrections, in the settings of a dataset."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from echoic.testing.private_server import PrivateServer
from tests.page.conftest import Cookie, Visit, published

pytestmark = pytest.mark.processes

PHONE = {"width": 360, "height": 740}


def term_of(word: str) -> str:
    """A name that sounds like the word."""
    return word.capitalize() + "er"


@pytest.fixture(scope="module")
def corrected(server: PrivateServer, speech: Path) -> tuple[int, list[int], str]:
    """A dataset of three recordings that say the same, corrected in two; with the word that was corrected."""
    dataset_id: int = server.client.post("/api/datasets", json={"name": "Talks", "identify_speakers": False}).json()[
        "id"
    ]
    ids = [published(server.client, speech, dataset_id=dataset_id, title=f"Talk {number}") for number in (1, 2, 3)]
    segments = server.client.get(f"/api/items/{ids[0]}/transcript").json()["segments"]
    place, text, word = next(
        (part["id"], part["text"], word) for part in segments for word in re.findall(r"(?<= )[a-z]{5,}", part["text"])
    )
    for item_id in ids[:2]:
        body = {"text": re.sub(rf"(?<= ){word}\b", term_of(word), text, count=1)}
        assert server.client.patch(f"/api/items/{item_id}/transcript/segments/{place}", json=body).is_success
    return dataset_id, ids, word


def test_a_term_that_people_corrected_is_accepted_with_one_click_and_made_in_older_recordings_after_a_preview(
    page: Page, server: PrivateServer, corrected: tuple[int, list[int], str]
) -> None:
    dataset_id, ids, word = corrected
    term = term_of(word)
    page.goto(f"/datasets/{dataset_id}")
    page.get_by_role("button", name="Settings").click()
    dialog = page.get_by_role("dialog", name="Settings")
    dialog.get_by_label("Text before the recording").fill("Not saved yet.")
    learned = dialog.get_by_role("region", name="Learned from corrections")
    expect(learned).to_contain_text("Corrections: 2, in recordings: 2")
    # A word in small letters may be an ordinary one.
    box = learned.get_by_label(f"Replace “{word}”")
    expect(box).not_to_be_checked()
    box.check()
    learned.get_by_role("button", name=f"Add “{term}”").click()
    expect(learned.get_by_role("status")).to_have_text(f"“{term}” is in the vocabulary.")
    expect(dialog.get_by_label("Vocabulary", exact=True)).to_have_value(term)
    expect(dialog.get_by_label("Replacements", exact=True)).to_have_value(f"{word} => {term}")
    expect(dialog.get_by_label("Text before the recording")).to_have_value("Not saved yet.")
    now = server.client.get(f"/api/datasets/{dataset_id}").json()
    assert (now["vocabulary"], now["replacements"]) == ([term], [{"find": word, "replace": term}])
    learned.get_by_role("button", name=f"Replace “{word}” in older recordings, too …").click()
    replacing = page.get_by_role("dialog", name="Find and replace in all recordings")
    expect(dialog).to_be_hidden()
    replacing.get_by_role("button", name="Preview").click()
    replacing.get_by_role("button", name=re.compile(r"Replace in these recordings \(\d\)")).click()
    expect(replacing.get_by_role("status")).to_contain_text("Replaced: ")
    last = " ".join(part["text"] for part in server.client.get(f"/api/items/{ids[2]}/transcript").json()["segments"])
    assert re.search(rf"\b{term}\b", last)
    assert not re.search(rf"(?<!\w){word}(?!\w)", last)


def test_a_suggestion_that_is_dismissed_stays_away_and_is_readable_for_everybody(
    visit: Callable[..., Visit], cookie: Cookie, server: PrivateServer, corrected: tuple[int, list[int], str]
) -> None:
    dataset_id, _, word = corrected
    term = term_of(word)
    server.client.patch(f"/api/datasets/{dataset_id}", json={"vocabulary": []})
    page = visit(viewport=PHONE, color_scheme="dark").sign_in(cookie)
    page.goto(f"/datasets/{dataset_id}")
    page.get_by_role("button", name="Settings").click()
    learned = page.get_by_role("region", name="Learned from corrections")
    dismiss = learned.get_by_role("button", name=f"Never suggest “{term}”")
    dismiss.scroll_into_view_if_needed()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    dismiss.focus()
    page.keyboard.press("Enter")
    expect(learned).to_have_count(0)
    assert server.client.get(f"/api/datasets/{dataset_id}/vocabulary/suggestions").json()["terms"] == []
