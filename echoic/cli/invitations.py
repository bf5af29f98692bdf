"""``echoic invitations``: links by which others become members of a library."""

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
    remark,
    say,
    say_more,
)
from echoic.wording import counted

TOKEN_SIGN = "#invitation="  # noqa: S105 -- it stands before the token in a link

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Links by which others become members of a library.")


@app.command()
def create(
    library: SlugArgument,
    *,
    role: Annotated[Role, typer.Option(help=ROLES_HELP)] = "viewer",
    days: Annotated[int, typer.Option(help="The link ends after so many days.", min=1, max=365)] = 7,
    uses: Annotated[int, typer.Option(help="So many people may join by it.", min=1, max=1000)] = 1,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a link; it is printed this once. Those who open it sign in, or make an account, and are members."""
    with connected(server) as connection:
        wanted = {"role": role, "expires_in_days": days, "max_uses": uses}
        made = connection.read("POST", f"/api/libraries/{library}/invitations", json=wanted)
        if as_json:
            print_json(made)
            return
        say(made["url"])
        people = counted(made["max_uses"], "person", "people")
        remark(f"Invitation {made['id']}: {people} may join as {made['role']} until {made['expires_at']}.")


@app.command("list")
def list_invitations(
    library: SlugArgument,
    *,
    limit: LimitOption = 100,
    offset: OffsetOption = 0,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the invitations of a library that can still be used."""
    with connected(server) as connection:
        page = connection.get(f"/api/libraries/{library}/invitations", limit=limit, offset=offset)
        if as_json:
            print_json(page)
            return
        rows = [
            (each["id"], each["role"], f"{each['uses']} of {each['max_uses']}", each["created_at"], each["expires_at"])
            for each in page["invitations"]
        ]
        print_rows(("id", "role", "used", "made", "ends"), rows)
        say_more(page, len(rows))


@app.command()
def revoke(
    library: SlugArgument,
    invitation_id: Annotated[int, typer.Argument(help="As 'echoic invitations list' shows it.", metavar="ID")],
    *,
    yes: YesOption = False,
    server: ServerOption = None,
) -> None:
    """End an invitation at once; those who joined by it stay members."""
    with connected(server) as connection:
        confirm(f"End invitation {invitation_id} to {library}?", yes=yes)
        connection.ask("DELETE", f"/api/libraries/{library}/invitations/{invitation_id}")


@app.command()
def accept(
    link: Annotated[str, typer.Argument(help="The link, or the token at its end.")],
    *,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Become a member by a link that you were given, with the account that this command speaks for."""
    with connected(server) as connection:
        token = link.rpartition(TOKEN_SIGN)[2].strip()
        joined = connection.read("POST", "/api/invitations/accept", json={"token": token})
        if as_json:
            print_json(joined)
        else:
            print_facts({"library": joined["slug"], "name": joined["name"], "role": joined["role"]})
