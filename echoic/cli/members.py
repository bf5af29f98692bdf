"""``echoic members``: who belongs to a library, and as what."""

from typing import Annotated

import typer

from echoic.cli.connection import JsonOption, ServerOption, connected
from echoic.cli.libraries import ROLES_HELP, Role, SlugArgument
from echoic.cli.output import (
    LimitOption,
    OffsetOption,
    YesOption,
    confirm,
    print_facts,
    print_json,
    print_rows,
    say_more,
)

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Members of a library and their roles.")

AccountId = Annotated[int, typer.Argument(help="The account's id: see echoic status.", metavar="ACCOUNT")]


@app.command("list")
def list_members(
    library: SlugArgument,
    *,
    limit: LimitOption = 100,
    offset: OffsetOption = 0,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the members of a library."""
    with connected(server) as connection:
        page = connection.get(f"/api/libraries/{library}/members", limit=limit, offset=offset)
        if as_json:
            print_json(page)
            return
        rows = [(each["account_id"], each["role"], each["created_at"][:10], each["name"]) for each in page["members"]]
        print_rows(("account", "role", "since", "name"), rows)
        say_more(page, len(rows))


@app.command("set")
def set_role(
    library: SlugArgument,
    account_id: AccountId,
    role: Annotated[Role, typer.Argument(help=ROLES_HELP)],
    *,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an account a member, or give a member another role."""
    with connected(server) as connection:
        member = connection.read("PUT", f"/api/libraries/{library}/members/{account_id}", json={"role": role})
        if as_json:
            print_json(member)
        else:
            print_facts({name: member[name] for name in ("account_id", "name", "role")})


@app.command()
def remove(
    library: SlugArgument, account_id: AccountId, *, yes: YesOption = False, server: ServerOption = None
) -> None:
    """End somebody's membership."""
    with connected(server) as connection:
        confirm(f"End the membership of account {account_id} in {library}?", yes=yes)
        connection.ask("DELETE", f"/api/libraries/{library}/members/{account_id}")
