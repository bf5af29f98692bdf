"""A recording with 60,000 words, as four hours have: the page reads, follows and corrects it as it does a short one."""

import re
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from echoic.testing.private_server import PrivateServer
from tests.folders import passable_folder
from tests.page.conftest import Cookie, Visit, ended

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]

MINUTES = 60
RATE = 8000
TURN_SECONDS = 15
WORDS = 60_000
LINES_A_CALL = 100
SENDING_SECONDS = 120
AUDIO = "document.querySelector('audio')"


def turns(path: Path) -> Path:
    """Tones of two heights that take turns."""
    tone = [bytes(128 + 60 * (at // half % 2 * 2 - 1) for at in range(RATE)) * TURN_SECONDS for half in (36, 18)]
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(1)
        out.setframerate(RATE)
        for number in range(MINUTES * 60 // TURN_SECONDS):
            out.writeframes(tone[number % 2])
    return path


@pytest.fixture(scope="module")
def long_id(server: PrivateServer) -> Iterator[int]:
    """The recording, each line of it given as many words as 60,000 in all need."""
    with passable_folder() as folder:
        client, path = server.client, turns(folder / "hearing.wav")
        with path.open("rb") as file:
            sent = client.post("/api/datasets/1/items", files={"audio": (path.name, file)}, timeout=SENDING_SECONDS)
        item_id: int = sent.raise_for_status().json()["item_id"]
    ended(client, item_id)
    fill(client, item_id)
    yield item_id
    client.delete(f"/api/items/{item_id}").raise_for_status()


def fill(client: httpx.Client, item_id: int) -> None:
    lines = client.get(f"/api/items/{item_id}/transcript").json()["segments"]
    words_a_line = -(-WORDS // len(lines))
    for first in range(0, len(lines), LINES_A_CALL):
        texts = [
            {"id": line["id"], "text": " ".join(f"w{line['id']}x{word}" for word in range(words_a_line))}
            for line in lines[first : first + LINES_A_CALL]
        ]
        path = f"/api/items/{item_id}/transcript/segments"
        client.patch(path, json={"segments": texts}, timeout=SENDING_SECONDS).raise_for_status()


def test_sixty_thousand_words_are_read_to_their_end_followed_and_corrected(
    visit: Callable[..., Visit], cookie: Cookie, server: PrivateServer, long_id: int
) -> None:
    page: Page = visit().sign_in(cookie)
    page.goto(f"/items/{long_id}")
    page.get_by_role("button", name="Find and replace").and_(page.locator(":enabled")).wait_for()
    segments = server.client.get(f"/api/items/{long_id}/transcript").json()["segments"]
    lines = page.locator(".transcript p")
    expect(lines).to_have_count(len(segments))
    assert page.evaluate("document.querySelector('.transcript').innerText.match(/w\\d+x\\d+/g).length") >= WORDS

    last = lines.last
    last.scroll_into_view_if_needed()
    last.click(position={"x": 5, "y": 5})
    page.wait_for_function(f"() => Math.abs({AUDIO}.currentTime - {segments[-1]['start']}) < 15")

    last.focus()
    page.keyboard.press("e")
    last.fill("The hearing is closed.")
    last.press("Enter")
    expect(last).not_to_have_class(re.compile("saving"))
    path = f"/api/items/{long_id}/transcript?offset={len(segments) - 1}"
    kept = server.client.get(path).json()["segments"]
    assert [line["text"] for line in kept] == ["The hearing is closed."]
    page.get_by_role("button", name="Undo").click()
    expect(last).to_contain_text(segments[-1]["text"].split()[0])
