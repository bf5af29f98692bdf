"""``echoic demo``: the whole way by itself, on a real recording, with an installation of its own that is gone after."""

import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from echoic.cli.follow import follow, told
from echoic.cli.private_server import PrivateServer
from echoic.cli.start import EXIT_FAILED

EXAMPLE = Path(__file__).parents[2] / "examples" / "conversation.flac"
DATASET_ID = 1

console = Console(highlight=False)


def demo(
    recording: Annotated[
        Path, typer.Argument(help="A recording; the shipped conversation where none is given.")
    ] = EXAMPLE,
    query: Annotated[str, typer.Option(help="What to search for in its transcript.")] = "police",
) -> None:
    """Start a private Echoic, push a recording in, and print what comes out."""
    if not recording.is_file():
        typer.echo(f"echoic: there is no recording at {recording}", err=True)
        raise typer.Exit(EXIT_FAILED)
    with tempfile.TemporaryDirectory(prefix="echoic-demo-") as folder:
        data_dir = Path(folder)
        data_dir.chmod(0o711)
        with console.status("Starting the database, the API and a worker"):
            server = PrivateServer(data_dir)
        with server:
            _show(server.client, recording, query)


def _show(client: httpx.Client, recording: Path, query: str) -> None:
    started = time.monotonic()
    with recording.open("rb") as file:
        answer = client.post(f"/api/datasets/{DATASET_ID}/items", files={"audio": (recording.name, file)})
    answer.raise_for_status()
    item_id = answer.json()["item_id"]
    console.print(f"[bold]{answer.json()['message']}[/bold] (item {item_id})\n")
    for event in follow(client, item_id):
        line = told(event)
        if line is not None:
            console.print(f"  {line}")
    item = client.get(f"/api/items/{item_id}").raise_for_status().json()
    if item["status"] != "published":
        console.print(f"[red]The item ended as {item['status']}: {item['error']}[/red]")
        raise typer.Exit(EXIT_FAILED)
    seconds = time.monotonic() - started
    console.print(f"\nPublished {item['duration_seconds']:.0f} s of audio in {seconds:.1f} s\n")
    console.rule("Transcript")
    console.print(client.get(f"/api/items/{item_id}/transcript", params={"format": "txt"}).raise_for_status().text)
    console.rule("Entities")
    _print_entities(item["entities"])
    console.rule(f"Search: {query}")
    _print_hit(client.post("/api/search", json={"query": query}).raise_for_status().json())


def _print_entities(entities: list[dict[str, Any]]) -> None:
    table = Table("type", "name", "mentions", box=None)
    for entity in entities:
        table.add_row(entity["type"], entity["name"], str(entity["mentions"]))
    console.print(table if entities else "none found")
    console.print()


def _print_hit(answer: dict[str, Any]) -> None:
    if not answer["results"]:
        console.print("nothing found")
        return
    hit = answer["results"][0]
    console.print(f"{hit['timestamp']['start']:.1f} s: {hit['highlighted_text']}")
