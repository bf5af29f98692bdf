"""``echoic correct``: what a segment says, and who says it."""

from typing import Annotated, Any

import typer

from echoic.cli.connection import JsonOption, ServerOption, connected
from echoic.cli.edited import AtVersionOption, expected, print_edited
from echoic.cli.segments import ItemId, print_segments


def correct(
    item_id: ItemId,
    segment: Annotated[int, typer.Argument(min=0, help="Its number: see echoic segments.", metavar="SEGMENT")],
    *,
    text: Annotated[str | None, typer.Option(help="What it is to say; empty: nothing is shown there.")] = None,
    speaker: Annotated[str | None, typer.Option(help="Who says it: a label, a name, or a new name.")] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="No speaker says it.")] = False,
    at_version: AtVersionOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Correct a segment of a transcript; what it said before stays in its versions."""
    if speaker is not None and nobody:
        raise typer.BadParameter("give either --speaker or --nobody")
    body: dict[str, Any] = expected(at_version)
    if text is not None:
        body["text"] = text
    if speaker is not None or nobody:
        body["speaker"] = speaker
    if not body.keys() - {"version"}:
        raise typer.BadParameter("give --text, --speaker or --nobody")
    with connected(server) as connection:
        answer = connection.read("PATCH", f"/api/items/{item_id}/transcript/segments/{segment}", json=body)
        print_edited(answer, as_json=as_json)
        if not as_json:
            print_segments(answer["segments"])
