"""``echoic audio``: an item's recording, as it was uploaded, into a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from echoic.cli.connection import Connection, ServerOption, connected, require_success
from echoic.cli.names import shown
from echoic.cli.output import notes, say
from echoic.cli.saving import ForceOption, OutputOption, check_output, place_of, save


def audio(
    item_id: Annotated[int, typer.Argument(help="The item's id.", metavar="ID")],
    *,
    output: OutputOption = None,
    force: ForceOption = False,
    server: ServerOption = None,
) -> None:
    """Save an item's recording as it was uploaded, by default here, under the item's title; prints the file's name."""
    with connected(server) as connection:
        path = f"/api/items/{item_id}/audio"
        # The head is answered by the server itself, which knows the title, also where the bytes lie in an object store.
        place = place_of(output or Path(), connection.ask("HEAD", path), otherwise=f"item-{item_id}")
        check_output(place, force=force)
        save(place, _pieces(connection, path, shown(place.name)), force=force)
        say(shown(place))


def _pieces(connection: Connection, path: str, label: str) -> Iterator[bytes]:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    try:
        with (
            connection.client.stream("GET", path, follow_redirects=True) as answer,
            Progress(*columns, console=notes, disable=not notes.is_terminal) as progress,
        ):
            if not answer.is_success:
                answer.read()
                require_success(answer)
            size = answer.headers.get("Content-Length", "")
            task = progress.add_task(label, total=int(size) if size.isdigit() else None)
            for piece in answer.iter_bytes():
                yield piece
                progress.advance(task, len(piece))
    except httpx.RequestError as error:
        raise connection.unreachable(error) from error
