"""``echoic keys``: the account's API keys."""

from typing import Annotated, Any

import typer

from echoic.cli.connection import JsonOption, ServerOption, connected
from echoic.cli.output import notes, print_json, print_rows

app = typer.Typer(no_args_is_help=True, add_completion=False, help="API keys of your account.")

COLUMNS = ("id", "prefix", "scopes", "last used", "expires", "this one", "name")


@app.command("list")
def list_keys(
    limit: Annotated[int, typer.Option(min=1, max=100)] = 100,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the keys of your account; a key itself is shown only when it is made."""
    with connected(server) as connection:
        page = connection.get("/api/keys", limit=limit, offset=offset)
        if as_json:
            print_json(page)
            return
        print_rows(
            COLUMNS,
            [
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
            ],
        )


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
        made = connection.ask("POST", "/api/keys", json=body).json()
        if as_json:
            print_json(made)
            return
        notes.print(f"Key {made['id']} with the scopes {', '.join(made['scopes'])}; it is not shown again:")
        typer.echo(made["key"])


@app.command()
def revoke(
    key_id: Annotated[int, typer.Argument(help="The key's id.", metavar="ID")], server: ServerOption = None
) -> None:
    """End a key at once."""
    with connected(server) as connection:
        connection.ask("DELETE", f"/api/keys/{key_id}")
