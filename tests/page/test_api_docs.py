"""The description of the API that can be tried out: Swagger UI under its own policy."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from echoic.testing.private_server import PrivateServer

pytestmark = pytest.mark.processes


def test_an_upload_can_be_tried_out_by_choosing_a_file_alone(page: Page, server: PrivateServer, speech: Path) -> None:
    upload = opened(page, "uploadAudio")
    upload.locator("input[type=file]").set_input_files(speech)
    fields = upload.locator("[data-property-name]:not([data-property-name=audio]) :is(input[type=text], select)")
    assert [field.input_value() for field in fields.all()] == [""] * fields.count()
    with page.expect_response("**/api/datasets/1/items*") as answer:
        upload.get_by_role("button", name="Execute").click()
    assert answer.value.status == 200
    expect(upload.locator(".live-responses-table tbody .response-col_status")).to_contain_text("200")
    item = server.client.get(f"/api/items/{answer.value.json()['item_id']}").json()
    assert (item["title"], item["description"]) == (speech.stem, None)


def test_an_address_is_tried_out_with_what_is_needed_alone(page: Page) -> None:
    upload = opened(page, "uploadFromUrl")
    body = upload.locator("textarea").input_value()
    assert json.loads(body) == {"audio_url": "https://example.org/interview.mp3", "title": "Interview"}


def opened(page: Page, operation_id: str) -> Locator:
    page.goto("/docs")
    upload = page.locator(f"#operations-items-{operation_id}")
    upload.get_by_role("button").first.click()
    upload.get_by_role("button", name="Try it out").click()
    return upload
