"""``echoic datasets``: where uploads go, and what is done with them."""

from collections.abc import Iterator
from typing import Annotated

import typer

from echoic.cli.connection import Answer, CommandFailed, Connection, ExitCode, JsonOption, ServerOption, connected
from echoic.cli.dataset_settings import Settings, takes_settings
from echoic.cli.output import (
    LimitOption,
    OffsetOption,
    YesOption,
    confirm,
    print_facts,
    print_json,
    print_rows,
    remark,
    say_more,
)
from echoic.wording import counted

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Datasets, which uploads go to.")

OwnDataset = Annotated[
    int | None, typer.Option("--dataset", help="The dataset's id; default: the oldest you may upload to.")
]
DatasetId = Annotated[int, typer.Argument(help="The dataset's id.", metavar="ID")]
COLUMNS = ("id", "library", "items", "role", "name")
PAGE = 100


@app.command("list")
def list_datasets(
    library: Annotated[str | None, typer.Option(help="Only those of the library with this slug.")] = None,
    limit: LimitOption = PAGE,
    offset: OffsetOption = 0,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the datasets you may see."""
    with connected(server) as connection:
        page = connection.get("/api/datasets", library=library, limit=limit, offset=offset)
        if as_json:
            print_json(page)
            return
        rows = [
            (each["id"], each["library"], each["item_count"], each["role"], each["name"]) for each in page["datasets"]
        ]
        print_rows(COLUMNS, rows)
        say_more(page, len(rows))


@app.command()
def show(dataset_id: DatasetId, server: ServerOption = None, as_json: JsonOption = False) -> None:
    """Show a dataset and its settings."""
    with connected(server) as connection:
        _print(connection.get(f"/api/datasets/{dataset_id}"), as_json=as_json)


@app.command()
@takes_settings
def create(
    name: Annotated[str, typer.Argument(help="Its name.")],
    *,
    library: Annotated[str | None, typer.Option(help="Slug of its library; default: your first one.")] = None,
    settings: Settings,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a dataset."""
    wanted = {"name": name, **({} if library is None else {"library": library}), **settings}
    with connected(server) as connection:
        _print(connection.read("POST", "/api/datasets", json=wanted), as_json=as_json)


@app.command()
@takes_settings
def change(
    dataset_id: DatasetId,
    *,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    settings: Settings,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a dataset's settings; what is left out stays. Its items stay as they are."""
    wanted = {**({} if name is None else {"name": name}), **settings}
    if not wanted:
        raise typer.BadParameter("say what is to be different, as --name or --allowed-formats")
    with connected(server) as connection:
        _print(connection.read("PATCH", f"/api/datasets/{dataset_id}", json=wanted), as_json=as_json)


@app.command()
def delete(dataset_id: DatasetId, yes: YesOption = False, server: ServerOption = None) -> None:
    """Remove a dataset and all its items for good; says how many, and asks."""
    with connected(server) as connection:
        found = connection.get(f"/api/datasets/{dataset_id}")
        what = f"dataset {dataset_id}, '{found['name']}', with {counted(found['item_count'], 'item')}"
        confirm(f"Remove {what} for good?", yes=yes)
        connection.ask("DELETE", f"/api/datasets/{dataset_id}")
        remark(f"removed {what}")


def own_dataset(connection: Connection) -> int:
    """The id of the oldest dataset that this key's account may upload to. Raises CommandFailed where there is none."""
    return int(_own(connection)["id"])


def own_library(connection: Connection) -> str:
    """Return the slug of that dataset's library. Raises CommandFailed where there is none."""
    return str(_own(connection)["library"])


def _own(connection: Connection) -> Answer:
    for dataset in _all(connection):
        if dataset["role"] in ("owner", "editor") and dataset["content_type"] == "uploads":
            return dataset
    raise CommandFailed(
        ExitCode.NOT_FOUND, "There is no dataset you may upload to; make one with 'echoic datasets create'."
    )


def _all(connection: Connection) -> Iterator[Answer]:
    """Every dataset that may be seen: one's own may stand behind hundreds of public ones."""
    offset = 0
    while datasets := connection.get("/api/datasets", limit=PAGE, offset=offset)["datasets"]:
        yield from datasets
        offset += len(datasets)


def _print(dataset: Answer, *, as_json: bool) -> None:
    if as_json:
        print_json(dataset)
        return
    made = [f"{each['find']} → {each['replace']}" for each in dataset["replacements"] or ()]
    hidden = dataset["redaction"] or {}
    redacted = [*hidden.get("kinds", ()), *(hidden.get("words") or ())]
    print_facts(
        {**dataset, "replacements": made, "redaction": redacted, "original_roles": hidden.get("original_roles", [])}
    )
