"""``echoic datasets``: where uploads go."""

from typing import Annotated, Any

import typer

from echoic.cli.connection import CommandFailed, Connection, ExitCode, JsonOption, ServerOption, connected
from echoic.cli.output import console, print_json, print_rows

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Datasets, which uploads go to.")

OwnDataset = Annotated[
    int | None, typer.Option("--dataset", help="The dataset's id; default: the oldest you may upload to.")
]
DatasetId = Annotated[int, typer.Argument(help="The dataset's id.", metavar="ID")]
COLUMNS = ("id", "library", "items", "role", "name")


@app.command("list")
def list_datasets(
    library: Annotated[str | None, typer.Option(help="Only those of the library with this slug.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 100,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the datasets you may see."""
    with connected(server) as connection:
        page = connection.get("/api/datasets", library=library, limit=limit, offset=offset)
        if as_json:
            print_json(page)
            return
        print_rows(
            COLUMNS,
            [
                (each["id"], each["library"], each["item_count"], each["role"], each["name"])
                for each in page["datasets"]
            ],
        )


@app.command()
def show(dataset_id: DatasetId, server: ServerOption = None, as_json: JsonOption = False) -> None:
    """Show a dataset and its settings."""
    with connected(server) as connection:
        _print(connection.get(f"/api/datasets/{dataset_id}"), as_json=as_json)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Its name.")],
    *,
    library: Annotated[str | None, typer.Option(help="Slug of its library; default: your first one.")] = None,
    language: Annotated[str | None, typer.Option(help="The language spoken, as its ISO 639 code.")] = None,
    auto_transcribe: Annotated[bool, typer.Option(help="Transcribe what comes in.")] = True,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a dataset."""
    with connected(server) as connection:
        body: dict[str, Any] = {"name": name, "auto_transcribe": auto_transcribe}
        body |= {key: value for key, value in {"library": library, "language": language}.items() if value is not None}
        _print(connection.ask("POST", "/api/datasets", json=body).json(), as_json=as_json)


@app.command()
def delete(
    dataset_id: DatasetId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    server: ServerOption = None,
) -> None:
    """Remove a dataset and all its items for good."""
    with connected(server) as connection:
        if not yes:
            typer.confirm(f"Remove dataset {dataset_id} and all its items for good?", abort=True)
        connection.ask("DELETE", f"/api/datasets/{dataset_id}")


def own_dataset(connection: Connection) -> int:
    """The id of the oldest dataset that this key's account may upload to. Raises CommandFailed where there is none."""
    return int(_own(connection)["id"])


def own_library(connection: Connection) -> str:
    """The slug of that dataset's library. Raises CommandFailed where there is none."""
    return str(_own(connection)["library"])


def _own(connection: Connection) -> dict[str, Any]:
    datasets: list[dict[str, Any]] = connection.get("/api/datasets", limit=100)["datasets"]
    for dataset in datasets:
        if dataset["role"] in ("owner", "editor") and dataset["content_type"] == "uploads":
            return dataset
    raise CommandFailed(
        ExitCode.NOT_FOUND, "There is no dataset you may upload to; make one with 'echoic datasets create'."
    )


def _print(dataset: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(dataset)
        return
    for name, value in dataset.items():
        if value is not None:
            shown = ", ".join(value) if isinstance(value, list) else value
            console.print(f"{name:<17} {shown}", markup=False)
