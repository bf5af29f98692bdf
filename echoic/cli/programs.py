"""``echoic programs``: the programs that your account has connected in a browser."""

from typing import Annotated

import typer

from echoic.cli.connection import JsonOption, ServerOption, connected
from echoic.cli.output import LimitOption, OffsetOption, YesOption, confirm, print_json, print_rows, say_more

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Programs that act for your account, by OAuth.")

COLUMNS = ("id", "may", "connected", "last used", "ends", "leads to", "name")


@app.command("list")
def list_programs(
    limit: LimitOption = 100,
    offset: OffsetOption = 0,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the programs that your account has connected, that of the last use first."""
    with connected(server) as connection:
        page = connection.get("/api/connected-programs", limit=limit, offset=offset)
        if as_json:
            print_json(page)
            return
        rows = [
            (
                program["id"],
                ",".join(program["scopes"]),
                program["created_at"],
                program["last_used_at"],
                program["expires_at"],
                program["redirect_host"],
                program["name"],
            )
            for program in page["programs"]
        ]
        print_rows(COLUMNS, rows)
        say_more(page, len(rows))


@app.command()
def disconnect(
    program_id: Annotated[int, typer.Argument(help="As 'echoic programs list' shows it.", metavar="ID")],
    *,
    yes: YesOption = False,
    server: ServerOption = None,
) -> None:
    """Disconnect a program at once: none of its tokens works any longer."""
    with connected(server) as connection:
        confirm(f"Disconnect program {program_id}?", yes=yes)
        connection.ask("DELETE", f"/api/connected-programs/{program_id}")
