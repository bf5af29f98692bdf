"""A process that makes and sends daily digests dies before or after each of its commits: none is lost, none comes under two ids."""

import dataclasses
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

import pytest
import trustme
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.compose import Components
from echoic.db.outbox import deliveries, digests
from echoic.outbox import sender
from tests.api.people import Asking
from tests.factories import World, talk
from tests.outbox.hooks import check, finish_run, open_outbox, send
from tests.outbox.receiver import Receiver, receiving


class Died(BaseException):
    """The process is gone, and catches nothing any more."""


class Mortal:
    """Lets everything that works by a database end where one step of it is about to be committed, or just was."""

    def __init__(self, components: Components, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self._transaction = components.database.transaction
        self._step, self._after, self._reached = "", False, False
        monkeypatch.setattr(components.database, "transaction", self._mortal_transaction)

    @asynccontextmanager
    async def _mortal_transaction(self) -> AsyncIterator[AsyncSession]:
        async with self._transaction() as session:
            yield session
            if self._reached and not self._after:
                raise Died
        if self._reached:
            raise Died

    def watch(self, module: ModuleType, step: str) -> None:
        """Know a transaction by this function, which is called within it."""
        original = getattr(module, step)

        async def watched(*given: Any, **named: Any) -> Any:
            result = await original(*given, **named)
            # To claim nothing is no step.
            self._reached |= step == self._step and (step != "claim" or result is not None)
            return result

        self._patch.setattr(module, step, watched)

    def die(self, step: str, *, after: bool) -> None:
        """Die at this step's commit."""
        self._step, self._after = step, after

    def live(self) -> None:
        """Start again."""
        self._step, self._reached = "", False


@pytest.fixture
async def components(components: Components, trusting: ssl.SSLContext) -> Components:
    return dataclasses.replace(components, outbox=open_outbox(components, trusting))


@pytest.fixture
async def receiver(authority: trustme.CA) -> AsyncIterator[Receiver]:
    async with receiving(authority) as opened:
        yield opened


async def work(components: Components) -> None:
    """Do what the loops of a server do for digests, with all waiting over."""
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE outbox_deliveries SET leased_until = now() WHERE lease IS NOT NULL"))
    while await components.alerts.digests.make_due():
        pass
    await send(components)


async def test_a_digest_comes_under_one_id_wherever_the_process_dies(
    ask: Asking, components: Components, world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"search_term": "june", "webhook_url": receiver.url, "frequency": "daily"}
    await ask("POST", "/api/notifications", 201, json=body)
    monkeypatch.setattr(sender, "MAX_AT_ONCE", 1)  # others would go on after the one that died
    mortal = Mortal(components, monkeypatch)
    arrivals = {}
    for module, step in ((digests, "conclude"), (deliveries, "claim"), (deliveries, "end")):
        mortal.watch(module, step)
        for after in (False, True):
            item_id = await world.item(ask.tenant.dataset_id, talk("in june"))
            await finish_run(components, item_id)
            await check(components)
            async with components.database.transaction() as session:
                await session.execute(text("UPDATE alert_digests SET next_at = now()"))
            receiver.messages.clear()
            mortal.die(step, after=after)
            with pytest.raises(Died):
                await work(components)
            mortal.live()
            await work(components)
            told = [json.loads(message.body)["data"] for message in receiver.messages]
            assert {(data["total_items"], data["alerts"][0]["items"][0]["item_id"]) for data in told} == {(1, item_id)}
            assert len({message.head["webhook-id"] for message in receiver.messages}) == 1
            arrivals[step, after] = len(receiver.messages)
    sent_twice = {("end", False)}
    """It was delivered, and nobody could write so."""
    assert {point for point, count in arrivals.items() if count == 2} == sent_twice
    assert {count for point, count in arrivals.items() if point not in sent_twice} == {1}
