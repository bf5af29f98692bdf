"""``echoic speakers``: who speaks, and whose voice is known."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from echoic.cli.connection import Connection, JsonOption, ServerOption, connected
from echoic.cli.datasets import own_library
from echoic.cli.output import LimitOption, OffsetOption, YesOption, confirm, print_json, print_rows, say_more

app = typer.Typer(no_args_is_help=True, add_completion=False, help="People whose voices are known.")

ItemId = Annotated[int, typer.Argument(help="The item's id.", metavar="ITEM")]
Label = Annotated[str, typer.Argument(help="As in the transcript: SPEAKER_00.", metavar="LABEL")]
SpeakerId = Annotated[int, typer.Argument(help="The speaker's id.", metavar="ID")]
LibraryOption = Annotated[
    str | None, typer.Option("--library", help="The library's slug; default: the one your uploads go to.")
]


@app.command("list")
def list_speakers(
    *,
    library: LibraryOption = None,
    limit: LimitOption = 100,
    offset: OffsetOption = 0,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the people a library knows."""
    with connected(server) as connection:
        page = connection.get(_speakers(connection, library), limit=limit, offset=offset)
        if as_json:
            print_json(page)
            return
        rows = [(each["id"], each["appearances"], each["voiceprints"], each["name"]) for each in page["speakers"]]
        print_rows(("id", "appearances", "voiceprints", "name"), rows)
        say_more(page, len(rows))


@app.command("in")
def in_item(item_id: ItemId, server: ServerOption = None, as_json: JsonOption = False) -> None:
    """Show who speaks in an item, and names that were said."""
    with connected(server) as connection:
        _print(connection.get(f"/api/items/{item_id}/speakers"), as_json=as_json)


@app.command()
def name(
    item_id: ItemId,
    label: Label,
    name: Annotated[str, typer.Argument(help="Who it is.")],
    *,
    learn: Annotated[bool, typer.Option(help="Recognize them by this voice from now on.")] = True,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who speaks under a label of an item."""
    with connected(server) as connection:
        body = {"name": name, "learn": learn}
        _print(connection.read("POST", _label(item_id, label), json=body), as_json=as_json)


@app.command()
def unname(item_id: ItemId, label: Label, server: ServerOption = None, as_json: JsonOption = False) -> None:
    """Say that the name of a label is wrong."""
    with connected(server) as connection:
        _print(connection.read("DELETE", _label(item_id, label)), as_json=as_json)


@app.command()
def merge(
    item_id: ItemId,
    label: Label,
    into: Annotated[str, typer.Argument(help="The label, or the name, that all of it goes to.", metavar="INTO")],
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that two labels of an item are one person."""
    with connected(server) as connection:
        path = f"{_label(item_id, label)}/merge"
        _print(connection.read("POST", path, json={"into": into}), as_json=as_json)


@app.command()
def split(
    item_id: ItemId,
    label: Label,
    segments: Annotated[list[int], typer.Argument(help="Numbers: see echoic segments.", metavar="SEGMENT...")],
    *,
    name: Annotated[str | None, typer.Option(help="Who says them.")] = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that some segments of a label are somebody else's; they get a label of their own."""
    with connected(server) as connection:
        body = {"segments": segments} | ({} if name is None else {"name": name})
        path = f"{_label(item_id, label)}/split"
        _print(connection.read("POST", path, json=body), as_json=as_json)


@app.command()
def rename(
    speaker_id: SpeakerId,
    name: Annotated[str, typer.Argument(help="The new name.")],
    library: LibraryOption = None,
    server: ServerOption = None,
) -> None:
    """Give somebody another name, everywhere."""
    with connected(server) as connection:
        connection.ask("PATCH", f"{_speakers(connection, library)}/{speaker_id}", json={"name": name})


@app.command()
def forget(
    speaker_id: SpeakerId, *, library: LibraryOption = None, yes: YesOption = False, server: ServerOption = None
) -> None:
    """Forget a voice, and keep the name where somebody gave it."""
    with connected(server) as connection:
        confirm(f"Forget the voice of speaker {speaker_id}?", yes=yes)
        connection.ask("DELETE", f"{_speakers(connection, library)}/{speaker_id}/voiceprints")


@app.command()
def delete(
    speaker_id: SpeakerId, *, library: LibraryOption = None, yes: YesOption = False, server: ServerOption = None
) -> None:
    """Forget somebody: voice, name, and where they speak."""
    with connected(server) as connection:
        confirm(f"Forget speaker {speaker_id} for good?", yes=yes)
        connection.ask("DELETE", f"{_speakers(connection, library)}/{speaker_id}")


def _label(item_id: int, label: str) -> str:
    return f"/api/items/{item_id}/speakers/{quote(label, safe='')}"


def _speakers(connection: Connection, library: str | None) -> str:
    return f"/api/libraries/{own_library(connection) if library is None else library}/speakers"


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    print_rows(
        ("label", "name", "how", "confidence", "perhaps"),
        [
            (
                each["label"],
                each["name"],
                each["how"],
                each["confidence"],
                ", ".join(suggestion["name"] for suggestion in each["suggestions"]),
            )
            for each in found["speakers"]
        ],
    )
