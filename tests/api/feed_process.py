"""A process that asks feeds and fetches what they name, as a server does, and can be held where it takes a recording in.

``HOLD_FOLDER`` may have a file ``hold`` that says ``before`` or ``after``: the process then stands still before, or after, an
episode and its item are committed, and makes a file ``held``.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from echoic.compose import open_components
from echoic.intake.accept import Accepted, Acceptor
from echoic.intake.egress import Egress
from echoic.intake.networks import AllowList
from echoic.settings import Settings
from echoic.sources import fetching
from echoic.sources.work import FeedWork
from tests.sites import ScriptedResolver

PART_BYTES = 50_000
LOOK_AGAIN_SECONDS = 0.05


def hold_acceptor(folder: Path) -> None:
    accept = Acceptor.accept

    async def stand_still(where: str) -> None:
        named = folder / "hold"
        if named.exists() and named.read_text(encoding="utf-8") == where:
            (folder / "held").touch()
            await asyncio.Event().wait()

    async def accept_and_hold(self: Acceptor, *given: Any, **named: Any) -> Accepted:
        await stand_still("before")
        accepted = await accept(self, *given, **named)
        await stand_still("after")
        return accepted

    Acceptor.accept = accept_and_hold  # type: ignore[method-assign]


async def again_and_again(step: Callable[[], Awaitable[bool]]) -> None:
    while True:
        if not await step():
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def main(database_url: str, folder: Path) -> None:
    hold_acceptor(folder)
    fetching.PART_BYTES = PART_BYTES
    trusting = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    egress = Egress(
        allowed=AllowList.parse(["127.0.0.1"]),
        resolve=ScriptedResolver(good_example=[["127.0.0.1"]]),
        ssl_context=trusting,
    )
    settings = Settings(_env_file=None, data_dir=folder, transcriber="fake", entity_tagger="fake", text_encoder="fake")
    async with open_components(settings, database_url) as parts, asyncio.TaskGroup() as group:
        intake = parts.intake
        work = FeedWork.of(
            parts.database,
            parts.blobs,
            admissions=intake.admissions,
            acceptor=intake.acceptor,
            egress=egress,
        )
        for step in (work.polls.poll_next, work.episodes.fetch_next, work.publications.fetch_next):
            group.create_task(again_and_again(step))


def run(database_url: str, folder: Path) -> None:
    """Work until killed."""
    asyncio.run(main(database_url, folder))
