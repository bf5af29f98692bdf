"""Files of watched sources: what each was when it was seen last, and what became of it.

A file is known by its source, its path there, and its *fingerprint*: size and modification time, or ETag. One that was
taken stays known for good, so that it never becomes an item twice. Whoever works on one holds its lease.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Text,
    UniqueConstraint,
    Uuid,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt, in_seconds, is_free
from echoic.db.connect import Database
from echoic.db.json_text import to_json
from echoic.db.reads import Query
from echoic.db.runs.runs import PipelineRun
from echoic.db.sources.watched import WatchedSource
from echoic.records import JsonObject

FileState = Literal["settling", "waiting", "taken", "failed"]
ACTIVE = ("queued", "running")


class WatchedFile(Base):
    """One file of a source."""

    __tablename__ = "watched_files"
    __table_args__ = (
        UniqueConstraint("source_id", "identity"),
        CheckConstraint("state IN ('settling', 'waiting', 'taken', 'failed')", name="state"),
        Index("ix_watched_files_waiting", "source_id", "attempts", "id", postgresql_where=text("state = 'waiting'")),
        Index("ix_watched_files_undone", "source_id", postgresql_where=text("state = 'taken' AND done_at IS NULL")),
        Index("ix_watched_files_open", "source_id", "id", postgresql_where=text("state <> 'taken'")),
        Index("ix_watched_files_sha256", "sha256", "source_id", postgresql_where=text("state = 'taken'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("watched_sources.id", ondelete="CASCADE"))
    identity: Mapped[str]
    """Of path and fingerprint, a digest: a file that was changed is another one. With the id behind it where another file has
    both by now."""
    path: Mapped[str]
    """Within its source."""
    fingerprint: Mapped[str]
    size_bytes: Mapped[int]
    modified_at: Mapped[datetime]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When it was first seen so."""
    look: Mapped[int]
    """The look that saw it last; not counted on once it was taken."""
    state: Mapped[FileState] = mapped_column(Text)
    reason: Mapped[str | None]
    message: Mapped[str | None]
    sidecar: Mapped[str | None]
    """The fingerprint of the metadata beside it when it was last tried."""
    told_beside: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether an error file lies beside it."""
    sha256: Mapped[str | None]
    item_id: Mapped[int | None] = mapped_column(ForeignKey("items.id", ondelete="SET NULL"), index=True)
    done_at: Mapped[datetime | None]
    """When it was moved or marked, or found to be left as it is."""
    stays: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether it stays where it is although it was taken."""
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    lease: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    leased_until: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


# One parameter for all rows: a statement with thousands of values takes longer to be put together than to be done.
_PUT = text("""
    INSERT INTO watched_files AS file
        (source_id, identity, path, fingerprint, size_bytes, modified_at, look, state, reason, message)
    SELECT :source_id, told.identity, told.path, told.fingerprint, told.size_bytes, told.modified_at, :look,
           CASE WHEN told.reason IS NOT NULL THEN 'failed' WHEN :settle_seconds <= 0 THEN 'waiting' ELSE 'settling' END,
           told.reason, told.message
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS told (
        identity text, path text, fingerprint text, size_bytes bigint, modified_at timestamptz, reason text, message text)
    ON CONFLICT (source_id, identity) DO UPDATE SET
        look = excluded.look,
        state = CASE
            WHEN file.state = 'settling' AND file.changed_at <= now() - make_interval(secs => :settle_seconds) THEN 'waiting'
            ELSE file.state END,
        -- One that was taken and lies there again is moved away again.
        done_at = CASE WHEN NOT :moves THEN file.done_at END
    WHERE file.state <> 'taken' OR (:moves AND file.done_at IS NOT NULL AND NOT file.stays)
""")


async def put_files(
    session: AsyncSession, source: WatchedSource, rows: Sequence[JsonObject], *, look: int, moves: bool
) -> None:
    """Write what a look has seen, each identity once; what was taken and is unchanged is left alone.

    A row has ``identity``, ``path``, ``fingerprint``, ``size_bytes``, ``modified_at`` as text of ISO 8601, and ``reason`` and ``message``
    where it cannot be taken at all.
    """
    told = {"source_id": source.id, "look": look, "settle_seconds": source.settle_seconds, "moves": moves}
    await session.execute(_PUT, {**told, "rows": to_json(rows)})


async def forget_vanished(session: AsyncSession, source_id: int, *, look: int) -> None:
    """Forget the files that a whole look did not see, but for those that were taken."""
    gone = (WatchedFile.source_id == source_id, WatchedFile.state != "taken", WatchedFile.look != look)
    await session.execute(delete(WatchedFile).where(*gone, _IS_FREE))


async def list_failed(session: AsyncSession, source_id: int, *, after_id: int, limit: int) -> list[WatchedFile]:
    """Return the next files of a source that failed, in the order of their ids."""
    failed = (WatchedFile.source_id == source_id, WatchedFile.state == "failed", WatchedFile.id > after_id)
    return list(await session.scalars(select(WatchedFile).where(*failed).order_by(WatchedFile.id).limit(limit)))


async def try_again(session: AsyncSession, source_id: int, file_ids: Sequence[int] | None = None) -> None:
    """Have files tried again that failed: those named, or all of a source."""
    which = [WatchedFile.source_id == source_id, WatchedFile.state == "failed"]
    if file_ids is not None:
        which.append(WatchedFile.id.in_(list(file_ids)))
    again = {"state": "waiting", "reason": None, "message": None, "told_beside": False, "attempts": 0}
    await session.execute(update(WatchedFile).where(*which).values(again))


_IS_FREE = is_free(WatchedFile.leased_until)


_UNDONE = (WatchedFile.state == "taken") & WatchedFile.done_at.is_(None)
_WAITS = WatchedFile.state == "waiting"
_IS_ON = (
    WatchedSource.paused.is_(False),
    or_(WatchedSource.held_until.is_(None), WatchedSource.held_until <= func.now()),
)
_OF_SOURCE = WatchedFile.source_id == WatchedSource.id
# Asked apart, for each has an index of its own.
_ANY_WAITING = Query(
    select(or_(*(exists().where(*_IS_ON, _OF_SOURCE, which, _IS_FREE) for which in (_UNDONE, _WAITS))))
)


async def any_waiting(database: Database) -> bool:
    """Return whether a file waits that nobody works on; its source may have too much under way. Raises DatabaseUnavailable."""
    return await database.holds(_ANY_WAITING)


async def take_turn(
    session: AsyncSession, *, lease: uuid.UUID, seconds: float, under_way: int
) -> tuple[WatchedFile, int] | None:
    """Lease the file whose turn it is, with the id of its source; None where there is none.

    First comes one that was taken and is not moved or marked yet. Sources take turns, and one that has so many recordings
    under way waits for them, so that thousands of files do not keep uploads waiting.
    """
    at_work = (
        select(PipelineRun.id)
        .join(WatchedFile, WatchedFile.item_id == PipelineRun.item_id)
        .where(PipelineRun.state.in_(ACTIVE), _OF_SOURCE)
        .correlate(WatchedSource)
        .limit(under_way)
        .subquery()
    )
    busy = select(func.count()).select_from(at_work).scalar_subquery()
    for which, more in ((_UNDONE, ()), (_WAITS, (busy < under_way,))):
        source_ids = (
            select(WatchedSource.id)
            .where(*_IS_ON, exists().where(_OF_SOURCE, which, _IS_FREE), *more)
            .order_by(WatchedSource.turn_at.nulls_first(), WatchedSource.id)
            .limit(1)
            .with_for_update(of=WatchedSource, skip_locked=True)
        )
        source_id = await session.scalar(source_ids)
        if source_id is None:
            continue
        next_file = (
            select(WatchedFile.id)
            .where(WatchedFile.source_id == source_id, which, _IS_FREE)
            .order_by(WatchedFile.attempts, WatchedFile.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        file_id = await session.scalar(next_file)
        if file_id is None:
            continue
        await session.execute(
            update(WatchedSource).where(WatchedSource.id == source_id).values(turn_at=func.clock_timestamp())
        )
        leased = (
            update(WatchedFile)
            .where(WatchedFile.id == file_id)
            .values(lease=lease, leased_until=in_seconds(seconds), attempts=WatchedFile.attempts + 1)
        )
        file = await session.scalar(leased.returning(WatchedFile))
        return None if file is None else (file, source_id)
    return None


async def renew_lease(session: AsyncSession, file_id: int, *, lease: uuid.UUID, seconds: float) -> bool:
    """Hold a file for longer; False where it is lost."""
    return await _write(session, file_id, lease, leased_until=in_seconds(seconds))


async def end_taken(session: AsyncSession, file_id: int, *, lease: uuid.UUID, item_id: int, sha256: str) -> bool:
    """Note that a file became an item; False where it was lost. Its holder keeps it, to move or mark it."""
    columns = {"state": "taken", "item_id": item_id, "sha256": sha256, "reason": None, "message": None}
    return await _write(session, file_id, lease, told_beside=False, attempts=0, **columns)


async def end_known(
    session: AsyncSession, file_id: int, *, lease: uuid.UUID, item_id: int | None, sha256: str, reason: str
) -> bool:
    """Note that the bytes of a file are those of an item that is there already, or was."""
    columns = {"state": "taken", "item_id": item_id, "sha256": sha256, "reason": reason, "message": None}
    return await _write(session, file_id, lease, told_beside=False, attempts=0, **columns)


async def end_failed(
    session: AsyncSession,
    file_id: int,
    *,
    lease: uuid.UUID,
    reason: str,
    message: str,
    sidecar: str | None,
    told_beside: bool,
) -> bool:
    """Note why a file cannot be taken as it is; False where it was lost."""
    columns = {"state": "failed", "reason": reason, "message": message, "sidecar": sidecar, "told_beside": told_beside}
    return await _write(session, file_id, lease, lease=None, leased_until=None, **columns)


async def end_done(session: AsyncSession, file_id: int, *, lease: uuid.UUID, stays: bool, reason: str | None) -> bool:
    """Note that nothing is to be done with a file any more; ``reason`` says why it stays where it is."""
    told = {} if reason is None else {"reason": reason}
    return await _write(session, file_id, lease, lease=None, leased_until=None, done_at=func.now(), stays=stays, **told)


async def end_replaced(session: AsyncSession, file_id: int, *, lease: uuid.UUID) -> bool:
    """Note that another file lies where a taken one was, as like it as to have its identity, which the next look gives it."""
    freed = WatchedFile.identity.concat(":").concat(cast(WatchedFile.id, Text))
    return await _write(session, file_id, lease, lease=None, leased_until=None, done_at=func.now(), identity=freed)


async def give_back(session: AsyncSession, file_id: int, *, lease: uuid.UUID, is_settling: bool = False) -> bool:
    """Let others have a file; one that ``is_settling`` was changed while it was read."""
    columns = {"state": "settling", "changed_at": func.now()} if is_settling else {}
    return await _write(session, file_id, lease, lease=None, leased_until=None, **columns)


async def forget(session: AsyncSession, file_id: int, *, lease: uuid.UUID) -> None:
    """Forget a file that is not there any more."""
    await session.execute(delete(WatchedFile).where(WatchedFile.id == file_id, WatchedFile.lease == lease))


async def _write(session: AsyncSession, file_id: int, held: uuid.UUID, /, **columns: object) -> bool:
    written = update(WatchedFile).where(WatchedFile.id == file_id, WatchedFile.lease == held).values(**columns)
    return await session.scalar(written.returning(WatchedFile.id)) is not None


async def find_taken(session: AsyncSession, *, dataset_id: int, sha256: str) -> tuple[int | None] | None:
    """Return the item that bytes became which a source of the dataset has taken, in a tuple: the item may be gone."""
    query = (
        select(WatchedFile.item_id)
        .join(WatchedSource, WatchedSource.id == WatchedFile.source_id)
        .where(WatchedSource.dataset_id == dataset_id, WatchedFile.sha256 == sha256, WatchedFile.state == "taken")
        .order_by(WatchedFile.item_id.nulls_last())
        .limit(1)
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0],)


async def count_states(session: AsyncSession, source_id: int) -> dict[tuple[str, bool], int]:
    """Return how many files a source has, by state and by whether they stay where they are."""
    rows = await session.execute(
        select(WatchedFile.state, WatchedFile.stays, func.count())
        .where(WatchedFile.source_id == source_id)
        .group_by(WatchedFile.state, WatchedFile.stays)
    )
    return {(row[0], row[1]): row[2] for row in rows}


async def list_files(
    session: AsyncSession, source_id: int, *, state: FileState | None, limit: int, offset: int
) -> tuple[list[WatchedFile], int]:
    """Return a page of a source's files, those that were seen last first, and how many there are."""
    wanted = select(WatchedFile).where(WatchedFile.source_id == source_id)
    if state is not None:
        wanted = wanted.where(WatchedFile.state == state)
    total = await session.scalar(select(func.count()).select_from(wanted.subquery()))
    page = wanted.order_by(WatchedFile.id.desc()).limit(limit).offset(offset)
    return list(await session.scalars(page)), total or 0
