"""Trends as a caller may read them: names and words that more recordings say than before, with recordings that do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.access import Caller
from echoic.db.subjects import trending
from echoic.db.subjects.found import subjects_of_ids
from echoic.db.subjects.readable import Readable, find_readable
from echoic.db.subjects.trending import Behind, Kind, Recorded, Trend, Window
from echoic.db.transcripts.entity_list import EntityFilters
from echoic.reading.entities import require_readable

SHOWN_RECORDINGS = 3
"""So many of the newest recordings are told of each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownTrend:
    """A subject or a word that grows, with the newest recordings behind it."""

    subject_id: int | None
    """None: a word."""
    type: str | None
    name: str
    figures: Trend
    recordings: Sequence[Behind]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trends:
    """The trends of a window, the most growing first, with what they are measured by."""

    window: Window
    recorded: Recorded
    found: Sequence[ShownTrend]


async def find_trends(
    session: AsyncSession, filters: EntityFilters, caller: Caller, *, kind: Kind, days: int, limit: int
) -> Trends:
    """Return what grows most in the window of so many days that ends today, in UTC.

    Counted are the datasets that the caller may read with nothing redacted. Raises LibraryNotFound or DatasetNotFound.
    """
    await require_readable(session, filters, caller)
    readable = await find_readable(session, account_id=caller.account_id, filters=filters)
    window = Window.ending(datetime.now(UTC).date(), days)
    recorded = await trending.count_recorded(session, readable, window)
    found = await trending.find_trends(session, readable, window, recorded, kind=kind, type_=filters.type, limit=limit)
    keys = [one.key for one in found]
    behind: dict[int | str, list[Behind]] = {key: [] for key in keys}
    for one in await trending.find_behind(session, keys, readable, window, kind=kind, limit=SHOWN_RECORDINGS):
        behind[one.key].append(one)
    shown = await (_words if kind == "words" else _subjects)(session, found, readable, behind)
    return Trends(window=window, recorded=recorded, found=shown)


Recordings = dict[int | str, list[Behind]]


async def _subjects(
    session: AsyncSession, found: Sequence[Trend], readable: Readable, behind: Recordings
) -> list[ShownTrend]:
    ids = [one.key for one in found if isinstance(one.key, int)]
    named = {subject.id: subject for subject in await subjects_of_ids(session, ids, readable)}
    return [
        ShownTrend(
            subject_id=subject.id,
            type=subject.type,
            name=subject.name,
            figures=one,
            recordings=behind[one.key],
        )
        for one in found
        if isinstance(one.key, int) and (subject := named.get(one.key)) is not None
    ]


async def _words(session: AsyncSession, found: Sequence[Trend], _: Readable, behind: Recordings) -> list[ShownTrend]:
    said_in = {str(one.key): behind[one.key][0].item_id for one in found if behind[one.key]}
    spelled = await trending.find_spellings(session, said_in)
    return [
        ShownTrend(
            subject_id=None,
            type=None,
            name=spelled.get(str(one.key), str(one.key)),
            figures=one,
            recordings=behind[one.key],
        )
        for one in found
    ]
