"""``echoic backup``: copy the whole installation to a folder or a bucket, while it runs."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from echoic.backup.check import faults_of
from echoic.backup.make import make_backup, note_deletions
from echoic.backup.manifest import Manifest
from echoic.backup.objects import OnProgress
from echoic.backup.place import Place
from echoic.cli.on_database import with_database
from echoic.cli.output import print_rows, say
from echoic.cli.start import EXIT_FAILED, read_settings, reported
from echoic.db.connect import Database
from echoic.storage.open import open_blobs
from echoic.units import MB
from echoic.wording import counted

PlaceArgument = Annotated[
    str, typer.Argument(help="A folder, or s3://bucket/prefix, gs://… or az://….", metavar="PLACE", show_default=False)
]


def backup(
    place: PlaceArgument,
    *,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep", min=1, help="Afterwards, remove all backups there but so many of the newest.", metavar="N"
        ),
    ] = None,
    as_list: Annotated[bool, typer.Option("--list", help="Make none; list the backups that are there.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Make none; read a backup and verify its checksums.")] = False,
    backup_id: Annotated[
        str | None, typer.Option("--backup", help="The one to check; default: the newest.", metavar="ID")
    ] = None,
    deletions: Annotated[
        bool,
        typer.Option(
            "--deletions", help="Make none; write there what was deleted so far, so that a restore leaves it out."
        ),
    ] = False,
) -> None:
    """Copy database and recordings to a folder or a bucket, while the server runs and takes uploads.

    Recordings that an earlier backup holds there are not copied again. A backup holds secrets: see docs/backup.md.
    """
    _require_one_of({"--list": as_list, "--check": check, "--deletions": deletions})
    if backup_id is not None and not check:
        raise typer.BadParameter("names the one to --check", param_hint="--backup")
    if keep is not None and (as_list or check or deletions):
        raise typer.BadParameter("is for the making of a backup", param_hint="--keep")
    with reported():
        if deletions:
            _note_deletions(place)
        elif as_list:
            _print(asyncio.run(Place.open(place).backups()))
        elif check:
            asyncio.run(_check(place, backup_id))
        else:
            _make(place, keep=keep)


def _require_one_of(given: Mapping[str, bool]) -> None:
    named = [name for name, is_given in given.items() if is_given]
    if len(named) > 1:
        raise typer.BadParameter("each of them does one thing; name one at a time", param_hint=" and ".join(named))


@contextmanager
def shown_progress(what: str) -> Iterator[OnProgress]:
    """Yield a function that moves a progress bar."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("", total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield show


def _make(name: str, *, keep: int | None) -> None:
    settings = read_settings()

    async def made(database: Database) -> Manifest:
        place, blobs = Place.open(name, make=True), open_blobs(settings)
        with shown_progress("Copying") as show:
            return await make_backup(database, blobs, place, keep=keep, on_progress=show)

    manifest = with_database(settings, made)
    say(
        f"Backup {manifest.id}: {counted(manifest.counts['items'], 'item')}, {counted(manifest.object_count, 'object')} "
        f"({_size(manifest.object_bytes)}), of which {manifest.copied_count} were copied ({_size(manifest.copied_bytes)})."
    )
    if manifest.missing:
        lost = counted(len(manifest.missing), "object")
        typer.echo(
            f"echoic: The storage has lost {lost} that the database names, or holds them damaged: "
            f"{', '.join(manifest.missing[:5])}. The backup is whole without them.",
            err=True,
        )
        raise typer.Exit(EXIT_FAILED)


def _note_deletions(name: str) -> None:
    async def noted(database: Database) -> tuple[str, int]:
        place = Place.open(name, make=True)
        return place.name, await note_deletions(database, place)

    place_name, count = with_database(read_settings(), noted)
    say(f"{place_name} knows {counted(count, 'deletion')}.")


async def _check(name: str, backup_id: str | None) -> None:
    place = Place.open(name)
    manifest = await place.backup(backup_id)
    with shown_progress("Reading") as show:
        faults = await faults_of(place, manifest, on_progress=show)
    for fault in faults:
        typer.echo(f"echoic: {fault}", err=True)
    if faults:
        raise typer.Exit(EXIT_FAILED)
    say(
        f"Backup {manifest.id}: {counted(manifest.object_count, 'object')} and {len(manifest.tables)} tables are whole."
    )


def _print(backups: list[Manifest]) -> None:
    rows = [
        (
            each.id,
            each.began_at,
            each.program,
            each.schema,
            each.counts["items"],
            each.object_count,
            _size(each.object_bytes),
            _size(each.copied_bytes),
        )
        for each in backups
    ]
    print_rows(("id", "shows", "version", "schema", "items", "objects", "size", "copied"), rows)


def _size(size_bytes: int) -> str:
    return f"{size_bytes / MB:,.1f} MB"
