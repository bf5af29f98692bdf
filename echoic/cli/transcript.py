"""``echoic transcript``: what was said, on the screen or in a file."""

from pathlib import Path
from typing import Annotated

import typer

from echoic.cli.connection import CommandFailed, ExitCode, ServerOption, connected
from echoic.cli.segments import VersionOption
from echoic.formats import FormatName


def transcript(
    item_id: Annotated[int, typer.Argument(help="The item's id.", metavar="ID")],
    *,
    form: Annotated[FormatName, typer.Option("--format", help="How it is written.")] = "txt",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; default: the screen.")] = None,
    speaker: Annotated[str | None, typer.Option(help="Only what this speaker said.")] = None,
    speakers: Annotated[bool | None, typer.Option(help="Name the speakers, or do not.")] = None,
    version: VersionOption = None,
    server: ServerOption = None,
) -> None:
    """Print or save an item's transcript."""
    with connected(server) as connection:
        if form == "docx" and output is None:
            raise CommandFailed(ExitCode.REFUSED, "A Word document does not go on the screen; name a file with -o.")
        params = {
            "format": form,
            "speaker": speaker,
            "speakers": None if speakers is None else str(speakers).lower(),
            "version": version,
        }
        answer = connection.ask(
            "GET",
            f"/api/items/{item_id}/transcript",
            params={name: value for name, value in params.items() if value is not None},
        )
        if output is None:
            typer.echo(answer.text.rstrip("\n"))
            return
        try:
            output.write_bytes(answer.content)
        except OSError as error:
            raise CommandFailed(ExitCode.REFUSED, f"Cannot write {output}: {error.strerror}.") from error
