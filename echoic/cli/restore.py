"""``echoic restore``: an installation as a backup holds it, or a transcript as it was in an earlier version."""

import asyncio
from typing import Annotated

import typer

from echoic.backup.place import Place
from echoic.backup.restore import restore as restore_backup
from echoic.cli.backup import shown_progress
from echoic.cli.connection import JsonOption, ServerOption, connected
from echoic.cli.edited import AtVersionOption, expected, print_edited
from echoic.cli.output import remark, say
from echoic.cli.start import read_settings, reported
from echoic.db import migrate
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
    at_version: AtVersionOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Restore a backup into an empty installation, whose server does not run; with VERSION, an item's transcript.

    Going back to an earlier version of a transcript makes a new version, and can be undone, too.
    """
    if number is None:
        _restore_backup(source, backup_id)
        return
    if not source.isascii() or not source.isdigit():
        raise typer.BadParameter("with VERSION, it has to be the number of an item.", param_hint="PLACE|ITEM")
    with connected(server) as connection:
        path = f"/api/items/{source}/transcript/versions/{number}/restore"
        print_edited(connection.read("POST", path, json=expected(at_version)), as_json=as_json)


def _restore_backup(name: str, backup_id: str | None) -> None:
    with reported():
        place = Place.open(name)
        manifest = asyncio.run(place.backup(backup_id))
        settings = read_settings()
        with bare_database(settings) as (url, program_role):
            with shown_progress("Restoring") as show:
                asyncio.run(restore_backup(url, open_blobs(settings), place, manifest, on_progress=show))
            migrate.upgrade(url, program_role=program_role)
        say(
            f"Restored the backup {manifest.id}: {counted(manifest.counts['items'], 'item')}, "
            f"{counted(manifest.object_count, 'object')}. Start the server with 'echoic serve'."
        )
        if manifest.missing:
            remark(
                f"{counted(len(manifest.missing), 'object')} had been lost before the backup was made; their items are there."
            )
