"""``echoic reindex``: rebuild the search index, with a progress bar."""

import asyncio
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from echoic.cli.start import read_settings, reported
from echoic.db import migrate
from echoic.db.search import reindex as work
from echoic.opensearch.copier import bring_up_to_date
from echoic.opensearch.open import open_opensearch
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
        done = asyncio.run(_reindex(settings, url, everything=everything))
        typer.echo(f"Rebuilt the entries of {counted(done, 'item')}." if done else "Every entry is up to date.")


async def _reindex(settings: Settings, url: str, *, everything: bool) -> int:
    database = open_database(settings, url)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, transient=True) as progress:
            task = progress.add_task("Indexing", total=None)

            def show(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total)

            done = await work.reindex(database, everything=everything, on_progress=show)
            progress.update(task, description="Copying", completed=0, total=None)
            async with open_opensearch(settings, database) as opensearch:
                if opensearch is not None:
                    await bring_up_to_date(opensearch.copier, everything=everything, on_progress=show)
            return done
    finally:
        await database.close()
