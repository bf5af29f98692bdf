"""``echoic libraries``: what holds datasets, and may be shared."""

from typing import Annotated, Literal

import typer

from echoic.cli.connection import Answer, JsonOption, ServerOption, connected
from echoic.cli.output import YesOption, confirm, print_facts, print_json, print_rows, remark
from echoic.wording import counted

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Libraries, which hold datasets.")

SlugArgument = Annotated[str, typer.Argument(help="The library's slug.", metavar="LIBRARY")]
Role = Literal["owner", "editor", "viewer"]
ROLES_HELP = "viewer: reads; editor: changes what is in it; owner: everything."
Text = Annotated[str | None, typer.Option(help="What is in it; empty: none.")]
Visibility = Annotated[
    Literal["private", "public"] | None, typer.Option(help="public: everybody with a key may read what is published.")
]
COLUMNS = ("slug", "datasets", "members", "yours", "name")
HELD = (
    "slug",
    "name",
    "description",
    "curator",
    "visibility",
    "role",
    "subscriber_count",
    "episode_count",
    "created_at",
)


@app.command("list")
def list_libraries(
    *,
    public: Annotated[bool, typer.Option("--public", help="All public ones, in place of your own.")] = False,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the libraries you are a member of."""
    with connected(server) as connection:
        found = connection.get("/api/libraries", mine=str(not public).lower())
        if as_json:
            print_json(found)
            return
        print_rows(
            COLUMNS,
            [
                (
                    each["slug"],
                    each["dataset_count"],
                    each["subscriber_count"],
                    "*" if each["is_subscribed"] else "",
                    each["name"],
                )
                for each in found["libraries"]
            ],
        )


@app.command()
def show(library: SlugArgument, server: ServerOption = None, as_json: JsonOption = False) -> None:
    """Show a library with its datasets."""
    with connected(server) as connection:
        _print(connection.get(f"/api/libraries/{library}"), as_json=as_json)


@app.command()
def create(
    library: Annotated[str, typer.Argument(help="Its name in URLs, as team-calls; it stays.", metavar="SLUG")],
    name: Annotated[str, typer.Argument(help="What people read.")],
    *,
    description: Text = None,
    visibility: Visibility = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a library; you own it."""
    body = _wanted(slug=library, name=name, description=description, visibility=visibility)
    with connected(server) as connection:
        _print(connection.read("POST", "/api/libraries", json=body), as_json=as_json)


@app.command()
def change(
    library: SlugArgument,
    *,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    description: Text = None,
    visibility: Visibility = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rename, describe, publish or hide a library."""
    body = _wanted(name=name, description=description, visibility=visibility)
    if not body:
        raise typer.BadParameter("give --name, --description or --visibility")
    with connected(server) as connection:
        _print(connection.read("PATCH", f"/api/libraries/{library}", json=body), as_json=as_json)


@app.command()
def delete(library: SlugArgument, yes: YesOption = False, server: ServerOption = None) -> None:
    """Remove a library with all its datasets and items for good; says how many, and asks."""
    with connected(server) as connection:
        found = connection.get(f"/api/libraries/{library}")
        items = sum(dataset["item_count"] for dataset in found["datasets"])
        datasets = counted(len(found["datasets"]), "dataset")
        what = f"library {library}, '{found['name']}', with {datasets} and {counted(items, 'item')}"
        confirm(f"Remove {what} for good?", yes=yes)
        connection.ask("DELETE", f"/api/libraries/{library}", params={"force": "true"})
        remark(f"removed {what}")


@app.command()
def join(library: SlugArgument, server: ServerOption = None, as_json: JsonOption = False) -> None:
    """Subscribe to a public library; you see of it what everybody sees."""
    with connected(server) as connection:
        _print(connection.read("POST", f"/api/libraries/{library}/subscribe"), as_json=as_json)


@app.command()
def leave(library: SlugArgument, yes: YesOption = False, server: ServerOption = None) -> None:
    """End your subscription or your membership; you have no access to a private library after that."""
    with connected(server) as connection:
        confirm(f"Leave library {library}?", yes=yes)
        connection.ask("DELETE", f"/api/libraries/{library}/subscribe")


def _wanted(**given: str | None) -> dict[str, str | None]:
    """Return the given settings as the API has them; an empty description stands for none."""
    wanted = {name: value for name, value in given.items() if value is not None}
    return wanted | ({"description": wanted["description"] or None} if "description" in wanted else {})


def _print(library: Answer, *, as_json: bool) -> None:
    if as_json:
        print_json(library)
        return
    print_facts({name: library[name] for name in HELD})
    print_rows(
        ("dataset", "items", "name"),
        [(each["id"], each["item_count"], each["name"]) for each in library["datasets"]],
    )
