"""``echoic keys``: the account's API keys."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from echoic.cli.connection import Answer, Connection, JsonOption, ServerOption, connected
from echoic.cli.output import (
    LimitOption,
    OffsetOption,
    YesOption,
    confirm,
    notes,
    print_json,
    print_rows,
    say,
    say_more,
)

app = typer.Typer(no_args_is_help=True, add_completion=False, help="API keys of your account.")

PAGE = 100
COLUMNS = ("id", "prefix", "scopes", "last used", "expires", "this one", "name")


@app.command("list")
def list_keys(
    limit: LimitOption = PAGE,
    offset: OffsetOption = 0,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the keys of your account; a key itself is shown only when it is made."""
    with connected(server) as connection:
        page = connection.get("/api/keys", limit=limit, offset=offset)
        if as_json:
            print_json(page)
            return
        rows = [
            (
                key["id"],
                key["prefix"],
                ",".join(key["scopes"]),
                key["last_used_at"],
                key["expires_at"],
                "*" if key["is_current"] else "",
                key["name"],
            )
            for key in page["keys"]
        ]
        print_rows(COLUMNS, rows)
        say_more(page, len(rows))


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[list[str] | None, typer.Option(help="read, upload or manage; may be repeated.")] = None,
    expires_at: Annotated[str | None, typer.Option(help="When it ends, as 2027-01-31T12:00:00Z.")] = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key; it is printed this once."""
    with connected(server) as connection:
        body: dict[str, Any] = {"name": name}
        body |= {key: value for key, value in {"scopes": scope, "expires_at": expires_at}.items() if value}
        made = connection.read("POST", "/api/keys", json=body)
        if as_json:
            print_json(made)
            return
        notes.print(f"Key {made['id']} with the scopes {', '.join(made['scopes'])}; it is not shown again:")
        say(made["key"])


@app.command()
def revoke(
    key_id: Annotated[int, typer.Argument(help="The key's id.", metavar="ID")],
    *,
    yes: YesOption = False,
    server: ServerOption = None,
) -> None:
    """End a key at once; asks where it is the key of this command itself."""
    with connected(server) as connection:
        own = next((key for key in _all(connection) if key["is_current"]), None)
        if own is not None and own["id"] == key_id:
            confirm(
                f"Key {key_id}, '{own['name']}', is the one that this command uses: without another one you are locked "
                "out. Revoke it?",
                yes=yes,
            )
        connection.ask("DELETE", f"/api/keys/{key_id}")


def _all(connection: Connection) -> Iterator[Answer]:
    offset = 0
    while keys := connection.get("/api/keys", limit=PAGE, offset=offset)["keys"]:
        yield from keys
        offset += len(keys)
