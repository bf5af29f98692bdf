"""Subjects and words that more recordings name in the last days than in as many days before, from counts kept by day."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.search.lexemes import quoted
from echoic.db.subjects.found import plan_for_values
from echoic.db.subjects.readable import Readable
from echoic.text.words import tokens

Kind = Literal["entities", "words"]

LOOKED_AT = 25_000
"""So many counts are read: of each week of each library, or day of each dataset, those that are in the most items."""
LEAST_DEPTH = 10
"""So many of each week or day at least."""
WEEK = timedelta(days=6)
"""From a Monday to its Sunday."""
CANDIDATES = 3
"""So many times what is asked for is counted exactly: what seems to grow most by the counts that are read."""
LEAST_ITEMS = 2
"""What one recording alone names is no trend, however often it does."""
SMOOTHING = 3.0
"""Items added to both sides of the ratio, so that something rare does not seem to grow by chance: see ``growth``."""
OWN = "ABD"
"""The weights of the words that a segment says itself; those that follow it have C."""
SPELLINGS_FROM = 5
"""Segments of a recording from which the spelling of a word is taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Days, both included; the window before ends on the day before ``first`` and is as long."""

    first: date
    last: date

    @classmethod
    def ending(cls, last: date, days: int) -> "Window":
        """Return the window of so many days that ends on a day."""
        return cls(first=last - timedelta(days=days - 1), last=last)

    @property
    def first_before(self) -> date:
        """The first day of the window before."""
        return self.first - (self.last - self.first) - timedelta(days=1)

    @property
    def days(self) -> list[date]:
        """The days of both windows."""
        return [self.first_before + timedelta(days=n) for n in range((self.last - self.first_before).days + 1)]

    @property
    def weeks(self) -> list[date]:
        """The Mondays of the weeks that lie wholly in one of both windows."""
        mondays = (day for day in self.days if day.weekday() == 0 and day + WEEK <= self.last)
        return [day for day in mondays if not day < self.first <= day + WEEK]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """The number of items in a window and in the one before, and on how many days of datasets or weeks of libraries they are."""

    items: int
    items_before: int
    days: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Trend:
    """A subject, by its id, or a word, with its figures in a window and in the one before."""

    key: int | str
    items: int
    items_before: int
    mentions: int
    mentions_before: int
    growth: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Behind:
    """A recording of the window that names a subject or says a word."""

    key: int | str
    item_id: int
    title: str
    mentions: int


def growth(items: int, items_before: int, recorded: Recorded) -> float:
    """Return how many times as many items name something as would at the rate of the window before.

    The ratio of the observed to the expected number of items, both with ``SMOOTHING`` added: shrinkage as of Norén,
    Hopstadius and Bate (2013), "Shrinkage observed-to-expected ratios for robust and transparent large-scale pattern
    discovery", here stronger than their 1/2, since a window has few recordings and a language many words.
    """
    expected = items_before * recorded.items / recorded.items_before
    return (items + SMOOTHING) / (expected + SMOOTHING)


# Libraries that are read whole have counts of weeks; the days of the windows that are of no whole week, and the datasets of
# other libraries, are counted by the day. No week reaches beyond a window, so its Monday tells in which one it lies.
_WEEKS_AND_DAYS = """
    SELECT {columns} FROM {table} WHERE {of_key} {place} = ANY(CAST(:libraries AS bigint[])) {negated}
        AND day = ANY(CAST(:weeks AS date[]))
    UNION ALL
    SELECT {columns} FROM {table} WHERE {of_key} {place} = ANY(CAST(:datasets AS bigint[]))
        AND day = ANY(CAST(:single_days AS date[]))
    UNION ALL
    SELECT {columns} FROM {table} WHERE {of_key} {place} = ANY(CAST(:alone AS bigint[]))
        AND day = ANY(CAST(:days_of_weeks AS date[]))
"""
_WITH_ITEMS = _WEEKS_AND_DAYS.format(
    columns="dataset_id, day, items", table="dataset_days", of_key="", place="dataset_id", negated=""
)
_RECORDED = """
    SELECT coalesce(sum(items) FILTER (WHERE day >= :first), 0) AS items,
        coalesce(sum(items) FILTER (WHERE day < :first), 0) AS items_before, count(*) AS days
    FROM ({with_items}) AS recorded
"""
_ALL_RECORDED = text(_RECORDED.format(with_items=_WITH_ITEMS))
# Of each week or day only the beginning is looked at, so that these figures only say of what the exact ones are worth
# counting. Sums are of int, as in ``found``.
_LOOKED_AT = """
    SELECT figures.key FROM (
        SELECT most.{key} AS key,
            coalesce(sum(CAST(most.items AS int)) FILTER (WHERE of_day.day >= :first), 0) AS items,
            coalesce(sum(CAST(most.items AS int)) FILTER (WHERE of_day.day < :first), 0) AS items_before,
            coalesce(sum(CAST(most.mentions AS int)) FILTER (WHERE of_day.day >= :first), 0) AS mentions
        FROM ({with_items}) AS of_day CROSS JOIN LATERAL (
            SELECT {key}, items, mentions FROM {table}
            WHERE dataset_id = of_day.dataset_id AND day = of_day.day
            ORDER BY items DESC, mentions DESC LIMIT :depth
        ) AS most
        GROUP BY most.{key}
    ) AS figures {joined}
    WHERE figures.items >= :least AND figures.items * :recorded_before > figures.items_before * :recorded {of_type}
    ORDER BY (figures.items + :smoothing) / (figures.items_before * :rate + :smoothing) DESC,
        figures.mentions DESC, figures.key
    LIMIT :candidates
"""
_SUBJECTS = text(
    _LOOKED_AT.format(key="subject_id", table="subject_days", joined="", of_type="", with_items=_WITH_ITEMS)
)
_SUBJECTS_OF_TYPE = text(
    _LOOKED_AT.format(
        key="subject_id",
        table="subject_days",
        joined="JOIN subjects ON subjects.id = figures.key",
        of_type="AND subjects.type = :type",
        with_items=_WITH_ITEMS,
    )
)
_WORDS = text(_LOOKED_AT.format(key="word", table="word_days", joined="", of_type="", with_items=_WITH_ITEMS))
_EXACT = """
    SELECT of_key.key, own.items, own.items_before, own.mentions, own.mentions_before
    FROM unnest(CAST(:keys AS {type}[])) AS of_key (key) CROSS JOIN LATERAL (
        SELECT coalesce(sum(CAST(items AS int)) FILTER (WHERE day >= :first), 0) AS items,
            coalesce(sum(CAST(items AS int)) FILTER (WHERE day < :first), 0) AS items_before,
            coalesce(sum(CAST(mentions AS int)) FILTER (WHERE day >= :first), 0) AS mentions,
            coalesce(sum(CAST(mentions AS int)) FILTER (WHERE day < :first), 0) AS mentions_before
        FROM ({of_days}) AS of_days
    ) AS own
"""


def _exact(table: str, key: str, type_: str) -> Any:
    # Adding 0 keeps the database from a search for each place: the places of a day of one key are one stretch of the index.
    of_days = _WEEKS_AND_DAYS.format(
        columns="day, items, mentions",
        table=table,
        of_key=f"{key} = of_key.key AND",
        place="dataset_id + 0",
        negated="AND dataset_id < 0",
    )
    return text(_EXACT.format(of_days=of_days, type=type_))


_EXACT_OF: dict[Kind, Any] = {
    "entities": _exact("subject_days", "subject_id", "bigint"),
    "words": _exact("word_days", "word", "text"),
}


async def count_recorded(session: AsyncSession, readable: Readable, window: Window) -> Recorded:
    """Return how many items of the datasets were published in a window and in the one before."""
    await plan_for_values(session)
    row = (await session.execute(_ALL_RECORDED, _places(readable, window))).one()
    return Recorded(items=int(row.items), items_before=int(row.items_before), days=row.days)


async def find_trends(
    session: AsyncSession,
    readable: Readable,
    window: Window,
    recorded: Recorded,
    *,
    kind: Kind,
    type_: str | None,
    limit: int,
) -> list[Trend]:
    """Return what grows most in the datasets from the window before to this one; nothing where one has no items.

    The rows that are read depend on ``LOOKED_AT`` and the number of days that have items, not on how often anything is
    named; where more are there, what is not among the most named of any week or day is not found.
    """
    if not recorded.items or not recorded.items_before:
        return []
    places = _places(readable, window)
    asked = {
        **places,
        "depth": max(LEAST_DEPTH, LOOKED_AT // recorded.days),
        "least": LEAST_ITEMS,
        "recorded": recorded.items,
        "recorded_before": recorded.items_before,
        "rate": recorded.items / recorded.items_before,
        "smoothing": SMOOTHING,
        "candidates": CANDIDATES * limit,
        "type": type_,
    }
    statement = _WORDS if kind == "words" else _SUBJECTS if type_ is None else _SUBJECTS_OF_TYPE
    keys = list(await session.scalars(statement, asked))
    rows = await session.execute(_EXACT_OF[kind], {**places, "keys": keys})
    found = [_trend(row, recorded) for row in rows]
    growing = [trend for trend in found if trend.items >= LEAST_ITEMS and trend.growth > 1]
    return sorted(growing, key=lambda one: (-one.growth, -one.mentions, one.key))[:limit]


def _places(readable: Readable, window: Window) -> dict[str, Any]:
    weeks = window.weeks
    of_weeks = {monday + timedelta(days=n) for monday in weeks for n in range(7)}
    return {
        "libraries": readable.libraries,
        "datasets": readable.datasets,
        "alone": readable.alone,
        "first": window.first,
        "last": window.last,
        "weeks": weeks,
        "single_days": [day for day in window.days if day not in of_weeks],
        "days_of_weeks": sorted(of_weeks),
    }


def _trend(row: Any, recorded: Recorded) -> Trend:
    return Trend(
        key=row.key,
        items=int(row.items),
        items_before=int(row.items_before),
        mentions=int(row.mentions),
        mentions_before=int(row.mentions_before),
        growth=growth(int(row.items), int(row.items_before), recorded),
    )


# The newest days of datasets that name it hold its newest items.
_BEHIND = """
    SELECT of_key.key, items.id AS item_id, items.title, behind.mentions
    FROM unnest(CAST(:keys AS {type}[])) WITH ORDINALITY AS of_key (key, place) CROSS JOIN LATERAL (
        SELECT own.item_id, own.mentions, own.day
        FROM (
            SELECT dataset_id, day FROM {days}
            WHERE {column} = of_key.key AND day BETWEEN :first AND :last
                AND dataset_id + 0 = ANY(CAST(:datasets AS bigint[]))
            ORDER BY day DESC, dataset_id DESC LIMIT :limit
        ) AS newest JOIN {table} AS own
            ON own.{column} = of_key.key AND own.dataset_id = newest.dataset_id AND own.day = newest.day
        ORDER BY own.day DESC, own.item_id DESC LIMIT :limit
    ) AS behind JOIN items ON items.id = behind.item_id
    ORDER BY of_key.place, behind.day DESC, items.id DESC
"""
_BEHIND_OF: dict[Kind, Any] = {
    "entities": text(_BEHIND.format(type="bigint", table="subject_items", days="subject_days", column="subject_id")),
    "words": text(_BEHIND.format(type="text", table="item_words", days="word_days", column="word")),
}


async def find_behind(
    session: AsyncSession,
    keys: Sequence[int | str],
    readable: Readable,
    window: Window,
    *,
    kind: Kind,
    limit: int,
) -> list[Behind]:
    """Return the newest ``limit`` recordings of the window for each subject or word, in their order."""
    asked = {**_places(readable, window), "keys": list(keys), "limit": limit}
    return [Behind(**row) for row in (await session.execute(_BEHIND_OF[kind], asked)).mappings()]


_SAYING = text("""
    SELECT of_word.word, said.text
    FROM unnest(CAST(:words AS text[]), CAST(:items AS bigint[]), CAST(:queries AS text[])) AS of_word (word, item_id, query)
    CROSS JOIN LATERAL (
        SELECT segments.text FROM search_entries AS entries JOIN segments ON segments.id = entries.segment_id
        JOIN items ON items.id = entries.item_id AND items.transcript_id = entries.transcript_id
        WHERE entries.item_id = of_word.item_id AND entries.vector @@ CAST(of_word.query AS tsquery)
        ORDER BY entries.position LIMIT :limit
    ) AS said
""")


async def find_spellings(session: AsyncSession, said_in: Mapping[str, int]) -> dict[str, str]:
    """Return words as a recording writes them most often, by their folded form; ``said_in`` has an item for each."""
    forms: dict[str, Counter[str]] = {}
    asked = {
        "words": list(said_in),
        "items": list(said_in.values()),
        "queries": [f"{quoted(word)}:{OWN}" for word in said_in],
        "limit": SPELLINGS_FROM,
    }
    for row in await session.execute(_SAYING, asked):
        written = (row.text[token.start : token.end] for token in tokens(row.text) if token.word == row.word)
        forms.setdefault(row.word, Counter()).update(written)
    return {word: counted.most_common(1)[0][0] for word, counted in forms.items() if counted}
