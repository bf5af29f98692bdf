"""A question asked by keyboard alone, with and without a language model; and the chapters of a recording."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from echoic.testing.private_server import PrivateServer
from tests.page.conftest import Cookie, Visit

pytestmark = pytest.mark.processes

QUESTION = "What is the first word?"
HOSTILE = "<img src=x onerror=alert(1)> ![x](https://evil.example/x.png)"


def answer(moments: list[dict[str, Any]]) -> str:
    """What the server sends of an answer with a sentence that is supported and one that is not."""
    said = moments[0]["segments"][0]
    place = {"moment": 1, "item_id": moments[0]["item_id"], "segment_id": "a", "quote": said["text"], "url": ""}
    place |= {"start": said["start"], "end": said["end"]}
    sentences = [
        {"text": "It is said.", "supported": True, "unsupported_because": None, "citations": [place]},
        {"text": HOSTILE, "supported": False, "unsupported_because": "no_moment", "citations": []},
    ]
    events = [("moments", {"moments": moments}), *(("sentence", one) for one in sentences)]
    cut = {"code": "chat_unavailable", "message": "The answer of the language model broke off."}
    events.append(("end", {"model": "stand-in", "incomplete": cut}))
    return ": still here\n\n" + "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)


def test_a_question_is_answered_with_places_and_without_a_model_by_moments(
    visit: Callable[..., Visit], cookie: Cookie, server: PrivateServer, item_id: int
) -> None:
    page = visit(viewport={"width": 360, "height": 740}, color_scheme="dark").sign_in(cookie)
    page.get_by_role("link", name="Ask", exact=True).press("Enter")
    word = server.client.get(f"/api/items/{item_id}/transcript").json()["segments"][0]["text"].split()[0]
    page.get_by_label("Your question").fill(f"Who says {word}?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The moments that fit best")).to_be_visible()
    expect(page.get_by_text("ECHOIC_CHAT_URL")).to_be_visible()
    told = server.client.post("/api/ask", json={"question": f"Who says {word}?"}).json()["moments"]
    page.route(
        "**/api/ask",
        lambda route: route.fulfill(content_type="text/event-stream", body=answer(told)),
    )
    page.get_by_role("button", name="Ask", exact=True).press("Enter")
    expect(page.get_by_text("The answer of the language model broke off.")).to_be_visible()
    expect(page.get_by_text("not found in the recordings")).to_have_count(1)
    expect(page.get_by_text(HOSTILE)).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.get_by_role("link", name="Place 1:").press("Enter")
    page.wait_for_url(f"**/items/{told[0]['item_id']}?t=*")


def test_chapters_open_above_the_text_and_play(visit: Callable[..., Visit], cookie: Cookie, item_id: int) -> None:
    page = visit().sign_in(cookie)
    page.goto(f"/items/{item_id}")
    page.locator("summary", has_text="Chapters").press("Enter")
    expect(page.get_by_text("without a language model")).to_be_visible()
    page.get_by_role("button", name="Hear the chapter").first.press("Enter")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
