"""``echoic items``: what was uploaded and where it stands."""

from typing import Annotated, Any, Literal

import typer

from echoic.cli.connection import JsonOption, ServerOption, connected
from echoic.cli.datasets import OwnDataset, own_dataset
from echoic.cli.output import clock, console, print_json, print_rows

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Uploaded recordings and where they stand.")

ItemId = Annotated[int, typer.Argument(help="The item's id.", metavar="ID")]
Status = Literal["stored", "queued", "processing", "published", "failed", "cancelled"]
COLUMNS = ("id", "status", "length", "created", "title")


@app.command("list")
def list_items(
    *,
    dataset: OwnDataset = None,
    status: Annotated[Status | None, typer.Option(help="Only items in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List a dataset's items, the newest first."""
    with connected(server) as connection:
        number = own_dataset(connection) if dataset is None else dataset
        page = connection.get(f"/api/datasets/{number}/items", status=status, limit=limit, offset=offset)
        if as_json:
            print_json(page)
            return
        print_rows(
            COLUMNS,
            [
                (item["id"], item["status"], clock(item["duration_seconds"]), item["created_at"][:16], item["title"])
                for item in page["items"]
            ],
        )


@app.command()
def show(item_id: ItemId, server: ServerOption = None, as_json: JsonOption = False) -> None:
    """Show an item: its state, what went wrong, what was found in it."""
    with connected(server) as connection:
        _print(connection.get(f"/api/items/{item_id}"), as_json=as_json)


@app.command()
def cancel(item_id: ItemId, server: ServerOption = None, as_json: JsonOption = False) -> None:
    """End the work on an item."""
    with connected(server) as connection:
        _print(connection.ask("POST", f"/api/items/{item_id}/cancel").json(), as_json=as_json)


@app.command()
def transcribe(item_id: ItemId, server: ServerOption = None, as_json: JsonOption = False) -> None:
    """Start the work on a stored item, or take it up again where it failed or was cancelled."""
    with connected(server) as connection:
        _print(connection.ask("POST", f"/api/items/{item_id}/transcribe").json(), as_json=as_json)


@app.command()
def delete(
    item_id: ItemId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    server: ServerOption = None,
) -> None:
    """Remove an item for good, with its recording and its transcript."""
    with connected(server) as connection:
        if not yes:
            typer.confirm(f"Remove item {item_id} for good?", abort=True)
        connection.ask("DELETE", f"/api/items/{item_id}")


def _print(item: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(item)
        return
    facts = {
        "id": item["id"],
        "title": item["title"],
        "status": item["status"],
        "stage": item["stage"],
        "error": item["error"] and f"{item['error']['stage']}: {item['error']['message']} ({item['error']['code']})",
        "length": clock(item["duration_seconds"]),
        "language": item["language"],
        "dataset": item["dataset_id"],
        "created": item["created_at"],
        "published": item["published_at"],
    }
    for name, value in facts.items():
        if value not in (None, ""):
            console.print(f"{name:<10}{value}", markup=False)
    for notice in item["notices"]:
        console.print(f"{'notice':<10}{notice['message']} ({notice['code']})", markup=False)
    for entity in item["entities"]:
        console.print(f"{entity['type']:<13} {entity['mentions']:>4}  {entity['name']}", markup=False)
