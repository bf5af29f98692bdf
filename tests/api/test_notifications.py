"""Alerts through the API: who is told of what, and what is told once only."""

import asyncio
import dataclasses
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trustme
from standardwebhooks.webhooks import Webhook

from echoic.alerts.checks import AlertChecker
from echoic.alerts.matching import hits_in
from echoic.compose import Components
from echoic.db.catalog import libraries
from echoic.db.items.items import get_item
from echoic.db.outbox import events
from tests.api.people import Asking
from tests.factories import World, segment, talk
from tests.outbox.hooks import finish_run, open_outbox, send
from tests.outbox.receiver import Receiver, receiving


@pytest.fixture
async def components(components: Components, trusting: ssl.SSLContext) -> Components:
    return dataclasses.replace(components, outbox=open_outbox(components, trusting))


@pytest.fixture
async def receiver(authority: trustme.CA) -> AsyncIterator[Receiver]:
    async with receiving(authority) as opened:
        yield opened


async def alert(ask: Asking, receiver: Receiver, term: str, **more: Any) -> dict[str, Any]:
    body = {"search_term": term, "webhook_url": receiver.url, **more}
    made: dict[str, Any] = await ask("POST", "/api/notifications", 201, json=body)
    return made


async def told(components: Components, receiver: Receiver) -> list[tuple[str, int, list[str]]]:
    """Check and send all that is due; returns the query, the item and the matches of each message since the last time."""
    checker = AlertChecker(components.database, components.search_index, components.engines.text_encoder)
    while await checker.check_due():
        pass
    await send(components)
    bodies = [json.loads(message.body)["data"] for message in receiver.messages]
    receiver.messages.clear()
    return sorted(
        (data["search_term"], data["item_id"], [match["text"] for match in data["matches"]]) for data in bodies
    )


async def test_the_first_alerts_of_an_installation_are_made_and_moved_at_once(ask: Asking, receiver: Receiver) -> None:
    made = await asyncio.wait_for(asyncio.gather(*(alert(ask, receiver, f"harbor {one}") for one in range(30))), 9)
    assert len(made) == 30
    body = {"webhook_url": f"{receiver.url}/other"}
    moving = (ask("PATCH", f"/api/notifications/{each['id']}", json=body) for each in made)
    moved = await asyncio.wait_for(asyncio.gather(*moving), 9)
    assert len({each["webhook_id"] for each in moved}) == 1, "one webhook for each address"
    assert len([each for each in moved if each["webhook_secret"]]) == 1
    (hook,) = (await ask("GET", "/api/webhooks"))["webhooks"]
    assert hook["url"] == body["webhook_url"], "the former one went with the last of its alerts"


async def test_an_alert_tells_what_is_new_once(
    ask: Asking, components: Components, world: World, receiver: Receiver
) -> None:
    old = await world.item(ask.tenant.dataset_id, talk("june is old", "nothing", "no more"))
    await finish_run(components, old)
    secret = (await alert(ask, receiver, "june"))["webhook_secret"]
    assert (await alert(ask, receiver, '"the deadline" OR pottery', name="Dates"))["webhook_secret"] is None, (
        "it is the same webhook"
    )
    assert await told(components, receiver) == [], "what was there before is no news"
    new = await world.item(
        ask.tenant.dataset_id, talk("in June", "the deadlines", "the deadline is in june"), title="Pottery"
    )
    await finish_run(components, new)
    checker = AlertChecker(components.database, components.search_index, components.engines.text_encoder)
    await checker.check_due()
    await send(components)
    for message in receiver.messages:
        Webhook(secret).verify(message.body, message.head)
    assert await told(components, receiver) == [
        ('"the deadline" OR pottery', new, ["Pottery", "the deadline is in june"]),
        ("june", new, ["in June", "the deadline is in june"]),
    ]
    # An edit tells only of what it made match, also in a recording that is older than the alert.
    await ask("PATCH", f"/api/items/{new}/transcript/segments/0", json={"text": "in the June"})
    assert await told(components, receiver) == []
    await ask("PATCH", f"/api/items/{new}/transcript/segments/1", json={"text": "the deadline"})
    await ask("PATCH", f"/api/items/{old}/transcript/segments/2", json={"text": "still no more"})
    await ask("PATCH", f"/api/items/{old}/transcript/segments/1", json={"text": "June again"})
    assert await told(components, receiver) == [
        ('"the deadline" OR pottery', new, ["the deadline"]),
        ("june", old, ["June again"]),
    ]
    # Transcribed again, both say the same: nothing is new.
    for item_id in (old, new):
        async with components.database.transaction() as session:
            item = await get_item(session, item_id)
            assert item is not None
            await events.tell_end(session, item, published=True)
    assert await told(components, receiver) == []
    listed = await ask("GET", "/api/notifications")
    assert [(each["name"], each["delivery_stats"]["successful_deliveries"]) for each in listed] == [
        (None, 2),
        ("Dates", 2),
    ]
    for each in listed:
        await ask("DELETE", f"/api/notifications/{each['id']}", 204)
    assert (await ask("GET", "/api/webhooks"))["total"] == 0


async def test_an_alert_knows_no_more_than_its_account_may_read(
    ask: Asking, components: Components, world: World, receiver: Receiver
) -> None:
    """Neither redacted, doubtful, nor another's; rights count when it is sent, too."""
    other = await world.tenant("Other")
    outsider = Asking(ask.client, components, other, "")
    await alert(outsider, receiver, "secret")
    policy = {"kinds": ["phone"], "words": [], "original_roles": ["owner"]}
    async with components.database.transaction() as session:
        hidden = await libraries.create_dataset(
            session, library_id=ask.tenant.library_id, name="Hidden", redaction=policy
        )
        await libraries.add_member(
            session, library_id=ask.tenant.library_id, account_id=other.account_id, role="viewer"
        )
    said = [segment("secret one"), segment("secret doubt", start=10.0, confidence=0.2)]
    said[1] = dataclasses.replace(said[1], quality="doubtful")
    plain = await world.item(ask.tenant.dataset_id, said)
    for item_id in (plain, await world.item(hidden.id, talk("secret two"))):
        await finish_run(components, item_id)
    assert await told(components, receiver) == [("secret", plain, ["secret one"])]
    again = await world.item(ask.tenant.dataset_id, talk("secret three"))
    await finish_run(components, again)
    await AlertChecker(components.database, components.search_index, components.engines.text_encoder).check_due()
    async with components.database.transaction() as session:
        dataset = await libraries.get_dataset(session, ask.tenant.dataset_id)
        await libraries.change_dataset(session, dataset, redaction=policy)
    assert await told(components, receiver) == []
    (webhook,) = (await outsider("GET", "/api/webhooks"))["webhooks"]
    listed = (await outsider("GET", f"/api/webhooks/{webhook['id']}/deliveries"))["deliveries"]
    assert [each["state"] for each in listed] == ["withheld", "delivered"]


async def test_filters_and_webhooks_of_ones_own_count_and_what_is_wrong_is_said(
    ask: Asking, components: Components, world: World, receiver: Receiver
) -> None:
    made = await ask("POST", "/api/webhooks", 201, json={"url": receiver.url, "events": ["alert.matched"]})
    terms = {"search_term": "word", "webhook_id": made["id"], "filters": {"speakers": ["SPEAKER_01"]}}
    first = await ask("POST", "/api/notifications", 201, json=terms)
    assert first["filters"] == {"speakers": ["SPEAKER_01"]}
    said = [segment("word of one", speaker="SPEAKER_00"), segment("word of two", start=10.0, speaker="SPEAKER_01")]
    item_id = await world.item(ask.tenant.dataset_id, said)
    await finish_run(components, item_id)
    assert await told(components, receiver) == [("word", item_id, ["word of two"])], (
        "one message, although it wants all"
    )
    for body, code in (
        ({"search_term": "-word", "webhook_url": receiver.url}, "query_invalid"),
        ({"search_term": "...", "webhook_url": receiver.url}, "query_invalid"),
        ({"search_term": "word"}, "field_invalid"),
        ({"search_term": "word", "email_recipient": "a@example.org"}, "email_not_set_up"),
        ({"search_term": "word", "webhook_id": made["id"], "webhook_url": receiver.url}, "field_invalid"),
    ):
        assert (await ask("POST", "/api/notifications", 400, json=body))["code"] == code
    internal = {"search_term": "word", "webhook_url": "https://10.0.0.1/"}
    assert (await ask("POST", "/api/notifications", 422, json=internal))["code"] == "url_forbidden"
    await ask("PATCH", f"/api/notifications/{first['id']}", 200, json={"search_term": "other", "filters": {}})
    await ask("PATCH", f"/api/notifications/{first['id']}", 400, json={"webhook_id": None})
    other = await ask("POST", "/api/webhooks", 201, json={"url": receiver.url, "events": []})
    await ask("PATCH", f"/api/notifications/{first['id']}", 200, json={"webhook_id": other["id"], "frequency": "daily"})
    (listed,) = await ask("GET", "/api/notifications")
    assert (listed["search_term"], listed["filters"], listed["webhook_id"]) == ("other", {}, other["id"])
    assert (await ask("GET", "/api/notifications/digest"))["next_at"] is not None
    elsewhere = {"webhook_url": f"{receiver.url}/other"}
    moved = await ask("PATCH", f"/api/notifications/{first['id']}", 200, json=elsewhere)
    assert moved["webhook_secret"].startswith("whsec_")
    assert (moved["webhook_url"], moved["search_term"]) == (elsewhere["webhook_url"], "other")
    again = await ask("PATCH", f"/api/notifications/{first['id']}", 200, json=elsewhere)
    assert (again["webhook_id"], again["webhook_secret"]) == (moved["webhook_id"], None), "one webhook for each address"
    for refused, status in (
        ({**elsewhere, "webhook_id": other["id"]}, 400),
        ({"webhook_url": "https://10.0.0.1/"}, 422),
    ):
        await ask("PATCH", f"/api/notifications/{first['id']}", status, json=refused)
    both = {"webhook_url": None, "webhook_id": other["id"]}
    back = await ask("PATCH", f"/api/notifications/{first['id']}", 200, json=both)
    assert back["webhook_id"] == other["id"]
    hooks = (await ask("GET", "/api/webhooks"))["webhooks"]
    assert moved["webhook_id"] not in [hook["id"] for hook in hooks], "it went with the last of its alerts"


async def test_a_paused_alert_finds_nothing_and_tells_nothing_of_the_past_when_it_is_resumed(
    ask: Asking, components: Components, world: World, receiver: Receiver
) -> None:
    made = await alert(ask, receiver, "june")
    other = await alert(ask, receiver, "june OR july", active=False)
    assert (made["active"], other["active"]) == (True, False)
    path = f"/api/notifications/{made['id']}"
    early = await world.item(ask.tenant.dataset_id, talk("in june", "nothing yet", "nothing at all"))
    await finish_run(components, early)
    assert await told(components, receiver) == [("june", early, ["in june"])]
    await ask("PATCH", path, 200, json={"active": False})
    assert [each["active"] for each in await ask("GET", "/api/notifications")] == [False, False]
    meanwhile = await world.item(ask.tenant.dataset_id, talk("june meanwhile", "nothing"))
    await finish_run(components, meanwhile)
    await ask("PATCH", f"/api/items/{early}/transcript/segments/1", json={"text": "june, too"})
    assert await told(components, receiver) == []
    # What was published while it was paused and is looked through only now is past as well.
    waiting = await world.item(ask.tenant.dataset_id, talk("june waiting"))
    await finish_run(components, waiting)
    await ask("PATCH", path, 200, json={"active": True})
    await ask("PATCH", path, 200, json={"name": "June"})
    assert await told(components, receiver) == []
    await ask("PATCH", f"/api/items/{early}/transcript/segments/2", json={"text": "june at last"})
    await ask("PATCH", f"/api/items/{meanwhile}/transcript/segments/1", json={"text": "june as well"})
    late = await world.item(ask.tenant.dataset_id, talk("late june"))
    await finish_run(components, late)
    assert await told(components, receiver) == [
        ("june", early, ["june at last"]),
        ("june", meanwhile, ["june as well"]),
        ("june", late, ["late june"]),
    ]
    assert (await ask("PATCH", path, 400, json={"active": None}))["code"] == "field_invalid"


async def test_an_alert_that_is_paused_while_it_is_looked_for_tells_nothing(
    ask: Asking, components: Components, world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await alert(ask, receiver, "june")
    item_id = await world.item(ask.tenant.dataset_id, talk("in june"))
    await finish_run(components, item_id)

    async def paused_after(*args: Any, **named: Any) -> Any:
        found = await hits_in(*args, **named)
        await ask("PATCH", f"/api/notifications/{made['id']}", 200, json={"active": False})
        return found

    monkeypatch.setattr("echoic.alerts.checks.hits_in", paused_after)
    assert await told(components, receiver) == []
