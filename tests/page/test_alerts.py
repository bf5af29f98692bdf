"""Alerts, e-mail addresses and webhooks on the page, with a mail server and a receiver of webhooks on the loopback interface."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from aiosmtpd.controller import Controller
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Dialog, Locator, Page, expect
from standardwebhooks.webhooks import Webhook

from echoic.testing.private_server import FAKE_ENGINES, PrivateServer, free_port
from tests.folders import passable_folder
from tests.page.conftest import NAME, PASSWORD, Cookie, Visit, arrive, published, signed_in
from tests.page.told import Mailbox, Receiver, receiving
from tests.waiting import wait_for

pytestmark = pytest.mark.processes

PHONE = {"width": 360, "height": 740}
SHOTS = os.environ.get("PAGE_SHOTS")
"""A folder for pictures of what is looked at."""
ADDRESS = "ada@example.org"
OTHERS = ("grace@example.org", "joan@example.org")
"""Addresses of single tests: one is sent three links in eight hours."""
ELSEWHERE = "https://hooks.example.org/a"
ANOTHER = "https://hooks.example.org/b"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def receiver(authority: trustme.CA) -> Iterator[Receiver]:
    with receiving(authority) as opened:
        yield opened


@pytest.fixture(scope="module")
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture(scope="module")
def server(authority: trustme.CA, mailbox: Mailbox) -> Iterator[PrivateServer]:
    """A server that sends mail, and webhooks to this machine."""
    taking = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    taking.start()
    with passable_folder() as folder:
        certificate = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(certificate))
        port = free_port()
        environment = {
            **FAKE_ENGINES,
            "ECHOIC_PORT": str(port),
            "ECHOIC_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "ECHOIC_SMTP_URL": f"smtp://127.0.0.1:{taking.port}",
            "ECHOIC_SMTP_STARTTLS": "never",
            "ECHOIC_MAIL_FROM": "Echoic <echoic@example.org>",
            "ECHOIC_FETCH_ALLOWED_NETWORKS": "localhost",
            "SSL_CERT_FILE": str(certificate),
        }
        with PrivateServer(folder, **environment) as started:
            sign_in = {"sign_in_name": NAME, "password": PASSWORD}
            started.client.put("/api/account/sign-in", json=sign_in).raise_for_status()
            yield started
    taking.stop()


@pytest.fixture(scope="module")
def cookie(server: PrivateServer) -> Cookie:
    return signed_in(server)


@pytest.fixture(scope="module")
def item_id(server: PrivateServer, speech: Path) -> int:
    return published(server.client, speech)


@pytest.fixture
def word(server: PrivateServer, item_id: int) -> str:
    """A word that the recording says."""
    segments = server.client.get(f"/api/items/{item_id}/transcript").json()["segments"]
    words: list[str] = re.findall(r"\b[a-z]{4,}\b", " ".join(segment["text"] for segment in segments))
    return max(words, key=len)


@pytest.fixture(autouse=True)
def _nothing_left(server: PrivateServer, receiver: Receiver, mailbox: Mailbox) -> Iterator[None]:
    yield
    for path, among in (("notifications", None), ("webhooks", "webhooks"), ("email-addresses", "addresses")):
        listed = server.client.get(f"/api/{path}").json()
        for one in listed[among] if among else listed:
            server.client.delete(f"/api/{path}/{one['id']}")
    receiver.answer = 204
    receiver.messages.clear()
    mailbox.mails.clear()


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def the(page: Page, name: str) -> Locator:
    return page.get_by_role("listitem", name=name, exact=True)


def alerts(server: PrivateServer) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = server.client.get("/api/notifications").json()
    return listed


def test_an_alert_is_made_of_a_search_and_paused(page: Page, server: PrivateServer, word: str) -> None:
    page.goto(f"/search?q={word}&library=my-library&sort=date")
    page.get_by_role("link", name="Alert me of this").click()
    page.wait_for_url(f"**/alerts/new?q={word}&library=my-library")
    expect(page.get_by_label("What is looked for")).to_have_value(word)
    fits = page.get_by_role("region", name="What fits already")
    expect(fits.locator("a.hit").first).to_be_visible()
    page.get_by_role("button", name="Make the alert").click()
    expect(page.get_by_role("alert")).to_have_text("Give an e-mail address or a webhook that is told.")
    page.get_by_label("Name, if you want one").fill("Mine")
    page.get_by_label("E-mail address", exact=True).fill(ADDRESS)
    shot(page, "alert-new")
    page.get_by_role("button", name="Make the alert").click()
    row = the(page, "Mine")
    expect(row).to_contain_text("waiting for confirmation")
    (made,) = alerts(server)
    assert (made["search_term"], made["filters"]) == (word, {"libraries": ["my-library"]})
    row.get_by_role("button", name="Newest matches").click()
    expect(row.locator("a.hit").first).to_be_visible()
    row.get_by_role("button", name="Pause").click()
    expect(row.get_by_role("button", name="Resume")).to_be_visible()
    expect(row.get_by_role("heading", name="Mine")).to_contain_text("Paused")
    assert [each["active"] for each in alerts(server)] == [False]
    row.get_by_role("button", name="Resume").click()
    expect(row.get_by_role("button", name="Pause")).to_be_visible()


def test_an_alert_is_changed_and_deleted(page: Page, server: PrivateServer) -> None:
    body = {
        "search_term": "harbor",
        "name": "Mine",
        "email_recipient": ADDRESS,
        "filters": {"libraries": ["my-library"]},
    }
    server.client.post("/api/notifications", json=body).raise_for_status()
    page.goto("/alerts")
    the(page, "Mine").get_by_role("link", name="Edit").click()
    query = page.get_by_label("What is looked for")
    expect(query).to_have_value("harbor")
    page.get_by_role("link", name="red OR car").click()
    expect(query).to_have_value("red OR car")
    page.get_by_label("once a day").check()
    page.get_by_role("button", name="Save").click()
    expect(the(page, "Mine").locator("code")).to_have_text("red OR car")
    (changed,) = alerts(server)
    assert (changed["search_term"], changed["filters"], changed["frequency"], changed["email_recipient"]) == (
        "red OR car",
        {"libraries": ["my-library"]},
        "daily",
        ADDRESS,
    )
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", refuse)
    the(page, "Mine").get_by_role("button", name="Delete").click()
    assert asked == ["Delete the alert “Mine”?"]
    assert len(alerts(server)) == 1
    page.once("dialog", lambda dialog: dialog.accept())
    the(page, "Mine").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("You have no alerts yet.")).to_be_visible()
    assert alerts(server) == []


def test_the_time_of_the_digest_is_chosen(page: Page, server: PrivateServer) -> None:
    body = {"search_term": "harbor", "frequency": "daily", "email_recipient": ADDRESS}
    server.client.post("/api/notifications", json=body).raise_for_status()
    page.goto("/alerts")
    digest = page.get_by_role("region", name="Daily digest")
    digest.get_by_label("Time of day").select_option("9")
    digest.get_by_role("button", name="Save").click()
    expect(digest.get_by_role("status")).to_have_text("Saved.")
    assert server.client.get("/api/notifications/digest").json()["hour"] == 9
    shot(page, "alerts")


def test_a_refused_query_shows_the_words_of_the_server(page: Page, server: PrivateServer) -> None:
    page.goto("/alerts/new?q=-harbor")
    refused = server.client.post("/api/search", json={"query": "-harbor"}).json()["message"]
    expect(page.get_by_role("region", name="What fits already").get_by_role("alert")).to_have_text(refused)
    page.get_by_label("E-mail address", exact=True).fill(ADDRESS)
    page.get_by_role("button", name="Make the alert").click()
    expect(page.locator("form .wrong")).to_have_text(refused)
    assert alerts(server) == []


def test_an_alert_to_a_new_address_shows_the_secret_of_its_webhook_once(page: Page, server: PrivateServer) -> None:
    page.goto("/alerts/new?q=harbor")
    page.get_by_role("combobox", name="Webhook").select_option("new")
    page.get_by_label("Address, with https://").fill(ELSEWHERE)
    page.get_by_role("button", name="Make the alert").click()
    expect(page.locator(".note code")).to_have_text(re.compile(r"^whsec_"))
    page.get_by_role("main").get_by_role("link", name="All alerts").click()
    expect(the(page, "harbor").get_by_role("link", name=ELSEWHERE)).to_be_visible()
    expect(page.get_by_text("whsec_")).to_have_count(0)
    the(page, "harbor").get_by_role("link", name="Edit").click()
    page.get_by_role("combobox", name="Webhook").select_option("new")
    page.get_by_label("Address, with https://").fill(ANOTHER)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".note code")).to_have_text(re.compile(r"^whsec_"))
    page.get_by_role("main").get_by_role("link", name="All alerts").click()
    expect(the(page, "harbor").get_by_role("link", name=ANOTHER)).to_be_visible()
    assert [each["webhook_url"] for each in alerts(server)] == [ANOTHER]


def test_an_address_is_confirmed_and_ended_by_links_and_started_again(
    page: Page, server: PrivateServer, mailbox: Mailbox, speech: Path, word: str
) -> None:
    page.goto("/alerts")
    addresses = page.get_by_role("region", name="E-mail addresses")
    addresses.get_by_label("Another address").fill(OTHERS[0])
    addresses.get_by_role("button", name="Add").click()
    row = the(page, OTHERS[0])
    expect(row).to_contain_text("waiting for confirmation")
    first = mailbox.link("/mail/confirm/")
    row.get_by_role("button", name="Send the link again").click()
    expect(addresses.get_by_role("status")).to_have_text(f"A link is on its way to {OTHERS[0]}.")
    second = mailbox.link("/mail/confirm/")
    assert httpx.post(first).status_code == 404, "only the newest link works"
    assert httpx.post(second).status_code == 200
    page.reload()
    expect(row).to_contain_text("confirmed")
    expect(row.get_by_role("button", name="Send the link again")).to_have_count(0)
    body = {"search_term": word, "name": "Mine", "email_recipient": OTHERS[0]}
    server.client.post("/api/notifications", json=body).raise_for_status()
    copy = {"audio": ("again.flac", speech.read_bytes())}
    server.client.post("/api/datasets/1/items", files=copy).raise_for_status()
    stop = mailbox.link("/mail/stop/")
    assert httpx.post(stop, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    page.reload()
    told = the(page, "Mine")
    expect(told).to_contain_text("unsubscribed")
    expect(told).to_contain_text("delivered: 1")
    told.get_by_role("button", name="Send mail again").click()
    expect(told).not_to_contain_text("unsubscribed")
    page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Delete").click()
    expect(addresses.get_by_text("No addresses yet.")).to_be_visible()
    expect(told).to_contain_text("nobody is told")


def test_a_webhook_is_made_and_tried_and_its_messages_are_sent_again(
    page: Page, server: PrivateServer, receiver: Receiver
) -> None:
    page.goto("/account")
    page.get_by_role("navigation", name="Account").get_by_role("link", name="Webhooks").click()
    page.get_by_role("button", name="New webhook").click()
    sheet = page.get_by_role("dialog", name="New webhook")
    sheet.get_by_label("Address, with https://").fill("https://10.0.0.1/")
    sheet.get_by_role("button", name="Make the webhook").click()
    expect(sheet.get_by_role("alert")).not_to_be_empty()
    sheet.get_by_label("Address, with https://").fill(receiver.url)
    sheet.get_by_label("Description, if you want one").fill("Mine")
    sheet.get_by_label("people changed a transcript").check()
    shot(page, "webhook-new")
    sheet.get_by_role("button", name="Make the webhook").click()
    expect(sheet).to_be_hidden()
    secret = page.locator(".note code").inner_text()
    shot(page, "webhooks")
    page.reload()
    row = the(page, "Mine")
    expect(row).to_be_visible()
    expect(page.get_by_text("whsec_")).to_have_count(0)
    (kept,) = server.client.get("/api/webhooks").json()["webhooks"]
    assert kept["events"] == ["item.published", "item.failed", "transcript.edited"]
    row.get_by_role("button", name="Send a test").click()
    page.wait_for_url(f"**/webhooks/{kept['id']}")
    messages = page.get_by_role("region", name="Messages")
    message = messages.get_by_role("listitem").first
    expect(message).to_contain_text("arrived")
    ((head, body),) = receiver.messages
    assert Webhook(secret).verify(body, head)["type"] == "webhook.test"
    receiver.answer = 503
    message.get_by_role("button", name="Send again").click()
    expect(message).to_contain_text("given up")
    assert receiver.messages[1][0]["webhook-id"] == head["webhook-id"]
    message.get_by_role("button", name="Attempts").click()
    rows = message.get_by_role("row")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("204")
    expect(rows.nth(2)).to_contain_text("the receiver did not take it")
    message.get_by_text("What is sent").click()
    expect(message.locator("pre")).to_contain_text('"type": "webhook.test"')
    shot(page, "webhook")


def test_a_webhook_is_switched_on_again_given_another_secret_changed_and_deleted(
    page: Page, server: PrivateServer, receiver: Receiver
) -> None:
    body = {"url": receiver.url, "description": "Mine", "events": ["item.published", "transcript.edited"]}
    made = server.client.post("/api/webhooks", json=body).json()
    page.goto(f"/webhooks/{made['id']}")
    receiver.answer = 410
    whole = page.get_by_role("region", name="Mine")
    whole.get_by_role("button", name="Send a test").click()
    expect(whole).to_contain_text("answered that it is gone (410)")
    receiver.answer = 204
    whole.get_by_role("button", name="Switch on again").click()
    expect(whole.get_by_role("button", name="Send a test")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    whole.get_by_role("button", name="New secret").click()
    expect(whole.locator(".note code")).to_have_text(re.compile(r"^whsec_"))
    newer = whole.locator(".note code").inner_text()
    receiver.messages.clear()
    whole.get_by_role("button", name="Send a test").click()
    wait_for(lambda: bool(receiver.messages), "the test with the new secret arrives")
    for each in (newer, made["secret"]):
        Webhook(each).verify(receiver.messages[0][1], receiver.messages[0][0])
    whole.get_by_role("button", name="Edit").click()
    change = page.get_by_role("dialog", name="Edit the webhook")
    change.get_by_label("people changed a transcript").uncheck()
    change.get_by_role("button", name="Save").click()
    expect(whole).not_to_contain_text("people changed a transcript")
    page.once("dialog", lambda dialog: dialog.accept())
    whole.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("You have no webhooks yet.")).to_be_visible()


def test_dialogs_and_filled_lists_have_no_barrier_on_a_phone_in_german(
    visit: Callable[..., Visit], cookie: Cookie, server: PrivateServer, receiver: Receiver
) -> None:
    body = {"url": receiver.url, "description": "Meiner", "events": ["item.published", "feed.failed"]}
    hook = server.client.post("/api/webhooks", json=body).json()["id"]
    server.client.post(f"/api/webhooks/{hook}/test").raise_for_status()
    wanted = {"search_term": "hafen OR schiff", "filters": {"datasets": [1], "min_confidence": 0.7}, "webhook_id": hook}
    alert = server.client.post("/api/notifications", json={**wanted, "email_recipient": OTHERS[1]}).json()["id"]
    somebody = visit(viewport=PHONE, locale="de-DE", color_scheme="dark")
    somebody.context.add_cookies([{"name": cookie[0], "value": cookie[1], "url": str(server.client.base_url)}])
    page = somebody.page
    for number, route in enumerate(("/alerts", f"/alerts/{alert}", "/webhooks", f"/webhooks/{hook}")):
        arrive(page, route)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], route
        shot(page, f"phone-{number}")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{route}: {found.generate_report()}"
    page.get_by_role("region", name="Nachrichten").get_by_role("button", name="Versuche").click()
    expect(page.get_by_role("table")).to_be_visible()
    page.get_by_role("button", name="Ändern").or_(page.get_by_role("button", name="Bearbeiten")).first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    shot(page, "phone-dialog")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
