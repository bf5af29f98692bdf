"""kill -9 of the process that takes feeds in, at each of its steps: no episode is lost or doubled, and fetching goes on."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Awaitable, Callable, Sized
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from sqlalchemy import func, text, update

from echoic.db.sources.entries import FeedEntry
from echoic.db.sources.feeds import Feed
from echoic.db.sources.published import PublishedText
from tests.api import feed_process
from tests.api.feed_process import PART_BYTES
from tests.api.feed_site import Follower, Page
from tests.sources.feeds import entry, rss
from tests.waiting import until

pytestmark = pytest.mark.processes

REPOSITORY = Path(__file__).parents[2]
FORKING = multiprocessing.get_context("forkserver")
"""Its server imports everything once, which takes longer than all that is done here."""
FORKING.set_forkserver_preload(["tests.api.feed_process"])
AUDIO = (REPOSITORY / "examples" / "jfk.flac").read_bytes()
SENT_BYTES = PART_BYTES + 20_000
"""One part and some of the next, which no later part follows: the bytes that are durable are known when the first part is."""
VTT = b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n"


class Killed:
    """Starts the process again and again, and kills it once something has happened."""

    def __init__(self, follower: Follower, folder: Path, database_url: str) -> None:
        self.follower = follower
        self.folder = folder
        self.database_url = database_url
        self.hanging = asyncio.Event()

    @asynccontextmanager
    async def process(self) -> AsyncIterator[None]:
        """The process runs within the block, and is killed at its end."""
        started = FORKING.Process(target=feed_process.run, args=(self.database_url, self.folder))
        await asyncio.to_thread(started.start)
        try:
            yield
        finally:
            started.kill()
            await asyncio.to_thread(started.join)
            self.hanging.set()
            self.hanging = asyncio.Event()
            await self.overtake()

    async def overtake(self) -> None:
        """Let the leases of the killed process run out; they are long, so that no slow machine loses one at work."""
        async with self.follower.components.database.transaction() as session:
            for leased in (Feed, FeedEntry, PublishedText):
                await session.execute(update(leased).where(leased.lease.is_not(None)).values(leased_until=func.now()))

    async def once(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        async with self.process():
            await until(condition, what)

    async def while_only_fetching(self, path: str) -> None:
        """Kill the process while it fetches this, and no recording: what is not yet durable would be fetched again."""
        asked = self.follower.site.paths().count(path)

        async def fetches() -> bool:
            taken = await self.number("SELECT count(*) FROM feed_entries WHERE state = 'taken'")
            return taken == 3 and self.follower.site.paths().count(path) > asked

        await self.once(fetches, f"{path} is asked for and all episodes are taken in")

    async def held(self, where: str) -> None:
        """Kill the process right before, or right after, it commits an episode."""
        (self.folder / "hold").write_text(where, encoding="utf-8")

        async def is_held() -> bool:
            return (self.folder / "held").exists()

        await self.once(is_held, f"it is held {where} the commit")
        for name in ("hold", "held"):
            (self.folder / name).unlink()

    async def number(self, query: str) -> int:
        async with self.follower.components.database.transaction() as session:
            found: int = await session.scalar(text(query))
        return found


@pytest.fixture
def killed(follower: Follower, tmp_path: Path, database_url: str, authority: trustme.CA) -> Killed:
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    return Killed(follower, tmp_path, database_url)


def part(headers: dict[str, str], until: asyncio.Event) -> Page:
    """Send the beginning, and then nothing; to who asks for the rest, the rest."""
    validators = {"ETag": '"one"', "Accept-Ranges": "bytes"}
    if start := int(headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-")):
        ranged = {**validators, "Content-Range": f"bytes {start}-{len(AUDIO) - 1}/{len(AUDIO)}"}
        return Page(AUDIO[start:], status="206 Partial Content", headers=ranged)
    return Page(AUDIO[:SENT_BYTES], headers={**validators, "Content-Length": str(len(AUDIO))}, until=until)


def half_a_text(until: asyncio.Event) -> Page:
    return Page(VTT[:20], headers={"Content-Length": str(len(VTT))}, until=until)


async def test_killed_at_each_step_every_episode_is_taken_once_and_nothing_is_fetched_twice(
    killed: Killed, follower: Follower
) -> None:
    site = follower.site
    more = f'<podcast:transcript url="{site.url("/1.vtt")}" type="text/vtt"/>'
    told = [entry(n, url=site.url(f"/{n}.mp3"), date=f"{n:02} Jan 2026 08:00:00 GMT", more=more) for n in (1, 2, 3)]
    whole = rss(told)

    def half_a_feed(_: str, __: dict[str, str]) -> Page:
        return Page(whole[: whole.index(b"guid-3")], headers={"Content-Length": str(len(whole))}, until=killed.hanging)

    site.pages = {
        "/feed.xml": half_a_feed,
        "/3.mp3": lambda _, headers: part(headers, killed.hanging),
        "/2.mp3": AUDIO,
        "/1.mp3": AUDIO,
        "/1.vtt": lambda *_: half_a_text(killed.hanging),
    }
    dataset_id = await follower.follow()
    # While the feed is being asked.
    await killed.once(lambda: _is(site.paths(), 1), "the feed is asked")
    assert await killed.number("SELECT count(*) FROM feed_entries WHERE state <> 'new'") == 0
    site.pages["/feed.xml"] = whole
    # While the newest episode is being fetched: what lies in parts is not fetched again.
    durable = "SELECT coalesce(sum(size_bytes), 0) FROM feed_entry_parts"

    async def a_part_lies() -> bool:
        return await killed.number(durable) >= PART_BYTES

    await killed.once(a_part_lies, "a part is durable")
    assert (lay_bytes := await killed.number(durable)) >= PART_BYTES
    # Right before it is taken in: it is not fetched again at all; right after, it is not taken in again.
    await killed.held("before")
    assert await killed.number("SELECT count(*) FROM items") == 0
    await killed.held("after")
    assert await killed.number("SELECT count(*) FROM items") == 1
    await killed.while_only_fetching("/1.vtt")
    site.pages["/1.vtt"] = VTT

    async def all_is_there() -> bool:
        kept = await killed.number("SELECT count(*) FROM published_texts WHERE state = 'kept'")
        return kept == 3 and not await killed.number(durable)

    await killed.once(all_is_there, "all episodes and texts are there")
    entries = await follower.entries(dataset_id)
    assert [(one["title"], one["state"]) for one in entries] == [(f"Episode {n}", "taken") for n in (3, 2, 1)]
    items = await follower.items(dataset_id)
    assert sorted((one["title"], one["size_bytes"]) for one in items) == [
        (f"Episode {n}", len(AUDIO)) for n in (1, 2, 3)
    ]
    fetched = [(path, headers.get("range", "")) for path, headers in site.asked if path.endswith(".mp3")]
    assert sorted(fetched) == [
        ("/1.mp3", ""),
        ("/2.mp3", ""),
        ("/3.mp3", ""),
        ("/3.mp3", f"bytes={lay_bytes}-"),
    ]
    assert sum(path == "/feed.xml" for path in site.paths()) == 2


async def _is(found: Sized, number: int) -> bool:
    return len(found) >= number
