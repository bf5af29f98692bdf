"""``echoic demo``: the whole way by itself, on a real recording, with an installation of its own that is gone after."""

import subprocess
import tempfile
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from echoic.cli.connection import Answer, CommandFailed, ExitCode, parsed, require_success
from echoic.cli.failures import reason
from echoic.cli.follow import follow, told
from echoic.cli.search import marked
from echoic.cli.waiting import not_published
from echoic.errors import StartupFailed
from echoic.testing.private_server import PrivateServer

EXAMPLE = Path("examples", "conversation.flac")
"""Below the package where a wheel was installed, beside the package in a checkout."""
DATASET_ID = 1

console = Console(highlight=False, markup=False)


def demo(
    recording: Annotated[
        Path | None, typer.Argument(help="A recording; the shipped conversation where none is given.")
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="What to search for; where it is not given, a word of the transcript.")
    ] = None,
) -> None:
    """Start a private Echoic, push a recording in, and print what comes out."""
    with _told_in_a_sentence():
        path = _readable(recording or shipped_recording())
        # PostgreSQL may run as another account, which has to pass through the folder.
        with tempfile.TemporaryDirectory(prefix="echoic-demo-", ignore_cleanup_errors=True) as folder:
            data_dir = Path(folder)
            data_dir.chmod(0o711)
            with console.status("Starting the database, the API and a worker"):
                # From its own folder, so that no .env of another installation is read.
                server = PrivateServer(data_dir, work_dir=folder)
            with server:
                _show(server.client, path, query)


def shipped_recording() -> Path:
    """Return the recording that comes with Echoic. Raises CommandFailed where it is gone."""
    package = Path(str(resources.files("echoic")))
    for place in (package, package.parent):
        if (place / EXAMPLE).is_file():
            return place / EXAMPLE
    raise CommandFailed(ExitCode.REFUSED, "The shipped recording is missing; give a recording of yours.")


def telling_word(words: list[str]) -> str | None:
    """Return the longest word, which is the likeliest to mean something; the first of several. None without words."""
    bare = (_bare(word) for word in words)
    return max((word for word in bare if word), key=len, default=None)


def _bare(word: str) -> str:
    """Return the longest stretch of letters, digits and their marks: other characters have a meaning in a query."""
    spaced = "".join(each if unicodedata.category(each)[0] in "LMN" else " " for each in word)
    return max(spaced.split(), key=len, default="")


@contextmanager
def _told_in_a_sentence() -> Iterator[None]:
    """Turn every failure of the demo into one sentence on standard error and an exit code that is not 0."""
    try:
        yield
    except CommandFailed as failed:
        sentence, exit_code = str(failed), failed.exit_code
    except StartupFailed as failed:
        sentence, exit_code = failed.message, ExitCode.REFUSED
    except httpx.RequestError as failed:
        sentence, exit_code = f"The demo's server stopped answering: {reason(failed)}.", ExitCode.UNREACHABLE
    except subprocess.TimeoutExpired:
        sentence, exit_code = "The demo's server did not stop when asked to, and was killed.", ExitCode.REFUSED
    else:
        return
    typer.echo(f"echoic: {' '.join(sentence.split())}", err=True)
    raise typer.Exit(exit_code)


def _readable(path: Path) -> Path:
    """Return the path. Raises CommandFailed, before anything is started, where no recording can be read there."""
    if path.is_dir():
        raise CommandFailed(ExitCode.REFUSED, f"{path} is a folder; give one recording.")
    try:
        path.open("rb").close()
    except FileNotFoundError as error:
        raise CommandFailed(ExitCode.REFUSED, f"There is no recording at {path}.") from error
    except OSError as error:
        raise CommandFailed(ExitCode.REFUSED, f"{path} cannot be read: {error.strerror}.") from error
    return path


def _ask(client: httpx.Client, method: str, path: str, **request: Any) -> Answer:
    """Make a request and return the JSON object of its answer.

    Raises CommandFailed for a refusal, httpx.RequestError where none answers.
    """
    answer = client.request(method, path, **request)
    require_success(answer)
    return parsed(answer)


def _show(client: httpx.Client, recording: Path, query: str | None) -> None:
    started = time.monotonic()
    item = _published(client, recording)
    seconds = time.monotonic() - started
    console.print(f"\nPublished {item['duration_seconds']:.0f} s of audio in {seconds:.1f} s\n")
    for notice in item["notices"]:
        console.print(f"Note: {notice['message']}")
    transcript = _ask(client, "GET", f"/api/items/{item['id']}/transcript")
    if not transcript["segments"]:
        console.print("Nobody speaks in this recording, so there is nothing to search for.")
        return
    console.rule("Transcript")
    console.print(client.get(f"/api/items/{item['id']}/transcript", params={"format": "txt"}).raise_for_status().text)
    console.rule("Entities")
    _print_entities(item["entities"])
    said = query or telling_word([word["word"] for segment in transcript["segments"] for word in segment["words"]])
    if said is None:
        console.print("The transcript holds no word to search for.")
        return
    console.rule(Text(f"Search: {said}"))
    _print_hit(_ask(client, "POST", "/api/search", json={"query": said}))


def _published(client: httpx.Client, recording: Path) -> Answer:
    """Upload a recording and return its item once the work is done.

    Raises CommandFailed where it is refused or fails.
    """
    with recording.open("rb") as file:
        sent = _ask(client, "POST", f"/api/datasets/{DATASET_ID}/items", files={"audio": (recording.name, file)})
    console.print(Text(f"{sent['message']}", "bold"), f"(item {sent['item_id']})\n")
    for event in follow(client, sent["item_id"]):
        line = told(event)
        if line is not None:
            console.print(f"  {line}")
    item = _ask(client, "GET", f"/api/items/{sent['item_id']}")
    if item["status"] != "published":
        raise not_published(item, f"The work on {recording}")
    return item


def _print_entities(entities: list[dict[str, Any]]) -> None:
    table = Table("type", "name", "mentions", box=None)
    for entity in entities:
        table.add_row(entity["type"], Text(entity["name"]), str(entity["mentions"]))
    console.print(table if entities else "none found")
    console.print()


def _print_hit(answer: Answer) -> None:
    if not answer["results"]:
        console.print("nothing found")
        return
    hit = answer["results"][0]
    console.print(f"{hit['timestamp']['start']:.1f} s: ", marked(hit["highlighted_text"]), sep="")
