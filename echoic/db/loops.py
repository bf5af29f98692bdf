"""States of the loops beside everybody's work, kept for metrics and for health checks."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt, in_seconds
from echoic.db.connect import Database
from echoic.upkeep import KEEPS_FAILING_ROUNDS, LoopState

FRESH_SECONDS = 900.0
"""A failing loop says so more often than that; who has not, has been stopped with its process."""


class LoopNote(Base):
    """The state of a loop by its name, whichever processes run it."""

    __tablename__ = "loops"

    loop: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    """Since the database was made."""
    failed_in_a_row: Mapped[int]
    error: Mapped[str | None]
    failing_since: Mapped[datetime | None]
    noted_at: Mapped[CreatedAt]


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopRecord:
    """A loop as others may know it."""

    name: str
    failures: int
    """Since the database was made."""
    keeps_failing: bool
    error: str | None
    """That of the last round, in one line; None where it went well."""
    failing_since: datetime | None
    noted_at: datetime
    """When a process last said how the loop is doing: after its first round, and when a round fails or goes well again."""


class LoopNotes:
    """Notes what one process's loops are doing; their teller."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counted: dict[str, int] = {}

    async def __call__(self, name: str, state: LoopState) -> None:
        """Note a loop's state; raises DatabaseUnavailable."""
        failures = state.failures
        async with self._database.transaction() as session:
            row = insert(LoopNote).values(
                loop=name,
                failures=failures - self._counted.get(name, 0),
                failed_in_a_row=state.failed_in_a_row,
                error=state.error,
                failing_since=func.now() if state.error is not None else None,
            )
            new = row.excluded
            since = func.coalesce(LoopNote.failing_since, new.failing_since)
            await session.execute(
                row.on_conflict_do_update(
                    index_elements=[LoopNote.loop],
                    set_={
                        "failures": LoopNote.failures + new.failures,
                        "failed_in_a_row": new.failed_in_a_row,
                        "error": new.error,
                        "failing_since": case((new.error.is_(None), None), else_=since),
                        "noted_at": func.now(),
                    },
                )
            )
        self._counted[name] = failures


async def list_loops(session: AsyncSession) -> list[LoopRecord]:
    """Return all loops that were ever noted, by name."""
    failing = (LoopNote.failed_in_a_row >= KEEPS_FAILING_ROUNDS) & (LoopNote.noted_at > in_seconds(-FRESH_SECONDS))
    rows = await session.execute(select(LoopNote, failing).order_by(LoopNote.loop))
    return [
        LoopRecord(
            name=note.loop,
            failures=note.failures,
            keeps_failing=keeps_failing,
            error=note.error,
            failing_since=note.failing_since,
            noted_at=note.noted_at,
        )
        for note, keeps_failing in rows
    ]
