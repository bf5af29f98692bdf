"""``echoic shares``: links by which people without an account read and hear parts of recordings."""

from typing import Annotated, Any

import typer

from echoic.cli.connection import Answer, JsonOption, ServerOption, connected
from echoic.cli.output import LimitOption, OffsetOption, notes, print_json, print_rows, say, say_more

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Links that show recordings, or parts of them.")

PAGE = 100
COLUMNS = ("id", "shows", "state", "password", "expires", "link")


@app.command("list")
def list_shares(
    item_id: Annotated[int | None, typer.Option("--item", help="Only links that show this item.")] = None,
    limit: LimitOption = PAGE,
    offset: OffsetOption = 0,
    *,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the links of your account, the newest first."""
    with connected(server) as connection:
        narrowed = {} if item_id is None else {"item_id": item_id}
        page = connection.get("/api/shares", limit=limit, offset=offset, **narrowed)
        if as_json:
            print_json(page)
            return
        rows = [
            (
                share["id"],
                _shows(share),
                share["state"],
                "*" if share["has_password"] else "",
                share["expires_at"],
                share["url"],
            )
            for share in page["shares"]
        ]
        print_rows(COLUMNS, rows)
        say_more(page, len(rows))


@app.command()
def create(
    item_id: Annotated[int, typer.Argument(help="The item's id.", metavar="ITEM")],
    *,
    start: Annotated[float | None, typer.Option(help="Second at which the span begins.")] = None,
    end: Annotated[float | None, typer.Option(help="Second at which it ends.")] = None,
    days: Annotated[int, typer.Option(help="Days for which the link works; 0: until it is revoked.", min=0)] = 30,
    title: Annotated[str | None, typer.Option(help="Shown instead of the recording's title.")] = None,
    password: Annotated[bool, typer.Option("--password", help="Ask for a password for the link.")] = False,
    audio: Annotated[bool, typer.Option(help="Let the sound be heard.")] = True,
    names: Annotated[bool, typer.Option(help="Show the names of speakers.")] = True,
    embed: Annotated[list[str] | None, typer.Option(help="Origin whose pages may show the player; repeatable.")] = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a link to a recording, or to a span of it, and print it."""
    body: dict[str, Any] = {
        "item_id": item_id,
        "expires_in_days": days or None,
        "audio": audio,
        "names": names,
        "embed_origins": embed or [],
    }
    body |= {name: value for name, value in {"start": start, "end": end, "title": title}.items() if value is not None}
    if password:
        body["password"] = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    with connected(server) as connection:
        made = connection.read("POST", "/api/shares", json=body)
        if as_json:
            print_json(made)
            return
        until = "until it is revoked" if made["expires_at"] is None else f"until {made['expires_at']}"
        notes.print(f"Link {made['id']} shows {_shows(made)}, {until}:")
        say(made["url"])


@app.command()
def revoke(
    share_id: Annotated[int, typer.Argument(help="The link's id.", metavar="ID")],
    *,
    server: ServerOption = None,
) -> None:
    """End a link at once and for good."""
    with connected(server) as connection:
        connection.ask("DELETE", f"/api/shares/{share_id}")


def _shows(share: Answer) -> str:
    if share["kind"] == "search":
        return f"{len(share['moments'])} found for {share['query']!r}"
    (moment,) = share["moments"] or [None]
    if moment is None:
        return "nothing any more"
    if share["kind"] == "item":
        return f"item {moment['item_id']}"
    return f"item {moment['item_id']} from {moment['start']:g} to {moment['end']:g} s"
