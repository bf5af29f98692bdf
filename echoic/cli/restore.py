"""``echoic restore``: an installation as a backup holds it, or a transcript as it was in an earlier version."""

import asyncio
from typing import Annotated

import typer

from echoic.backup.deletions import Deletion, read_deletions
from echoic.backup.leaving_out import left_out_of
from echoic.backup.manifest import Manifest
from echoic.backup.place import Place
from echoic.backup.restore import restore as restore_backup
from echoic.cli.backup import shown_progress
from echoic.cli.connection import JsonOption, ServerOption, connected
from echoic.cli.edited import AtVersionOption, expected, print_edited
from echoic.cli.output import remark, say
from echoic.cli.start import read_settings, reported
from echoic.db import migrate
from echoic.db.backup.left_out import LeftOut
from echoic.errors import BackupNotFound
from echoic.server.database import bare_database
from echoic.storage.open import open_blobs
from echoic.wording import counted


def restore(
    source: Annotated[
        str,
        typer.Argument(
            help="Where backups are: a folder, or s3://bucket/prefix … With VERSION: an item's id.",
            metavar="PLACE|ITEM",
            show_default=False,
        ),
    ],
    number: Annotated[
        int | None, typer.Argument(min=0, help="Of the transcript; 0 is what the engines made.", metavar="[VERSION]")
    ] = None,
    *,
    backup_id: Annotated[
        str | None, typer.Option("--backup", help="The backup to restore; default: the newest.", metavar="ID")
    ] = None,
    deletions: Annotated[
        str | None,
        typer.Option(
            "--deletions",
            help="Another place that knows deletions, by 'echoic backup PLACE --deletions'; that of the backup is always asked.",
            metavar="PLACE",
        ),
    ] = None,
    with_deleted: Annotated[
        bool, typer.Option("--with-deleted", help="Bring back what was deleted after the backup, too.")
    ] = False,
    at_version: AtVersionOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Restore a backup into an empty installation, whose server does not run; with VERSION, an item's transcript.

    What was deleted after the backup, by the signed receipts that its place holds, is left out.
    Going back to an earlier version of a transcript makes a new version, and can be undone, too.
    """
    if number is None:
        if with_deleted and deletions is not None:
            raise typer.BadParameter("with --with-deleted, no deletions are looked at.", param_hint="--deletions")
        _restore_backup(source, backup_id, deletions=deletions, with_deleted=with_deleted)
        return
    if not source.isascii() or not source.isdigit():
        raise typer.BadParameter("with VERSION, it has to be the number of an item.", param_hint="PLACE|ITEM")
    with connected(server) as connection:
        path = f"/api/items/{source}/transcript/versions/{number}/restore"
        print_edited(connection.read("POST", path, json=expected(at_version)), as_json=as_json)


def _restore_backup(name: str, backup_id: str | None, *, deletions: str | None, with_deleted: bool) -> None:
    with reported():
        place = Place.open(name)
        manifest = asyncio.run(place.backup(backup_id))
        places = [place] if deletions is None else [place, Place.open(deletions)]
        left_out = LeftOut() if with_deleted else asyncio.run(_left_out(manifest, places))
        settings = read_settings()
        blobs = open_blobs(settings)
        with bare_database(settings) as (url, program_role):
            with shown_progress("Restoring") as show:
                count = asyncio.run(restore_backup(url, blobs, place, manifest, left_out=left_out, on_progress=show))
            migrate.upgrade(url, program_role=program_role)
        say(
            f"Restored the backup {manifest.id}: {counted(manifest.counts['items'] - len(left_out.items), 'item')}, "
            f"{counted(count, 'object')}. Start the server with 'echoic serve'."
        )
        _tell_left_out(left_out)
        if manifest.missing:
            remark(
                f"{counted(len(manifest.missing), 'object')} had been lost before the backup was made; their items are there."
            )


async def _left_out(manifest: Manifest, places: list[Place]) -> LeftOut:
    """Return what was deleted after the backup in the first place, by the receipts in all. Raises what ``read_deletions`` does."""
    found: dict[str, Deletion] = {}
    for place in places:
        known = await read_deletions(place, manifest)
        if known is None and place is not places[0]:
            raise BackupNotFound(
                f"{place.name} knows no deletions. Name a place to which 'echoic backup' or 'echoic backup --deletions' wrote."
            )
        found |= {each.id: each for each in known or ()}
    return await left_out_of(places[0], manifest, list(found.values()))


def _tell_left_out(left_out: LeftOut) -> None:
    kinds = (
        (left_out.items, counted(len(left_out.items), "item")),
        (left_out.audio, f"the audio of {counted(len(left_out.audio), 'item')}"),
        (left_out.transcripts, f"the transcript of {counted(len(left_out.transcripts), 'item')}"),
    )
    if told := [words for found, words in kinds if found]:
        remark(f"Left out, since deleted after the backup: {', '.join(told)}. With --with-deleted they come back.")
    if left_out.held:
        remark(
            f"Kept although deleted after the backup, which has them under legal hold: {', '.join(map(str, left_out.held))}."
        )
