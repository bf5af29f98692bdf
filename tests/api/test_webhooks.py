"""Webhooks through the API: what is sent, when, signed how, and what becomes of it."""

import asyncio
import dataclasses
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from echoic.api.openapi import DocumentedApi
from echoic.compose import Components
from echoic.db.accounts import accounts
from echoic.db.catalog import libraries
from echoic.db.items import items
from echoic.db.items.removed_parts import remove_transcripts
from echoic.db.items.temporary import AT_DEADLINE
from echoic.db.outbox import deliveries, telling
from echoic.errors import MediaUnreadable
from echoic.outbox import post as posting
from echoic.outbox.schedule import JITTER, MAX_ATTEMPTS, WAITS_SECONDS
from tests.api.people import Asking
from tests.factories import Tenant, World, talk
from tests.outbox.hooks import finish_run, open_outbox, send
from tests.outbox.receiver import Receiver, receiving, status


@pytest.fixture
async def components(components: Components, trusting: ssl.SSLContext) -> Components:
    return dataclasses.replace(components, outbox=open_outbox(components, trusting))


@pytest.fixture
async def receiver(authority: trustme.CA) -> AsyncIterator[Receiver]:
    async with receiving(authority) as opened:
        yield opened


async def hook(ask: Asking, url: str, **more: Any) -> tuple[str, str]:
    """Make a webhook; returns its address in the API, and its secret."""
    made = await ask("POST", "/api/webhooks", 201, json={"url": url, **more})
    return f"/api/webhooks/{made['id']}", made["secret"]


def told(receiver: Receiver, *secrets: str) -> list[dict[str, Any]]:
    """What the receiver was told, after the independent library has found every signature right."""
    for message in receiver.messages:
        for secret in secrets:
            Webhook(secret).verify(message.body, message.head)
    return [json.loads(message.body) for message in receiver.messages]


async def test_many_webhooks_are_made_at_once(ask: Asking, receiver: Receiver) -> None:
    made = await asyncio.wait_for(asyncio.gather(*(hook(ask, receiver.url) for _ in range(30))), 9)
    assert len({secret for _, secret in made}) == 30


async def test_what_happens_is_told_with_the_transaction_that_makes_it_so_and_signed(
    ask: Asking, components: Components, world: World, receiver: Receiver
) -> None:
    _, secret = await hook(ask, receiver.url, events=["item.published", "item.failed", "transcript.edited"])
    dataset_id = ask.tenant.dataset_id
    item_id = await world.item(dataset_id, talk("hello june"), title="Talk")
    broken = await world.item(dataset_id, status="processing")
    await finish_run(components, item_id)
    await finish_run(components, broken, MediaUnreadable("It is broken."))
    await ask("PATCH", f"/api/items/{item_id}/transcript/segments/0", json={"text": "hello joan"})
    async with components.database.transaction() as session, session.begin_nested() as undone:
        await telling.tell(session, "item.published", {}, dataset_id=dataset_id)
        await undone.rollback()
    await send(components)
    by_type = {message["type"]: message["data"] for message in told(receiver, secret)}
    assert len(receiver.messages) == 3
    assert by_type["item.published"]["item_id"] == item_id
    assert by_type["item.published"] | {"published_at": ""} == {
        "item_id": item_id,
        "dataset_id": dataset_id,
        "title": "Talk",
        "status": "published",
        "duration_seconds": 1.0,
        "language": "en",
        "published_at": "",
    }
    assert by_type["item.failed"]["error"]["code"] == "media_unreadable"
    assert (by_type["transcript.edited"]["segments"], by_type["transcript.edited"]["version"]) == ([0], 1)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(receiver.messages[0].body + b" ", receiver.messages[0].head)
    await send(components, all_due=True)
    assert len(receiver.messages) == 3, "what was delivered is not sent again"


async def test_each_is_told_of_the_datasets_that_it_may_read_and_of_the_events_that_it_wants(
    ask: Asking, components: Components, world: World, receiver: Receiver
) -> None:
    other = await world.tenant("Other", visibility="public")
    outsider = Asking(ask.client, components, other, "")
    await hook(outsider, receiver.url)
    await hook(ask, receiver.url, events=["transcript.edited"])
    elsewhere = await _dataset(components, ask.tenant, "Elsewhere")
    await hook(ask, receiver.url, dataset_id=elsewhere)
    await ask("POST", "/api/webhooks", 404, json={"url": receiver.url, "dataset_id": other.dataset_id})
    await finish_run(components, await world.item(ask.tenant.dataset_id, talk("word")))
    await send(components)
    assert receiver.messages == []
    there = await world.item(elsewhere, talk("word"))
    await finish_run(components, there)
    async with components.database.transaction() as session:
        await libraries.add_member(
            session, library_id=ask.tenant.library_id, account_id=other.account_id, role="viewer"
        )
    mine = await world.item(ask.tenant.dataset_id, talk("word"))
    await finish_run(components, mine)
    async with components.database.transaction() as session:
        await session.execute(
            text("DELETE FROM library_members WHERE account_id = :account AND library_id = :library"),
            {"account": other.account_id, "library": ask.tenant.library_id},
        )
    await send(components)
    assert [message["data"]["item_id"] for message in told(receiver)] == [there], "rights count when it is sent, too"
    listed = (await outsider("GET", "/api/webhooks/1/deliveries"))["deliveries"]
    assert [each["state"] for each in listed] == ["withheld"]


async def _dataset(components: Components, tenant: Tenant, name: str) -> int:
    async with components.database.transaction() as session:
        return (await libraries.create_dataset(session, library_id=tenant.library_id, name=name)).id


async def test_a_deleted_item_is_told_with_its_receipt_and_nothing_of_it(
    ask: Asking, components: Components, world: World, receiver: Receiver
) -> None:
    """Also where its dataset goes with it; then those are told who were members, and not who never was."""
    await hook(ask, receiver.url, events=["item.deleted"])
    other = await world.tenant("Other", visibility="public")
    await hook(Asking(ask.client, components, other, ""), receiver.url, events=["item.deleted"])
    dataset_id = await _dataset(components, ask.tenant, "Goes")
    first, second, third = [await world.item(dataset_id, talk("secret"), title="Secret") for _ in range(3)]
    await ask("DELETE", f"/api/items/{first}", 204)
    async with components.database.transaction() as session:
        await remove_transcripts(session, [second], AT_DEADLINE)
    async with components.database.transaction() as session, session.begin_nested() as undone:
        await items.delete_item(session, second)
        await undone.rollback()
    await send(components)
    (message,) = told(receiver)
    (receipt,) = (await ask("GET", f"/api/deletions?item_id={first}"))["deletions"]
    assert message["data"] == {
        "item_id": first,
        "dataset_id": dataset_id,
        "deleted_at": receipt["deleted_at"],
        "reason": "request",
        "receipt_id": receipt["id"],
    }
    receiver.messages.clear()
    await ask("DELETE", f"/api/datasets/{dataset_id}", 204)
    await send(components)
    assert sorted(each["data"]["item_id"] for each in told(receiver)) == [second, third]


async def test_a_message_that_does_not_arrive_is_sent_ten_times_then_its_webhook_is_disabled(
    ask: Asking, components: Components, world: World, receiver: Receiver
) -> None:
    """Each attempt has the same id and body; statuses beyond 2xx are failures, redirects are not followed."""
    place, secret = await hook(ask, receiver.url)
    receiver.answers = [status(302, Location=receiver.url), status(429, Retry_After="4000"), status(500, b"x" * 5000)]
    await finish_run(components, await world.item(ask.tenant.dataset_id, talk("word")))
    waits = []
    for _ in range(MAX_ATTEMPTS - 1):
        await send(components, all_due=True)
        async with components.database.transaction() as session:
            waits.append(
                float(
                    await session.scalar(text("SELECT extract(epoch FROM due_at - now()) FROM outbox_deliveries")) or 0
                )
            )
    for wait, expected in zip(waits, (5.0, 4000.0, *WAITS_SECONDS[2:]), strict=True):
        assert abs(wait - expected) <= JITTER * expected + 2
    assert waits[1] > 3990, "the receiver asked for more than the schedule gives"
    assert (await ask("GET", place))["state"] == "enabled"
    waiting = await world.item(ask.tenant.dataset_id, talk("word"))
    await finish_run(components, waiting)
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE outbox_deliveries SET due_at = now() + interval '1 day' WHERE attempts = 0"))
        await session.execute(text("UPDATE outbox_deliveries SET due_at = now() WHERE attempts > 0"))
    await components.outbox.sender.send_due()
    assert len(receiver.messages) == MAX_ATTEMPTS
    assert len({message.head["webhook-id"] for message in receiver.messages}) == 1
    assert len({message.body for message in receiver.messages}) == 1
    told(receiver, secret)
    shown = await ask("GET", place)
    assert (shown["state"], shown["disabled_reason"]) == ("disabled", "failed")
    listed = (await ask("GET", f"{place}/deliveries"))["deliveries"]
    assert [(each["state"], each["attempts"]) for each in listed] == [("paused", 0), ("failed", MAX_ATTEMPTS)]
    whole = await ask("GET", f"{place}/deliveries/{listed[1]['id']}")
    history = whole["history"]
    assert [each["status"] for each in history] == [302, 429, *[500] * 8]
    assert (history[2]["error"], history[2]["response"]) == ("receiver_refused", "x" * 1024)
    await ask("POST", f"{place}/test", 409)
    # Once it is mended: what waited is sent, what was given up may be sent again.
    receiver.answers = [status(200)]
    await ask("PATCH", place, json={"enabled": True})
    await ask("POST", f"{place}/deliveries/{listed[1]['id']}/resend")
    await send(components)
    states = {each["id"]: each["state"] for each in (await ask("GET", f"{place}/deliveries"))["deliveries"]}
    assert set(states.values()) == {"delivered"}
    assert [message["data"]["item_id"] for message in told(receiver)].count(waiting) == 1


async def test_who_answers_410_is_told_nothing_more(
    ask: Asking, components: Components, world: World, receiver: Receiver
) -> None:
    place, _ = await hook(ask, receiver.url)
    receiver.answers = [status(410)]
    for _ in range(2):
        await finish_run(components, await world.item(ask.tenant.dataset_id, talk("word")))
        await send(components, all_due=True)
    assert len(receiver.messages) == 1
    assert (await ask("GET", place))["disabled_reason"] == "gone"


async def test_a_secret_is_changed_without_missing_a_message(
    ask: Asking, components: Components, receiver: Receiver
) -> None:
    place, former = await hook(ask, receiver.url)
    for no_number in (True, "1"):
        await ask("POST", f"{place}/rotate", 400, json={"keep_hours": no_number})
    made = await ask("POST", f"{place}/rotate", 201, json={"keep_hours": 1})
    await ask("POST", f"{place}/test", 201)
    await send(components)
    (message,) = told(receiver, former, made["secret"])
    assert (message["type"], len(receiver.messages[0].head["webhook-signature"].split())) == ("webhook.test", 2)
    page = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
    (documented,) = [json.loads(line) for line in page.splitlines() if line.startswith('    {"type":"webhook.test"')]
    number = int(place.rpartition("/")[2])
    assert message == {
        **documented,
        "timestamp": message["timestamp"],
        "data": {**documented["data"], "webhook_id": number},
    }
    last = (await ask("POST", f"{place}/rotate", 201, json={"keep_hours": 0}))["secret"]
    await ask("POST", f"{place}/test", 201)
    await send(components)
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(receiver.messages[1].body, receiver.messages[1].head)
    Webhook(last).verify(receiver.messages[1].body, receiver.messages[1].head)
    stored = await _column(components, "SELECT secret FROM webhooks")
    assert last.encode() not in stored
    assert "secret" not in await ask("GET", place)


async def _column(components: Components, query: str) -> bytes:
    async with components.database.transaction() as session:
        return bytes(await session.scalar(text(query)) or b"")


async def test_what_only_this_server_can_reach_is_not_reached(
    ask: Asking, components: Components, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard of URL intake stands before every attempt; an answer without end and one that never comes are given up."""
    monkeypatch.setattr(posting, "WHOLE_SECONDS", 0.5)
    for refused in ("http://good.example/", "https://a@good.example/"):
        assert (await ask("POST", "/api/webhooks", 400, json={"url": refused}))["code"] in (
            "webhook_url_invalid",
            "field_invalid",
        )
    for refused in ("https://10.0.0.1/", "https://[::1]/", "https://localhost/", "https://a.localhost:8443/"):
        assert (await ask("POST", "/api/webhooks", 422, json={"url": refused}))["code"] == "url_forbidden"
    for refused in ("http://good.example/", "nonsense", "ftp://x"):
        clear = await ask("POST", "/api/webhooks", 400, json={"url": refused})
        assert "must be an https:// address" in clear["message"]
    internal, _ = await hook(ask, f"https://internal.example:{receiver.port}/")
    unknown, _ = await hook(ask, "https://unknown.example/")
    untrusted, _ = await hook(ask, f"https://127.0.0.1:{receiver.port}/")
    silent, _ = await hook(ask, receiver.url)
    receiver.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"]
    errors = {}
    for place in (internal, unknown, untrusted, silent):
        made = await ask("POST", f"{place}/test", 201)
        await send(components)
        (attempt,) = (await ask("GET", f"{place}/deliveries/{made['id']}"))["history"]
        errors[place] = attempt["error"]
    assert errors[internal] == "url_forbidden"
    assert errors[unknown] == "url_unresolvable"
    assert errors[untrusted] == "url_tls_failed: other_name"
    assert errors[silent] in ("receiver_timed_out", "url_answer_unusable")


async def test_two_processes_share_the_work_and_one_taken_for_dead_changes_nothing(
    ask: Asking, components: Components, receiver: Receiver
) -> None:
    place, _ = await hook(ask, receiver.url)
    for _ in range(12):
        await ask("POST", f"{place}/test", 201)
    database = components.database
    async with database.transaction() as session:
        slow = await deliveries.claim(session, lease_seconds=0.0)
    assert slow is not None
    await asyncio.gather(*(components.outbox.sender.send_due() for _ in range(3)))
    assert len({message.head["webhook-id"] for message in receiver.messages}) == len(receiver.messages) == 12
    async with database.transaction() as session:
        assert await deliveries.held(session, slow) is None


async def test_a_key_that_may_not_read_is_not_told_by_a_detour(
    client: httpx.AsyncClient, app: DocumentedApi, ask: Asking, receiver: Receiver
) -> None:
    place, _ = await hook(ask, receiver.url)
    async with ask.components.database.transaction() as session:
        _, key = await accounts.create_key(session, account_id=ask.tenant.account_id, name="x", scopes=("manage",))
    headers = {"Authorization": f"Bearer {key}"}
    for method, url in (("POST", "/api/webhooks"), ("PATCH", place)):
        answer = await client.request(method, url, headers=headers, json={"url": "https://elsewhere.example/"})
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert (await client.post(f"{place}/rotate", headers=headers)).status_code == 201
