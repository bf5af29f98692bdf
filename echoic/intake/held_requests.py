"""Requests that are held until their recording is transcribed: taken in as every upload is, and once however often they come.

A client that waits in vain sends the same again. The second request is known by its key, the SHA-256 of the recording and
what is asked of it; it gets the run of the first, whether that is under way or done.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from echoic.access import Caller
from echoic.db.connect import Database
from echoic.db.runs import runs
from echoic.db.uploads import idempotency
from echoic.errors import DatabaseUnavailable, EchoicError, IdempotencyKeyRunning, UnsupportedRequestType
from echoic.intake.accept import Acceptor, Wanted
from echoic.intake.admission import Admission, Admissions
from echoic.intake.body import Body, Cap
from echoic.intake.fields import FileMetadata
from echoic.intake.idempotency import FirstAnswer, HeldKey, hold_key
from echoic.intake.receive import RequestHead
from echoic.intake.sweep import discard
from echoic.settings import Settings
from echoic.storage.blobs import Blobs, StagedBlob, StoredBlob

KEY_PREFIX = "held\N{MIDDLE DOT}"
"""No client's idempotency key begins so: they are ASCII."""
LOOK_SECONDS = 0.05
"""Time between two looks at whether the first of two equal requests has made its item."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldRequest:
    """The request, once its body was read."""

    metadata: FileMetadata
    wanted: Wanted
    identity: Mapping[str, Any]
    """What is asked for, in values that JSON has: the same of the same recording needs no second run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """A durable run of the recording that was sent."""

    item_id: int
    run_id: int
    is_repeated: bool = False
    """Whether an earlier request began it."""


ReadRequest: TypeAlias = Callable[[Body, Admission, StagedBlob], Awaitable[HeldRequest]]
"""Reads a body: the recording into the staged blob, and what is asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldHead(RequestHead):
    """The head of a request that is held."""

    transcribes: bool = True
    reads: bool = True
    is_named_by_content: bool = True
    request: str = "held request"
    further_bytes: int = 0
    """The most bytes that the form may have beside the file and what every form has."""

    def check(self, cap: Cap) -> None:
        """Raise UnsupportedRequestType, the cap's error and FieldInvalid."""
        if not self.is_form:
            raise UnsupportedRequestType("Send the recording as multipart/form-data.")
        super(HeldHead, self).check(cap)

    def _body_cap(self, cap: Cap) -> Cap:
        return super(HeldHead, self)._body_cap(cap).widened(self.further_bytes)


class HeldRequests:
    """Takes in requests whose answer is the transcript."""

    def __init__(
        self, settings: Settings, *, database: Database, blobs: Blobs, admissions: Admissions, acceptor: Acceptor
    ) -> None:
        self._settings = settings
        self._database = database
        self._blobs = blobs
        self._admissions = admissions
        self._acceptor = acceptor

    async def begin(
        self,
        caller: Caller,
        dataset_id: int,
        head: HeldHead,
        receive: Callable[[], Awaitable[Any]],
        read: ReadRequest,
    ) -> Begun:
        """Take a request in, and return its run once that is committed.

        Raises what ``admit`` raises before a byte of the body is read, and what ``read`` and ``accept`` raise.
        """
        admission = await self._admissions.admit(caller, dataset_id, head)
        body = head.body(receive, admission.cap, idle_timeout_seconds=self._settings.upload_idle_timeout_seconds)
        async with self._blobs.stage() as staged:
            request = await read(body, admission, staged)
            stored = await staged.finish()
        key = _key(caller, dataset_id, stored, request)
        try:
            held = await self._held(caller, key, head.request)
        except DatabaseUnavailable:
            raise  # the sweep takes the bytes
        except EchoicError:
            await discard(self._blobs, [stored.key])
            raise
        if isinstance(held, Begun):
            await discard(self._blobs, [stored.key])
            return held
        async with held:
            accepted = await self._acceptor.accept(
                replace(admission, held_key=held), stored, request.metadata, wanted=request.wanted
            )
        if accepted.run_id is None:
            raise RuntimeError("A held request was taken in without a run.")
        return Begun(item_id=accepted.item_id, run_id=accepted.run_id)

    async def _held(self, caller: Caller, key: str, request: str) -> HeldKey | Begun:
        """Take the key, or return the run of the request that has it, once that has made its item."""
        while True:
            try:
                async with self._database.transaction() as session:
                    held = await hold_key(
                        session, self._database, account_id=caller.account_id, key=key, request=request
                    )
            except IdempotencyKeyRunning:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            if isinstance(held, HeldKey):
                return held
            if (begun := await self._useful(held)) is not None:
                return begun
            async with self._database.transaction() as session:
                await idempotency.forget_answer(session, account_id=caller.account_id, key=key, item_id=held.item_id)

    async def _useful(self, first: FirstAnswer) -> Begun | None:
        """Return the run of the first request; None where it failed, was cancelled or is gone: another try is another run."""
        async with self._database.transaction() as session:
            run = await runs.newest_run(session, first.item_id)
            if run is None or run.state in ("failed", "cancelled"):
                return None
            return Begun(item_id=first.item_id, run_id=run.id, is_repeated=True)


def _key(caller: Caller, dataset_id: int, stored: StoredBlob, request: HeldRequest) -> str:
    said = [caller.key_id, caller.grant_id, dataset_id, stored.sha256, request.identity]
    return KEY_PREFIX + hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
