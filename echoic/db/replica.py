"""Reads that a streaming replica answers in place of the primary, and never with less than the primary would show.

A read asks the primary up to which place of its log all is on its disk, which includes whatever anybody was told is
committed, by any process and any worker. It goes to the replica once that has replayed as much, which takes a streaming
replica some milliseconds; else to the primary. So nothing has to be remembered of who wrote what, and where. A replica
that is away, or far behind, is asked for nothing until ``look`` finds it well again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Text, literal_column, select

from echoic.db.connect import Database
from echoic.db.reads import Query
from echoic.errors import DatabaseUnavailable
from echoic.logs import get_logger

LOOK_SECONDS = 1.0
"""Time between two looks at the replica."""
POLL_SECONDS = 0.005
SILENCE_SECONDS = 2.0
"""A replica that says for so long nothing of how far it is counts as away."""

_WRITTEN = Query(select(literal_column("pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint")))
_REPLAYED = Query(
    select(
        literal_column("pg_is_in_recovery()"),
        literal_column("coalesce(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'), 0)::bigint"),
    )
)
_SYSTEM = Query(select(literal_column("(SELECT system_identifier::text FROM pg_control_system())", Text())))
_RECEIVES = Query(select(literal_column("EXISTS (SELECT FROM pg_stat_wal_receiver WHERE pid IS NOT NULL)")))

ResultT = TypeVar("ResultT")

logger = get_logger(__name__)


@dataclass(slots=True)
class ReplicaState:
    """The state of the replica as a process knows it; its event loops share it."""

    is_usable: bool = False
    lag_bytes: int | None = None
    """How much of the primary's log the replica had not replayed at the last look; None: it could not be asked."""
    answered: dict[str, int] = field(default_factory=lambda: {"replica": 0, "primary": 0})
    """How many reads each has answered."""


class Reads:
    """The reads of one event loop: by the replica where there is one that is up to date, else by the primary."""

    def __init__(
        self,
        primary: Database,
        replica: Database | None = None,
        *,
        state: ReplicaState | None = None,
        wait_seconds: float = 0.0,
    ) -> None:
        """``wait_seconds`` is how long a read waits at most until the replica has replayed enough."""
        self.primary = primary
        self.state = state or ReplicaState()
        self._replica = replica
        self._wait_seconds = wait_seconds

    @property
    def has_replica(self) -> bool:
        return self._replica is not None

    async def run(self, work: Callable[[Database], Awaitable[ResultT]]) -> ResultT:
        """Do a work that only reads, and return its result; raises what it raises.

        Where the replica goes away meanwhile, or cancels the work because it stands in the way of what it is to replay, the
        work is done once more, by the primary.
        """
        if self._replica is not None and await self._is_up_to_date(self._replica):
            try:
                result = await work(self._replica)
            except DatabaseUnavailable:
                self._leave("away")
            else:
                self.state.answered["replica"] += 1
                return result
        result = await work(self.primary)
        self.state.answered["primary"] += 1
        return result

    async def close(self) -> None:
        """Give all connections back, those to the primary included."""
        if self._replica is not None:
            await self._replica.close()
        await self.primary.close()

    async def look(self) -> None:
        """See whether the replica can be asked. Raises DatabaseUnavailable, with the reason, where it cannot."""
        replica = self._replica
        if replica is None:
            return
        self.state.lag_bytes = None
        try:
            async with asyncio.timeout(SILENCE_SECONDS + self._wait_seconds):
                ((system,),) = await self.primary.read(_SYSTEM)
                written = await self._written()
                ((its_system,),) = await replica.read(_SYSTEM)
                ((in_recovery, replayed),) = await replica.read(_REPLAYED)
                ((receives,),) = await replica.read(_RECEIVES)
        except (DatabaseUnavailable, TimeoutError) as error:
            self._leave("away")
            raise DatabaseUnavailable("The replica of the database is not available.") from error
        if its_system != system or not in_recovery or not receives:
            self._leave("unfit")
            reason = "belongs to another primary" if its_system != system else "does not follow the primary"
            raise DatabaseUnavailable(f"The replica of the database {reason}.")
        self.state.lag_bytes = max(0, written - replayed)
        if not await self._has_replayed(replica, written):
            self._leave("behind")
            raise DatabaseUnavailable("The replica of the database lags behind.")
        if not self.state.is_usable:
            logger.info("replica_used")
        self.state.is_usable = True

    async def _is_up_to_date(self, replica: Database) -> bool:
        if not self.state.is_usable:
            return False
        try:
            written = await self._written()
            async with asyncio.timeout(SILENCE_SECONDS + self._wait_seconds):
                if await self._has_replayed(replica, written):
                    return True
        except (DatabaseUnavailable, TimeoutError):
            self._leave("away")
            return False
        self._leave("behind")
        return False

    async def _written(self) -> int:
        ((written,),) = await self.primary.read(_WRITTEN)
        return int(written)

    async def _has_replayed(self, replica: Database, written: int) -> bool:
        """Wait until the replica has replayed so much, or the time is over."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._wait_seconds
        while True:
            ((in_recovery, replayed),) = await replica.read(_REPLAYED)
            if not in_recovery:
                return False
            if replayed >= written:
                return True
            if loop.time() >= until:
                return False
            await asyncio.sleep(POLL_SECONDS)

    def _leave(self, why: str) -> None:
        """Ask the replica for nothing until it was looked at again."""
        if self.state.is_usable:
            logger.warning("replica_left", why=why)
        self.state.is_usable = False
