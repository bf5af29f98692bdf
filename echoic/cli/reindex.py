"""``echoic reindex``: rebuild the search index, with a progress bar."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from echoic.cli.start import read_settings, reported
from echoic.db import migrate
from echoic.db.connect import Database
from echoic.db.search import reindex as work
from echoic.db.search.refused_items import Refusals
from echoic.errors import SearchCopyIncomplete
from echoic.opensearch.copier import PATIENCE_SECONDS, BroughtUp, bring_up_to_date
from echoic.opensearch.open import open_opensearch
from echoic.opensearch.refusals import error_of
from echoic.server.database import found_database, open_database
from echoic.settings import Settings
from echoic.wording import counted


def reindex(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also entries that are up to date.")] = False,
) -> None:
    """Rebuild search entries of an older version while searches go on; needs the database of a running server.

    The server does that by itself, but slowly and only what is outdated. Where searches go to an OpenSearch, --all makes
    a new index there and has searches ask it once it is whole.
    """
    with reported():
        settings = read_settings()
        url = found_database(settings)
        migrate.verify(url)
        asyncio.run(_reindex(settings, url, everything=everything))


async def _reindex(settings: Settings, url: str, *, everything: bool) -> None:
    """Do it and say what was done. Raises SearchCopyIncomplete, SearchItemsRefused, SearchCopyHeldBack, SearchUnavailable."""
    database = open_database(settings, url)
    try:
        with _progress("Indexing") as show:
            done = await work.reindex(database, everything=everything, on_progress=show)
        if done:
            typer.echo(f"Rebuilt the entries of {counted(done, 'item')}.")
        with _progress("Copying") as show:
            brought = await _copy(settings, database, everything=everything, on_progress=show)
        if brought.copied and not brought.refusals.held_back:
            typer.echo(f"Copied {counted(brought.copied, 'item')} to OpenSearch.")
        if brought.left:
            raise SearchCopyIncomplete(_incomplete(brought.left))
        if error := error_of(brought.refusals):
            raise error
        if not done and not brought.copied:
            typer.echo("Every entry is up to date.")
    finally:
        await database.close()


@contextmanager
def _progress(description: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar while the block runs; yields what moves it: the number done, and of those there are to do."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task(description, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


async def _copy(
    settings: Settings, database: Database, *, everything: bool, on_progress: Callable[[int, int], None]
) -> BroughtUp:
    async with open_opensearch(settings, database) as opensearch:
        if opensearch is None:
            return BroughtUp(copied=0, left=0, refusals=Refusals(number=0, first=()))
        return await bring_up_to_date(opensearch.copier, everything=everything, on_progress=on_progress)


def _incomplete(left: int) -> str:
    verb = "is" if left == 1 else "are"
    return (
        f"{counted(left, 'item')} {verb} still to be copied to OpenSearch, and nothing could be written for "
        f"{counted(round(PATIENCE_SECONDS), 'second')}. A server goes on with them, or this command when it is run again."
    )
