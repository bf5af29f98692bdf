"""Waits for an item and says how far it is: by a bar at a terminal, elsewhere by a line for each step."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import httpx
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from echoic.cli.connection import Answer, CommandFailed, Connection, ExitCode
from echoic.cli.follow import Event, follow, told
from echoic.cli.output import notes, remark, say
from echoic.cli.queue import NO_WORKER, look_at_queue, queue_words
from echoic.cli.stages import WORDS, number_of

LINES_A_STAGE = 10
"""Most lines on the progress within a stage where there is no terminal."""


class Display(Protocol):
    """An output for the progress of the work."""

    def show(self, text: str, done: float) -> None:
        """Show the present step; ``done`` is the number of stages that are done, with a fraction."""

    def keep(self, text: str) -> None:
        """Show a line that stays."""


class Lines:
    """Shows each step once, in a line."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._told = ("", 0)

    def show(self, text: str, done: float) -> None:
        step = (text.partition(",")[0], int(done * LINES_A_STAGE))
        if step != self._told:
            self.keep(text)
        self._told = step

    def keep(self, text: str) -> None:
        notes.print(f"{self._label}  {text}", markup=False)


class Bar:
    """A bar that fills, with the present step beside it."""

    def __init__(self, label: str, progress: Progress) -> None:
        self._label = label
        self._progress = progress
        self._task = progress.add_task(label, total=len(WORDS), what="")

    def show(self, text: str, done: float) -> None:
        self._progress.update(self._task, completed=done, what=text)

    def keep(self, text: str) -> None:
        self._progress.console.print(f"{self._label}  {text}", markup=False)


def until_published(connection: Connection, item_id: int) -> Answer:
    """Follow an item until nothing more happens to it, and return it; a remark is made where it is on hold.

    Raises CommandFailed where it is not published then, also where the server stays away.
    """
    try:
        wait_for(connection, item_id)
    except httpx.RequestError as error:
        raise connection.unreachable(error) from error
    item = connection.get(f"/api/items/{item_id}")
    if item["on_hold"]:
        remark(f"item {item_id} is on hold; 'echoic items transcribe {item_id}' starts the work on it")
    elif item["status"] != "published":
        raise not_published(item, f"item {item_id}")
    return item


def not_published(item: Answer, name: str) -> CommandFailed:
    """Return how a command ends whose item, called ``name``, ended as failed or cancelled: with the cause, if there is one."""
    cause = f": {item['error']['message']} ({item['error']['code']})" if item["error"] else "."
    return CommandFailed(ExitCode.NOT_PUBLISHED, f"{name} ended as {item['status']}{cause}")


def print_transcript(connection: Connection, item_id: int, *, head: str | None = None, apart: bool = False) -> None:
    """Print what was said in an item, below a line that says which it is; ``apart`` from what was printed before.

    Raises CommandFailed, before anything is printed.
    """
    answer = connection.ask("GET", f"/api/items/{item_id}/transcript", params={"format": "txt"})
    if apart:
        say("")
    if head is not None:
        say(head)
    say(answer.text.rstrip("\n"))


def wait_for(connection: Connection, item_id: int) -> None:
    """Follow an item until nothing more happens to it. Raises httpx.RequestError and CommandFailed."""
    with _display(f"item {item_id}") as display:
        waiting = _Waiting(connection, display)
        try:
            for event in follow(connection.client, item_id):
                waiting.take(event)
        except KeyboardInterrupt:
            remark(f"the work goes on; 'echoic items show {item_id}' tells how far it is")
            raise


class _Waiting:
    """One item on its way."""

    def __init__(self, connection: Connection, display: Display) -> None:
        self._connection = connection
        self._display = display
        self._is_claimed = False
        self._done = 0.0
        self._said_of_queue = ""

    def take(self, event: Event) -> None:
        text = told(event)
        match event.kind:
            case "stage":
                self._take_transition(event.data, text)
            case "progress" if text is not None:
                total = event.data.get("duration_seconds") or 0
                share = min(1.0, event.data["seconds"] / total) if total else 0.0
                self._display.show(text, number_of(event.data["stage"]) + share)
            case "quiet":
                self._look_at_queue()
            case _:
                pass

    def _take_transition(self, data: dict[str, Any], text: str | None) -> None:
        self._is_claimed = data["event"] == "claimed"
        self._done = number_of(data["stage"]) + (1 if data["event"] == "done" else 0)
        if self._is_claimed and text is not None:
            self._display.show(text, self._done)
        elif text is not None:
            self._display.keep(text)
        if data["event"] in ("queued", "requeued"):
            self._look_at_queue()

    def _look_at_queue(self) -> None:
        """Say why the item waits, where other items are before it or no worker is there."""
        queue = look_at_queue(self._connection)
        if queue is None:
            return
        said = queue_words(queue)
        if said == self._said_of_queue or (self._is_claimed and said != NO_WORKER):
            return
        self._said_of_queue = said
        if said == NO_WORKER:
            self._display.keep(said)
        else:
            self._display.show(f"waiting; {said}", self._done)


@contextmanager
def _display(label: str) -> Iterator[Display]:
    if not notes.is_terminal:
        yield Lines(label)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[what]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=notes, transient=True) as progress:
        yield Bar(label, progress)
