"""Taking up again what failed, of many accounts at once: each recording in a transaction of its own, at its account's cost."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.accounts import accounts
from echoic.db.connect import Database
from echoic.db.items import items, parts
from echoic.db.runs import runs
from echoic.errors import EchoicError, ItemNotFound, RunNotActive, Unavailable
from echoic.intake.quota import Payer, reserve_minutes, seconds_to_reserve
from echoic.pipeline.state_machine import RunStateMachine
from echoic.plans import Plans


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """An item that was not taken up again, and why."""

    item_id: int
    code: str
    message: str


@dataclass(kw_only=True, slots=True)
class Retried:
    """The outcome for each item."""

    item_ids: list[int] = field(default_factory=list)
    """Those that wait in the queue again."""
    refused: list[Refusal] = field(default_factory=list)


class Retries:
    """Takes failed runs up again at the stage where they failed."""

    def __init__(self, database: Database, machine: RunStateMachine, plans: Plans, *, longest_seconds: float) -> None:
        self._database = database
        self._machine = machine
        self._plans = plans
        self._longest_seconds = longest_seconds

    async def retry(self, item_ids: Iterable[int], *, code: str, payer: Payer) -> Retried:
        """Take up the runs of these items that ended with ``code``; what has changed meanwhile is left alone and told.

        The minutes are those of the account that uploaded the recording, or those of ``payer`` where nobody knows it.

        Raises:
            Unavailable: the database went away; what was taken up before stays so.
        """
        done = Retried()
        for item_id in item_ids:
            try:
                async with self._database.transaction() as session:
                    await self._retry_one(session, item_id, code=code, payer=payer)
            except Unavailable:
                raise
            except EchoicError as error:
                done.refused.append(Refusal(item_id=item_id, code=error.code, message=error.message))
            else:
                done.item_ids.append(item_id)
        return done

    async def _retry_one(self, session: AsyncSession, item_id: int, *, code: str, payer: Payer) -> None:
        # The run before the item, as workers lock them.
        newest = await runs.newest_run(session, item_id, lock=True)
        item = await items.get_item(session, item_id)
        blob = None if item is None else await items.get_blob(session, item.audio_blob_id)
        if item is None or blob is None:
            raise ItemNotFound
        if newest is None or newest.state != "failed" or newest.error_code != code:
            raise RunNotActive(f"The newest run of the item did not end with '{code}'.")
        await parts.require_transcribable(session, item)
        run = await self._machine.retry(session, item_id)
        if blob.account_id is not None:
            account = await accounts.get_account(session, blob.account_id)
            payer = Payer(account_id=account.id, plan=self._plans[account.plan])
        seconds = seconds_to_reserve(
            duration_seconds=item.duration_seconds, size_bytes=blob.size_bytes, longest_seconds=self._longest_seconds
        )
        await reserve_minutes(session, payer, run, seconds)
