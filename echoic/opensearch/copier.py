"""Keeps the copies: writes what the outbox holds, and has searches ask a copy once it was loaded.

``echoic.db.search.copies`` says why a copy is right in the end, whichever process dies at whatever moment.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from traceback import extract_tb

from echoic.db.connect import Database
from echoic.db.search import copies
from echoic.db.search.copied_entries import EntriesNotMade, entries_of
from echoic.db.search.copies import Claimed, Copy, Held
from echoic.db.search.refused_items import (
    Refusals,
    lacks_too_much,
    look_at_refusals,
    note_refused,
    note_taken,
    try_again,
)
from echoic.errors import SearchUnavailable
from echoic.logs import get_logger
from echoic.opensearch.bulk import Action, ItemDocuments, actions_of, deletion
from echoic.opensearch.client import OpenSearchClient
from echoic.opensearch.documents import NO_REFRESH, REFRESH, VECTOR, documents, index_body
from echoic.opensearch.names import Names
from echoic.opensearch.refusals import error_of

INTERVAL_SECONDS = 0.3
"""Between looks at an empty outbox. With the time in which OpenSearch makes findable what it was given, it bounds how far
searches are behind."""
LONGEST_WAIT_SECONDS = 10.0
"""While OpenSearch is away."""
AWAY_SECONDS = 2.0
"""Between tries of ``bring_up_to_date`` while OpenSearch is away or too busy."""
CHECK_SECONDS = 60.0
"""Between looks whether there is a copy of this version's entries."""
ITEMS_AT_ONCE = 10
ITEMS_TOGETHER = 3
"""Items written at the same time, each with a connection to PostgreSQL."""
CLAIM_SECONDS = 30.0
"""More than passes until these are read. So long an item waits whose process was killed."""
WRITE_SECONDS = 60.0
"""More than writing one takes."""
PATIENCE_SECONDS = 2 * WRITE_SECONDS
"""More than passes until an item is free again that a killed process had."""
DOCUMENTS_AT_ONCE = 1_000
"""In one request, of about 1 KB each, 5 KB with a vector. Where that is too large the client sends several."""
PLUGIN = "opensearch-knn"
"""A cluster with it compares vectors."""
REPLICAS = "0-1"
"""A second copy of each shard as soon as there is a second node."""

logger = get_logger(__name__)


class Copier:
    """Writes the copies of one cluster."""

    def __init__(self, database: Database, client: OpenSearchClient, names: Names, *, shards: int = 1) -> None:
        self._database = database
        self._client = client
        self._names = names
        self._shards = shards
        self._with_vectors: dict[int, bool] = {}
        """Of the copies written here. An index keeps the fields that it was made with."""
        self._told: set[str] = set()
        """Places in the code whose errors were logged with a traceback: one that meets every item is told once."""

    async def ensure(self) -> None:
        """Begin a copy where there is none of this version's entries, or where the cluster has lost it.

        Raises DatabaseUnavailable, SearchUnavailable.
        """
        async with self._database.transaction() as session:
            known = await copies.list_copies(session)
        for copy in known:
            await self._look_at(copy)
        await self.begin(unless_begun=True)

    async def _look_at(self, copy: Copy) -> None:
        """Mend what the cluster lacks of a copy; one that is lost is dropped."""
        name = self._names.index(copy)
        if not await self._client.has_alias(self._names.way_in(copy)):
            async with self._database.transaction() as session:
                lost = copy.complete or await copies.may_hold_items(session, copy.id)
                if lost:
                    await copies.drop_copy(session, copy.id)
            if lost:
                logger.warning("search_copy_lost", index=name)
            else:
                await self._create(copy)
        elif copy.complete:
            await self._look_at_complete(name)

    async def _look_at_complete(self, name: str) -> None:
        if not await self._client.has_alias(self._names.alias):
            await self._client.point(self._names.alias, name)
        if await self._client.refresh_interval(name) == NO_REFRESH:
            # An earlier version has completed it, which knew of no loading without refreshes.
            await self._client.set_refresh_interval(name, REFRESH)

    async def begin(self, *, unless_begun: bool = False) -> Copy | None:
        """Begin a copy of everything, which takes the place of the others once it is loaded.

        None where there is one of this version already and that is enough (``unless_begun``).
        """
        async with self._database.transaction() as session:
            copy = await copies.begin_copy(session, unless_begun=unless_begun)
        if copy is None:
            return None
        async with self._database.transaction() as session:
            replaced = await copies.drop_unused(session, copy)
        for other in replaced:
            await self._client.delete_index(self._names.index(other))
        await self._create(copy)
        logger.info("search_copy_begun", index=self._names.index(copy))
        return copy

    async def _create(self, copy: Copy) -> None:
        with_vectors = await self._client.has_plugin(PLUGIN)
        body = index_body(shards=self._shards, replicas=REPLICAS, with_vectors=with_vectors)
        await self._client.create_index(self._names.index(copy), body | {"aliases": {self._names.way_in(copy): {}}})

    async def waiting(self) -> int:
        """Return how many items the copies lack, or have in an older state; one that two copies lack counts twice."""
        async with self._database.transaction() as session:
            return sum([await copies.count_waiting(session, copy.id) for copy in await copies.list_copies(session)])

    async def lacking(self) -> int:
        """Return how many items some copy lacks, or has in an older state."""
        async with self._database.transaction() as session:
            return await copies.count_waiting(session)

    async def refusals(self) -> Refusals:
        """Return the items of which OpenSearch lacks a part that is refused."""
        async with self._database.transaction() as session:
            return await look_at_refusals(session)

    async def tell_refused(self) -> None:
        """Do nothing where every item is taken. Raises SearchItemsRefused, SearchCopyHeldBack, which name those that are not."""
        if error := error_of(await self.refusals()):
            raise error

    async def write_due(self) -> bool:
        """Write some of what the copies lack; True where there may be more.

        Raises DatabaseUnavailable, SearchUnavailable: what was taken is given back. What is refused raises nothing: ``refusals``
        names it.
        """
        async with self._database.transaction() as session:
            await try_again(session)
            claimed = await copies.claim(session, number=ITEMS_AT_ONCE, lease_seconds=CLAIM_SECONDS)
        together = asyncio.Semaphore(ITEMS_TOGETHER)

        async def write(one: Claimed) -> None:
            async with together:
                await self._write(one)

        failures: list[BaseException | None] = [SearchUnavailable()]
        try:
            failures = await asyncio.gather(*map(write, claimed), return_exceptions=True)
        finally:  # also where the server is being stopped
            if any(isinstance(error, SearchUnavailable) for error in failures):
                async with self._database.transaction() as session:
                    await copies.release(session, claimed)
        for error in failures:
            if error is not None:
                raise error
        await self._complete_loaded()
        return bool(claimed)

    async def _write(self, claimed: Claimed) -> None:
        """Write one item; where a part of it is refused, all else of it, and note that."""
        async with self._database.transaction() as session:
            version = await copies.draw_version(session)
        item, fault = None, None
        try:
            item = await self._made(claimed)
        except EntriesNotMade as error:
            fault = error  # nothing of it is found from now on, as nothing of what OpenSearch refuses is
        now = item.place if item is not None else None
        async with self._database.transaction() as session:
            held = await copies.expect(session, claimed, now, lease_seconds=WRITE_SECONDS)
        if held is None:
            return
        refused = await self._send(claimed.copy, list(actions_of(claimed.item_id, item, held, version)))
        if refused and now is not None:
            # What it was before must not be found in its place: people may have corrected it away.
            await self._send(claimed.copy, [deletion(number, now.library_id, version) for number in refused])
        reason = str(fault) if fault is not None else next(iter(refused.values()), None)
        if await self._note_written(claimed, now, reason) and reason is not None:
            logger.warning(
                "search_item_refused",
                item_id=claimed.item_id,
                index=self._names.index(claimed.copy),
                reason=reason,
                documents=len(refused),
                exc_info=self._untold(fault),
            )

    async def _made(self, claimed: Claimed) -> ItemDocuments | None:
        """Return what the copy is to hold of an item; None for nothing. Raises EntriesNotMade, SearchUnavailable."""
        with_meanings = await self._holds_vectors(claimed.copy)
        async with self._database.snapshot() as session:
            entries = await entries_of(session, claimed.item_id, with_meanings=with_meanings)
        if entries is None:
            return None
        place = Held(library_id=entries.library_id, places=entries.places)
        return ItemDocuments(place=place, documents=await asyncio.to_thread(documents, entries))

    async def _send(self, copy: Copy, actions: Sequence[Action]) -> Mapping[str, str]:
        """Have OpenSearch carry out actions; returns the documents that it refuses, each with the reason."""
        refused: dict[str, str] = {}
        for start in range(0, len(actions), DOCUMENTS_AT_ONCE):
            some = actions[start : start + DOCUMENTS_AT_ONCE]
            refused |= await self._client.write(self._names.way_in(copy), some)
        return refused

    async def _note_written(self, claimed: Claimed, now: Held | None, reason: str | None) -> bool:
        """Note what a copy holds of an item, and why not all; False where another process has the item meanwhile."""
        async with self._database.transaction() as session:
            mine = await copies.written(session, claimed, now)
            if mine and reason is None:
                await note_taken(session, claimed)
            elif mine and reason is not None:
                await note_refused(session, claimed, reason)
        return mine

    def _untold(self, fault: EntriesNotMade | None) -> EntriesNotMade | None:
        """Return an error whose traceback is to be logged; None for one from a place of which one was logged before."""
        if fault is None or fault.__cause__ is None:
            return None
        frame = extract_tb(fault.__cause__.__traceback__)[-1]
        place = f"{frame.filename}:{frame.lineno}"
        is_new = place not in self._told
        self._told.add(place)
        return fault if is_new else None

    async def _holds_vectors(self, copy: Copy) -> bool:
        """Return whether a copy's index has embeddings. Raises SearchUnavailable where there is no such index, or not yet."""
        if copy.id not in self._with_vectors:
            self._with_vectors[copy.id] = await self._client.has_field(self._names.way_in(copy), VECTOR)
        return self._with_vectors[copy.id]

    async def _complete_loaded(self) -> None:
        """Have searches ask a copy whose first load is done, unless it lacks too much, and delete the older ones."""
        async with self._database.transaction() as session:
            unused = [copy for copy in await copies.list_copies(session) if not copy.complete]
            loaded = [copy for copy in unused if await copies.is_loaded(session, copy)]
            loaded = [copy for copy in loaded if not await lacks_too_much(session, copy)]
        for copy in loaded:
            name = self._names.index(copy)
            if not await self._client.has_alias(self._names.way_in(copy)):
                continue  # It has just begun, and had nothing to load.
            await self._client.refresh(name)
            await self._client.set_refresh_interval(name, REFRESH)
            await self._client.point(self._names.alias, name)
            async with self._database.transaction() as session:
                await copies.complete_copy(session, copy.id)
                kept = {self._names.index(one) for one in await copies.list_copies(session)}
            for other in await self._client.indices_of(self._names.pattern):
                if other not in kept:
                    await self._client.delete_index(other)
            logger.info("search_copy_complete", index=name)


@dataclass(frozen=True, kw_only=True, slots=True)
class BroughtUp:
    """The state in which copies were left."""

    copied: int
    """Of the items that a copy lacked at first, those that no copy lacks any more, whoever wrote them."""
    left: int
    """Items that a copy still lacks, or has in an older state."""
    refusals: Refusals


async def bring_up_to_date(copier: Copier, *, everything: bool, on_progress: Callable[[int, int], None]) -> BroughtUp:
    """Write what the copies lack; with ``everything`` make a new copy that takes the place of the one there is.

    Gives up after ``PATIENCE_SECONDS`` in which nothing could be written. ``on_progress`` gets the number of items done and of
    those there are to do. A server may do the same meanwhile. Raises DatabaseUnavailable, SearchUnavailable.
    """
    if everything:
        await copier.begin()
    else:
        await copier.ensure()
    lacking = await copier.lacking()
    most, fewest, moved = 0, None, time.monotonic()
    while (left := await copier.waiting()) and time.monotonic() < moved + PATIENCE_SECONDS:
        most = max(most, left)
        on_progress(most - left, most)
        if fewest is None or left < fewest:
            fewest, moved = left, time.monotonic()
        try:
            wrote = await copier.write_due()
        except SearchUnavailable:  # it is too busy for a while; where it stays so, the last try says why
            await asyncio.sleep(AWAY_SECONDS)
            continue
        if wrote:
            moved = time.monotonic()
        else:
            await asyncio.sleep(INTERVAL_SECONDS)  # another process has what is left
    await copier.write_due()  # an index that had nothing to be loaded with is asked from now on
    # What was published after the last look is the server's work.
    left = await copier.lacking() if left else 0
    return BroughtUp(copied=max(0, lacking - left), left=left, refusals=await copier.refusals())
