"""``echoic transcript``: what was said, on the screen or in a file."""

from typing import Annotated, Any

import typer

from echoic.cli.connection import CommandFailed, Connection, ExitCode, ServerOption, connected
from echoic.cli.output import say
from echoic.cli.saving import ForceOption, OutputOption, check_output, place_of, save
from echoic.cli.segments import SpeakerOption, VersionOption, check_speaker
from echoic.formats import FormatName

SELECTED_HEADER = "X-Total-Segments"


def transcript(
    item_id: Annotated[int, typer.Argument(help="The item's id.", metavar="ID")],
    *,
    form: Annotated[FormatName, typer.Option("--format", help="How it is written.")] = "txt",
    output: OutputOption = None,
    force: ForceOption = False,
    speaker: SpeakerOption = None,
    speakers: Annotated[bool | None, typer.Option(help="Name the speakers, or do not.")] = None,
    version: VersionOption = None,
    server: ServerOption = None,
) -> None:
    """Print or save an item's transcript."""
    with connected(server) as connection:
        if form == "docx" and output is None:
            raise CommandFailed(ExitCode.REFUSED, "A Word document does not go on the screen; name a file with -o.")
        if output is not None:
            check_output(output, force=force)
        params: dict[str, Any] = {
            "format": form,
            "speaker": speaker,
            "speakers": None if speakers is None else str(speakers).lower(),
            "version": version,
        }
        params = {name: value for name, value in params.items() if value is not None}
        answer = connection.ask("GET", f"/api/items/{item_id}/transcript", params=params)
        if speaker is not None and answer.headers.get(SELECTED_HEADER) == "0":
            _require_speaker(connection, item_id, speaker, version)
        if output is None:
            say(answer.text.rstrip("\n"))
        else:
            save(place_of(output, answer, otherwise=f"item-{item_id}.{form}"), [answer.content], force=force)


def _require_speaker(connection: Connection, item_id: int, speaker: str, version: int | None) -> None:
    check_speaker(connection.get(f"/api/items/{item_id}/transcript", version=version, limit=1), speaker)
