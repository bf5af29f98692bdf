"""``echoic items``: what was uploaded and where it stands."""

from typing import Annotated, Any, Literal

import typer

from echoic.cli.connection import JsonOption, ServerOption, connected
from echoic.cli.dataset_settings import LIKELY, listed
from echoic.cli.datasets import OwnDataset, own_dataset
from echoic.cli.output import (
    LimitOption,
    OffsetOption,
    YesOption,
    clock,
    confirm,
    console,
    print_facts,
    print_json,
    print_rows,
    say_more,
)
from echoic.cli.stages import words_for
from echoic.cli.waiting import print_transcript, until_published
from echoic.records import Tier

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Uploaded recordings and where they stand.")

ItemId = Annotated[int, typer.Argument(help="The item's id.", metavar="ID")]
Status = Literal["stored", "queued", "processing", "published", "failed", "cancelled"]
COLUMNS = ("id", "status", "length", "created", "title")


@app.command("list")
def list_items(
    *,
    dataset: OwnDataset = None,
    status: Annotated[
        Status | None, typer.Option(help="Only items in this state; 'stored': only those on hold.")
    ] = None,
    limit: LimitOption = 20,
    offset: OffsetOption = 0,
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
        rows = [
            (item["id"], _status(item), clock(item["duration_seconds"]), item["created_at"][:16], item["title"])
            for item in page["items"]
        ]
        print_rows(COLUMNS, rows)
        say_more(page, len(rows))


@app.command()
def show(item_id: ItemId, server: ServerOption = None, as_json: JsonOption = False) -> None:
    """Show an item: its state, what went wrong, what was found in it."""
    with connected(server) as connection:
        _print(connection.get(f"/api/items/{item_id}"), as_json=as_json)


@app.command()
def cancel(item_id: ItemId, server: ServerOption = None, as_json: JsonOption = False) -> None:
    """End the work on an item."""
    with connected(server) as connection:
        _print(connection.read("POST", f"/api/items/{item_id}/cancel"), as_json=as_json)


@app.command()
def change(
    item_id: ItemId,
    *,
    title: Annotated[str | None, typer.Option(help="Its new title.")] = None,
    description: Annotated[str | None, typer.Option(help="Its new description; empty: none.")] = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give an item another title or description."""
    body = {} if title is None else {"title": title}
    body |= {} if description is None else {"description": description}
    if not body:
        raise typer.BadParameter("give --title or --description")
    with connected(server) as connection:
        _print(connection.read("PATCH", f"/api/items/{item_id}", json=body), as_json=as_json)


@app.command()
def transcribe(
    item_id: ItemId,
    *,
    again: Annotated[bool, typer.Option("--again", help="Also an item that is published already.")] = False,
    language: Annotated[str | None, typer.Option(help="The language spoken, as its ISO 639 code.")] = None,
    languages: Annotated[list[str] | None, typer.Option(help=LIKELY)] = None,
    tier: Annotated[
        Tier | None, typer.Option(help="careful: everything is read twice, in three times the time.")
    ] = None,
    engine: Annotated[str | None, typer.Option(help="The engine that transcribes, of those offered.")] = None,
    model: Annotated[str | None, typer.Option(help="The model that transcribes, of those offered.")] = None,
    num_speakers: Annotated[int | None, typer.Option(min=1, help="How many people speak, where that is known.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the work and print the transcript.")] = False,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start the work on a stored item, or take it up again where it failed or was cancelled."""
    given = {
        "again": again or None,
        "language": language,
        "languages": listed(languages or ()) or None,
        "tier": tier,
        "engine": engine,
        "model": model,
        "num_speakers": num_speakers,
    }
    body = {name: value for name, value in given.items() if value is not None}
    with connected(server) as connection:
        item = connection.read("POST", f"/api/items/{item_id}/transcribe", json=body)
        if not wait:
            _print(item, as_json=as_json)
            return
        ended = until_published(connection, item_id)
        if as_json:
            print_json(ended)
        else:
            print_transcript(connection, item_id)


@app.command()
def delete(item_id: ItemId, yes: YesOption = False, server: ServerOption = None) -> None:
    """Remove an item for good, with its recording and its transcript."""
    with connected(server) as connection:
        if not yes:
            confirm(f"Remove item {item_id}, '{connection.get(f'/api/items/{item_id}')['title']}', for good?", yes=yes)
        connection.ask("DELETE", f"/api/items/{item_id}")


def _print(item: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(item)
        return
    facts = {
        "id": item["id"],
        "title": item["title"],
        "description": item["description"],
        "status": _status(item),
        "now": item["stage"] and words_for(item["stage"]),
        "error": item["error"] and f"{item['error']['message']} ({item['error']['code']})",
        "length": clock(item["duration_seconds"]),
        "language": item["language"],
        "dataset": item["dataset_id"],
        "created": item["created_at"],
        "published": item["published_at"],
    }
    print_facts(facts)
    for notice in item["notices"]:
        console.print(f"{'notice':<13}{notice['message']} ({notice['code']})", markup=False)
    for entity in item["entities"]:
        console.print(f"{entity['type']:<13} {entity['mentions']:>4}  {entity['name']}", markup=False)


def _status(item: dict[str, Any]) -> str:
    return f"{item['status']}, on hold" if item["on_hold"] else str(item["status"])
