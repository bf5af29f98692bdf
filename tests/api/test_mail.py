"""Mail of alerts through the API: to confirmed addresses only, ended by one click, and of what may still be read."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
import trustme
from sqlalchemy import text

from echoic.compose import Components
from echoic.db.catalog import libraries
from echoic.errors import EmailAddressInvalid
from echoic.outbox.mailboxes import normal_address
from echoic.outbox.schedule import MAX_ATTEMPTS
from tests.api.people import Asking
from tests.factories import World, talk
from tests.outbox.hooks import BASE, check, finish_run, send, with_mail
from tests.outbox.mail_server import MailServer, taking_mail, text_of
from tests.outbox.receiver import receiving, status

ADA = "ada@example.org"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
async def server(authority: trustme.CA) -> AsyncIterator[MailServer]:
    async with taking_mail(authority) as opened:
        yield opened


@pytest.fixture
async def components(components: Components, trusting: ssl.SSLContext, server: MailServer) -> Components:
    return with_mail(components, trusting, server.url)


def link_in(text: str, path: str) -> str:
    (found,) = {word for word in text.split() if word.startswith(f"{BASE}{path}")}
    return found.removeprefix(BASE)


async def confirmed(ask: Asking, server: MailServer, address: str = ADA) -> None:
    """Confirm an address that was just given."""
    await send(ask.components)
    link = link_in(text_of(server.mails.pop()), "/mail/confirm/")
    assert (await ask.client.post(link)).status_code == 200


def stop_link(mail: EmailMessage) -> str:
    return str(mail["List-Unsubscribe"]).strip("<>").removeprefix(BASE)


async def alert(ask: Asking, **more: Any) -> int:
    made = await ask("POST", "/api/notifications", 201, json={"search_term": "june", "email_recipient": ADA, **more})
    found: int = made["id"]
    return found


async def publish(ask: Asking, world: World, *said: str, title: str = "Talk") -> int:
    """Have a recording published, and looked through by the alerts."""
    item_id = await world.item(ask.tenant.dataset_id, talk(*said), title=title)
    await finish_run(ask.components, item_id)
    await check(ask.components)
    return item_id


async def state(ask: Asking) -> tuple[str, str | None]:
    (address,) = (await ask("GET", "/api/email-addresses"))["addresses"]
    return address["state"], address["reason"]


async def test_an_alert_is_mailed_once_its_address_is_confirmed_and_until_one_click_ends_it(
    ask: Asking, world: World, server: MailServer, client: httpx.AsyncClient
) -> None:
    await alert(ask, name="Dates\u202e <b>")
    await publish(ask, world, "in june")
    await send(ask.components)
    (asked,) = server.mails
    assert (await ask("GET", "/api/notifications"))[0]["email_state"] == "unconfirmed"
    link = link_in(text_of(asked), "/mail/confirm/")
    # Mail servers open links to look at them: only the form of the page confirms, once.
    for _ in range(2):
        shown = await client.get(link, headers={"Accept-Language": "de"})
        assert (shown.status_code, "bestätigen" in shown.text, ADA in shown.text) == (200, True, True)
    assert "'none'" in shown.headers["content-security-policy"]
    assert (await state(ask))[0] == "unconfirmed"
    answers = [await client.post(path) for path in (link, link, link[:-1] + ("A" if link[-1] != "A" else "B"))]
    assert [answer.status_code for answer in answers] == [200, 404, 404]
    assert (await state(ask))[0] == "confirmed"
    server.mails.clear()
    evil = "Talk\r\nBcc: eve@example.org\n\n<script>"
    item_id = await publish(ask, world, "nothing", "again in june", title=evil)
    await send(ask.components)
    (mail,) = server.mails
    assert (server.recipients[-1], mail["Bcc"], mail["To"]) == ([ADA], None, ADA)
    assert mail["Subject"] == "“Dates <b>” in Talk Bcc: eve@example.org <script>"
    assert (mail["From"], mail["Auto-Submitted"]) == ("Echoic <echoic@example.org>", "auto-generated")
    plain, page = text_of(mail), text_of(mail, "html")
    assert "> 0:10 again in june" in plain
    assert f"{BASE}/items/{item_id}?t=10" in plain
    assert f"{BASE}/search?q=june" in plain
    assert "<script>" not in page
    assert "Dates &lt;b&gt;" in page
    stop = stop_link(mail)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (await client.get(stop)).text.count("<button") == 2
    assert (await ask("GET", "/api/notifications"))[0]["email_state"] == "confirmed", "opening it ends nothing"
    for _ in range(2):
        assert (await client.post(stop, data=ONE_CLICK)).status_code == 200
    assert (await ask("GET", "/api/notifications"))[0]["email_state"] == "unsubscribed"


async def test_a_link_that_ends_mail_ends_that_of_its_alert_or_all_of_it(
    ask: Asking, world: World, server: MailServer, client: httpx.AsyncClient
) -> None:
    first, other = await alert(ask), await alert(ask, search_term="deadline")
    await confirmed(ask, server)
    await publish(ask, world, "in june")
    await send(ask.components)
    stop = stop_link(server.mails[-1])
    await publish(ask, world, "june waits")
    assert (await client.post(stop, data=ONE_CLICK)).status_code == 200
    await publish(ask, world, "june and a deadline")
    await send(ask.components)
    assert [mail["Subject"] for mail in server.mails] == ["“june” in Talk", "“deadline” in Talk"]
    forged = stop.replace(f"/1.{first}.", f"/1.{other}.")
    assert forged != stop
    assert (await client.post(forged, data=ONE_CLICK)).status_code == 404
    assert (await client.post(stop, data={"all": "1"})).status_code == 200
    assert (await state(ask))[0] == "unsubscribed"
    await publish(ask, world, "june and a deadline")
    await send(ask.components)
    assert len(server.mails) == 2


async def test_a_refusal_for_good_ends_the_address_and_one_that_passes_is_tried_again(
    ask: Asking, components: Components, world: World, server: MailServer
) -> None:
    await alert(ask)
    await confirmed(ask, server)
    server.to_recipients = ["451 4.7.1 greylisted"]
    server.to_data = ["452 4.3.1 full"]
    await publish(ask, world, "in june")
    for _ in range(3):
        await send(components, all_due=True)
    assert len(server.mails) == 1
    assert {mail["Message-ID"] for mail in server.seen[-2:]} == {server.mails[0]["Message-ID"]}
    assert await state(ask) == ("confirmed", None)
    server.to_recipients = ["550 5.1.1 no such mailbox"]
    await publish(ask, world, "in june", "june again")
    await send(components, all_due=True)
    assert await state(ask) == ("refused", "5.1.1 no such mailbox")
    assert (await ask("GET", "/api/notifications"))[0]["email_state"] == "refused"
    await publish(ask, world, "in june")
    await send(components, all_due=True)
    assert len(server.mails) == 1
    # It may be confirmed again; ten failures end it as well.
    (address,) = (await ask("GET", "/api/email-addresses"))["addresses"]
    await ask("POST", f"/api/email-addresses/{address['id']}/confirmation")
    await confirmed(ask, server)
    assert await state(ask) == ("confirmed", None)
    server.to_recipients = ["450 4.2.1 busy"] * MAX_ATTEMPTS
    await publish(ask, world, "in june")
    for _ in range(MAX_ATTEMPTS):
        assert (await state(ask))[0] == "confirmed"
        await send(components, all_due=True)
    assert await state(ask) == ("failed", "4.2.1 busy")


async def test_a_mail_tells_what_may_be_read_when_it_is_sent(
    ask: Asking, components: Components, world: World, server: MailServer
) -> None:
    await alert(ask)
    await confirmed(ask, server)
    server.mails.clear()
    item_id = await publish(ask, world, "in june", "june is secret")
    await ask("PATCH", f"/api/items/{item_id}/transcript/segments/1", json={"text": "nothing"})
    await check(components)
    await send(components)
    (mail,) = server.mails
    assert ("in june" in text_of(mail), "secret" in text_of(mail)) == (True, False)
    gone = await publish(ask, world, "june once")
    await ask("DELETE", f"/api/items/{gone}", 204)
    moved = await publish(ask, world, "june twice")
    policy = {"kinds": ["phone"], "words": [], "original_roles": ["owner"]}
    async with components.database.transaction() as session:
        hidden = await libraries.create_dataset(
            session, library_id=ask.tenant.library_id, name="Hidden", redaction=policy
        )
        viewer = "UPDATE library_members SET role = 'viewer' WHERE account_id = :account"
        await session.execute(text(viewer), {"account": ask.tenant.account_id})
        moves = "UPDATE items SET dataset_id = :dataset WHERE id = :item"
        await session.execute(text(moves), {"dataset": hidden.id, "item": moved})
    await send(components)
    assert len(server.mails) == 1, "neither what is gone nor what is redacted now"


async def test_nobody_is_flooded_and_only_addresses_are_taken(
    ask: Asking, components: Components, world: World, server: MailServer
) -> None:
    made = await ask("POST", "/api/email-addresses", 201, json={"address": " Ada@Bücher.example"})
    assert (made["address"], made["state"]) == ("Ada@xn--bcher-kva.example", "unconfirmed")
    place = f"/api/email-addresses/{made['id']}"
    for _ in range(2):
        await ask("POST", f"{place}/confirmation")
    assert (await ask("POST", f"{place}/confirmation", 429))["code"] == "rate_limited"
    await ask("DELETE", place, 204)
    await ask("POST", "/api/email-addresses", 429, json={"address": made["address"]})
    await ask("POST", "/api/email-addresses", 400, json={"address": "a@example.org\r\nBcc: b@example.org"})
    for wrong in (
        "a b@example.org",
        "a@b@c.org",
        '"a"@example.org',
        "a@localhost",
        "a@[10.0.0.1]",
        "a@10.0.0.1",
        "@x.org",
    ):
        with pytest.raises(EmailAddressInvalid):
            normal_address(wrong)


async def test_the_owner_of_a_webhook_is_told_when_it_is_disabled(
    ask: Asking, components: Components, server: MailServer, authority: trustme.CA
) -> None:
    await ask("POST", "/api/email-addresses", 201, json={"address": ADA})
    await confirmed(ask, server)
    async with receiving(authority, status(410)) as receiver:
        made = await ask("POST", "/api/webhooks", 201, json={"url": f"{receiver.url}?token=hidden"})
        await ask("POST", f"/api/webhooks/{made['id']}/test", 201)
        await send(components)
    await send(components)
    told = text_of(server.mails[-1])
    assert ("good.example was disabled" in told, "410" in told, "hidden" in told) == (True, True, False)


async def test_a_digest_comes_once_a_day_with_all_that_was_found_to_each_receiver(
    ask: Asking, components: Components, world: World, server: MailServer, authority: trustme.CA
) -> None:
    """Several processes make it together; a process that dies while it does has made none."""
    await alert(ask, frequency="daily", name="Dates")
    await confirmed(ask, server)
    server.mails.clear()
    async with receiving(authority) as receiver:
        pottery = {"search_term": "pottery", "webhook_url": receiver.url, "email_recipient": None, "frequency": "daily"}
        await ask("POST", "/api/notifications", 201, json=pottery)
        assert (await ask("GET", "/api/notifications/digest"))["hour"] == 7
        planned = await ask("PUT", "/api/notifications/digest", json={"hour": 18, "time_zone": "Asia/Tokyo"})
        assert planned["next_at"].endswith("T09:00:00Z")
        await ask("PUT", "/api/notifications/digest", 400, json={"time_zone": "Mars/Olympus"})
        await due(components)
        assert (server.mails, receiver.messages) == ([], []), "nothing was found"
        one = await publish(ask, world, "in june")
        two = await publish(ask, world, "june", "pottery in june")
        await send(components)
        assert server.mails == [], "not before the hour"
        async with components.database.transaction() as session, session.begin_nested() as killed:
            assert await components.alerts.digests._tell(session, ask.tenant.account_id)
            await killed.rollback()
        await due(components, processes=4)
        (mail,), (message,) = server.mails, receiver.messages
        told = text_of(mail)
        assert mail["Subject"] == "Daily digest: “Dates”, 2 recordings"
        assert all(f"/items/{item}?t=" in told for item in (one, two))
        assert "pottery in june" in told
        assert (message.head["webhook-id"] != mail["Message-ID"], b'"alert.digest"' in message.body) == (True, True)
        assert (message.body.count(b'"item_id"'), b"pottery in june" in message.body) == (1, True)
        # A later hour of the same day brings no second one; what is found waits for tomorrow.
        await publish(ask, world, "in june")
        await ask("PUT", "/api/notifications/digest", json={"hour": 23})
        next_at = (await ask("GET", "/api/notifications/digest"))["next_at"]
        async with components.database.transaction() as session:
            tomorrow = await session.scalar(
                text("SELECT to_char(now() AT TIME ZONE 'UTC' + interval '1 day', 'YYYY-MM-DD')")
            )
        assert next_at.startswith(tomorrow)
        await send(components)
        assert len(server.mails) == 1


async def due(components: Components, *, processes: int = 1) -> None:
    """Let the hour of the digests come, and send them."""
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE alert_digests SET next_at = now()"))
    await asyncio.gather(*(components.alerts.digests.make_due() for _ in range(processes)))
    await send(components)
