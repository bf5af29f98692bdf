"""All that listeners may see of what changes, handed out by one follower of the database for all of them.

The work does not grow with the listeners: a batch of changes costs one read of the items, two of the rights and three of
the keys, sessions and accounts, however many listen. A listener keeps at most ``MAX_WAITING`` messages; beyond, it is told
to look again.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fastapi.sse import format_sse_event
from pydantic import BaseModel

from echoic import access
from echoic.access import Caller
from echoic.api.items import ItemFields, item_fields
from echoic.compose import Components
from echoic.db import changes
from echoic.db.accounts import callers
from echoic.db.accounts.callers import Working
from echoic.db.catalog.rights import Rights, RightsByLibrary, read_rights
from echoic.db.changes import ChangeFeed, Changes
from echoic.db.connect import Database
from echoic.db.items import shown_items
from echoic.db.items.shown_items import PlacedItem, ShownItem
from echoic.errors import DatabaseUnavailable
from echoic.logs import get_logger
from echoic.reading.redacted import policy_for
from echoic.reading.titles import with_shown_titles
from echoic.redaction.policy import Policy

GATHER_SECONDS = 0.3
"""Changes are gathered for so long before they are handed out together."""
RECHECK_SECONDS = 15.0
"""Keys and sessions are looked at again after so long without a change; before any change is handed out they are, too."""
RECONNECT_SECONDS = 2.0
MAX_ITEMS = 200
"""Of more items at once nothing is read: everybody is told to look again."""
MAX_WAITING = 200

logger = get_logger(__name__)


def frame(name: str, data: dict[str, Any]) -> bytes:
    """Write one event."""
    return format_sse_event(event=name, data_str=json.dumps(data, ensure_ascii=False))


LOOK = frame("look", {})
ALIVE = frame("alive", {})


class GoneEvent(BaseModel):
    """An item was deleted, or moved out of a dataset."""

    id: int
    dataset_id: int


class Listener:
    """The messages for one listener that were not sent yet."""

    def __init__(self, caller: Caller, base: str) -> None:
        self.caller = caller
        self.base = base
        """The address under which the listener reaches the server."""
        self.ended = False
        self._waiting: dict[str, bytes] = {}
        self._more = asyncio.Event()

    def tell(self, key: str, message: bytes) -> None:
        """Have a message sent; of those with one key only the last one is."""
        if len(self._waiting) >= MAX_WAITING and key not in self._waiting:
            self.look_again()
            return
        self._waiting.pop(key, None)
        self._waiting[key] = message
        self._more.set()

    def look_again(self) -> None:
        """Have the listener look at everything again, in place of all that waits."""
        self._waiting = {"look": LOOK}
        self._more.set()

    def end(self) -> None:
        """Send nothing any more."""
        self.ended = True
        self._waiting.clear()
        self._more.set()

    async def take(self, *, wait_seconds: float) -> bytes:
        """The messages that wait; nothing where none comes within so many seconds."""
        try:
            async with asyncio.timeout(wait_seconds):
                await self._more.wait()
        except TimeoutError:
            return b""
        self._more.clear()
        waiting, self._waiting = self._waiting, {}
        return b"".join(waiting.values())


class Live:
    """The listeners of one process. It follows the database while there are any."""

    def __init__(self, components: Components) -> None:
        self._components = components
        self._listeners: set[Listener] = set()
        self._following: asyncio.Task[None] | None = None
        self.connected = False
        """True while changes are heard."""

    def join(self, caller: Caller, base: str) -> Listener:
        """Begin to listen. The listener is told to look once changes are heard, so that it misses none."""
        listener = Listener(caller, base)
        self._listeners.add(listener)
        if self.connected:
            listener.look_again()
        if self._following is None:
            self._following = asyncio.create_task(self._follow())
        return listener

    def leave(self, listener: Listener) -> None:
        """Listen no more."""
        self._listeners.discard(listener)
        if not self._listeners and self._following is not None:
            self._following.cancel()
            self._following, self.connected = None, False

    async def _follow(self) -> None:
        while True:
            try:
                async with changes.listen(self._components.database) as feed:
                    self.connected = True
                    for listener in self._listeners:
                        listener.look_again()
                    while True:
                        await self._hand_out(await _gathered(feed))
            except DatabaseUnavailable as error:
                self.connected = False
                logger.warning("changes cannot be heard", error=error.message)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _hand_out(self, told: Changes) -> None:
        await self._end_those_shut_out()
        listeners = [one for one in self._listeners if not one.ended]
        changed = told.items | told.work
        if told.everybody or len(changed) > MAX_ITEMS or len(told.gone) > MAX_ITEMS:
            for listener in listeners:
                listener.look_again()
            return
        found = await shown_items.show_items(self._components.database, changed) if changed else []
        seen = await read_rights(
            self._components.database,
            library_ids={*told.libraries, *(gone.library_id for gone in told.gone), *(one.library_id for one in found)},
            account_ids={one.caller.account_id for one in listeners},
        )
        frames = await _frames(self._components.database, found)
        for listener in listeners:
            if _must_look(listener.caller, told, seen):
                listener.look_again()
            else:
                _tell_gone(listener, told, seen)
                _tell_items(listener, found, told, seen, frames)

    async def _end_those_shut_out(self) -> None:
        """End the listeners who are let in no more. The caller's scopes never change."""
        asked = [listener.caller for listener in self._listeners]
        working = await callers.still_working(
            self._components.database,
            keys={caller.key_id for caller in asked if caller.key_id is not None},
            sessions={caller.session_id for caller in asked if caller.session_id is not None},
            accounts={caller.account_id for caller in asked if caller.key_id is None and caller.session_id is None},
        )
        for listener in self._listeners:
            if not _is_let_in(listener.caller, working):
                listener.end()


def _is_let_in(caller: Caller, working: Working) -> bool:
    """Return whether the key or the session still works, or the account of somebody whom a proxy names is not locked."""
    if caller.key_id is not None:
        return caller.key_id in working.keys
    if caller.session_id is not None:
        return caller.session_id in working.sessions
    return caller.account_id in working.accounts


async def _gathered(feed: ChangeFeed) -> Changes:
    told = Changes()
    await feed.take(told, wait_seconds=RECHECK_SECONDS)
    await asyncio.sleep(GATHER_SECONDS)
    await feed.take(told, wait_seconds=0.0)
    return told


class _Frames:
    """The events of items, each written once however many listen to it.

    ``redacted`` are the items of datasets with a policy as those are shown them who read them redacted, by their ids.
    """

    def __init__(self, redacted: Mapping[int, ShownItem]) -> None:
        self._redacted = redacted
        self._written: dict[tuple[int, str, bool, bool], bytes] = {}

    def of(self, item: ShownItem, base: str, *, with_work: bool, original: bool) -> bytes:
        key = item.id, base, with_work, original
        if key not in self._written:
            read = item if original else self._redacted[item.id]
            shown = read if with_work else read.without_work()
            self._written[key] = frame("item", ItemFields(**item_fields(shown, base)).model_dump(mode="json"))
        return self._written[key]


async def _frames(database: Database, found: Sequence[PlacedItem]) -> _Frames:
    policies = [(one.item, Policy.from_object(one.redaction)) for one in found if one.redaction is not None]
    return _Frames({item.id: item for item in await with_shown_titles(database, policies)})


def _must_look(caller: Caller, told: Changes, seen: RightsByLibrary) -> bool:
    if caller.account_id in told.accounts:
        return True
    of_libraries = (seen.of(library_id=one, account_id=caller.account_id) for one in told.libraries)
    return any(
        rights is not None and access.may_see(visibility=rights.visibility, role=rights.role) for rights in of_libraries
    )


def _tell_gone(listener: Listener, told: Changes, seen: RightsByLibrary) -> None:
    for gone in told.gone:
        if _may_see(listener.caller, gone.library_id, gone.status, seen) is not None:
            listener.tell(str(gone.id), frame("gone", GoneEvent(id=gone.id, dataset_id=gone.dataset_id).model_dump()))


def _tell_items(
    listener: Listener, found: Sequence[PlacedItem], told: Changes, seen: RightsByLibrary, frames: _Frames
) -> None:
    for one in found:
        item = one.item
        rights = _may_see(listener.caller, one.library_id, item.status, seen)
        if rights is None:
            continue
        with_work = access.sees_work(rights.role)
        if with_work or item.id in told.items:
            original = policy_for(replace(rights, redaction=one.redaction)) is None
            told_item = frames.of(item, listener.base, with_work=with_work, original=original)
            listener.tell(str(item.id), told_item)


def _may_see(caller: Caller, library_id: int, status: str, seen: RightsByLibrary) -> Rights | None:
    """Return how the caller sees the library of an item in this state; None where the item does not exist for the caller."""
    rights = seen.of(library_id=library_id, account_id=caller.account_id)
    if rights is None or not access.may_see_item(visibility=rights.visibility, role=rights.role, status=status):
        return None
    return rights
