"""``echoic restore``: a transcript as it was in an earlier version."""

from typing import Annotated

import typer

from echoic.cli.connection import JsonOption, ServerOption, connected
from echoic.cli.edited import AtVersionOption, expected, print_edited
from echoic.cli.segments import ItemId


def restore(
    item_id: ItemId,
    number: Annotated[int, typer.Argument(min=0, help="0 is what the engines made.", metavar="VERSION")],
    *,
    at_version: AtVersionOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go back to an earlier version of a transcript; that is a new version, and can be undone, too."""
    with connected(server) as connection:
        path = f"/api/items/{item_id}/transcript/versions/{number}/restore"
        print_edited(connection.read("POST", path, json=expected(at_version)), as_json=as_json)
