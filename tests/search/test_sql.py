"""The statements that search really sends, kept as files in ``tests/search/sql``: a change of them shows in review.

SEARCH_SQL=write make test PYTEST_ARGS="tests/search/test_sql.py -n 0"     writes the files again
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from textwrap import wrap
from typing import Any

import psycopg
import pytest

from echoic.db.search import lexical
from echoic.search.question import Filters, Order
from tests.factories import Tenant, World, talk
from tests.search.conftest import Find

FOLDER = Path(__file__).parent / "sql"
WRITE = os.environ.get("SEARCH_SQL") == "write"
LINE_CHARACTERS = 120
SHOWN_CHARACTERS = 120
"""Of a value; an embedding has thousands."""

SAID = ("the red car", "a car that is red", "red wine", "会議 at 5,000", "Mr. Thornton came late")
EVERYTHING = Filters(
    libraries=("library-1",),
    datasets=(1,),
    items=(1,),
    source_types=("upload",),
    languages=("en",),
    entities=("Ada",),
    entity_ids=(1,),
    speakers=("Anna",),
    speaker_ids=(1,),
    min_confidence=0.5,
    doubtful=False,
    published_from=datetime(2026, 1, 1, tzinfo=UTC),
    published_before=datetime(2026, 2, 1, tzinfo=UTC),
)
SEARCHES: dict[str, dict[str, Any]] = {
    "words": {"query": "red car"},
    "operators": {"query": "(red OR late) -car", "order": Order(sort="date", ascending=True)},
    "phrase": {"query": '"red car"', "context_segments": 2},
    "beginning": {"query": "thorn*", "highlight": False},
    "stop_word": {"query": "the"},
    "within_one_edit": {"query": "Thorntn"},
    "unspaced_and_number": {"query": "会議 5000"},
    "facets": {"query": "red", "facets": True},
    "every_filter": {"query": "red", "filters": EVERYTHING},
    "semantic": {"query": "red", "kind": "semantic"},
    "semantic_by_the_index": {"query": "red", "kind": "semantic, by the index"},
    "semantic_every_filter": {"query": "red", "kind": "semantic", "filters": EVERYTHING},
    "hybrid": {"query": "red", "kind": "hybrid"},
}
BOUND = 3
"""So many matches are ranked in the searches for what is common."""
COMMON: dict[str, dict[str, Any]] = {
    "common_word": {"query": "river"},
    "common_words_both": {"query": "river bridge"},
    "common_words_either": {"query": "river OR bridge"},
    "common_word_oldest_first": {"query": "river", "order": Order(sort="date", ascending=True), "limit": 2},
}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that are sent, with their values."""
    seen: list[str] = []
    execute = psycopg.AsyncCursor.execute

    async def seeing(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:
        seen.append(_shown(query, params))
        return await execute(cursor, query, params, **options)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", seeing)
    return seen


def _shown(query: Any, params: Any) -> str:
    statement = query.decode() if isinstance(query, bytes) else str(query)
    lines = [part for line in statement.splitlines() for part in wrap(line, LINE_CHARACTERS, break_on_hyphens=False)]
    values = [f"--   {name} = {_value(value)}" for name, value in sorted((params or {}).items())]
    return "\n".join([*lines, ";", *values])


def _value(value: Any) -> str:
    shown = f"{value:.6g}" if isinstance(value, float) else str(value)
    return shown if len(shown) <= SHOWN_CHARACTERS else f"{shown[:SHOWN_CHARACTERS]}…"


def _compare(name: str, sent: list[str]) -> None:
    file = FOLDER / f"{name}.sql"
    text = "\n\n".join(sent) + "\n"
    if WRITE:
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text)
    assert file.read_text() == text, f"search sends other statements than {file} has; see the top of this test"


@pytest.mark.parametrize("name", SEARCHES)
async def test_a_search_sends_the_statements_of_its_file(
    find_in_postgres: Find, world: World, sent: list[str], name: str
) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk(*SAID, speaker="Anna"), title="Talks")
    sent.clear()
    await find_in_postgres(tenant, **SEARCHES[name])
    _compare(name, sent)


@pytest.fixture
async def crowd(world: World, as_owner: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """A reader of more matches than are ranked, of whose words PostgreSQL has statistics."""
    monkeypatch.setattr(lexical, "MAX_MATCHES", BOUND)
    tenant = await world.tenant()
    said = [f"river bridge {'river' if place == 1 else place}" for place in range(12)]
    await world.item(tenant.dataset_id, talk(*said))
    as_owner("ANALYZE search_entries")
    return tenant


@pytest.mark.parametrize("name", COMMON)
async def test_a_search_for_what_is_common_sends_the_statements_of_its_file(
    find_in_postgres: Find, crowd: Tenant, sent: list[str], name: str
) -> None:
    await find_in_postgres(crowd, **COMMON[name])
    _compare(name, sent)


def test_every_file_belongs_to_a_search() -> None:
    assert {file.stem for file in FOLDER.glob("*.sql")} == {*SEARCHES, *COMMON}
