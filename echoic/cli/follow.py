"""Follows an item by its server-sent events, over as many connections as it takes."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from echoic.cli.connection import TRY_AGAIN, Answer, not_echoic, require_success
from echoic.cli.output import clock
from echoic.cli.stages import words_for

RECONNECTS = 20
"""Failures to connect in a row after which following is given up; a server that restarts is back sooner."""
RECONNECT_SECONDS = 1.0
STREAM_TYPE = "text/event-stream"

_TRANSITIONS: Mapping[str, str] = {
    "claimed": "{doing}",
    "failed": "{doing} did not work: {why}",
    "retry": "{doing} did not work: {why}; it is tried again",
    "lost": "{doing} was broken off, as its worker is gone; it is taken up again",
    "released": "{doing} was broken off, as its worker was stopped; it is taken up again",
    "cancelled": "cancelled",
}
"""The words for transitions; the others are not shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One event: ``stage``, ``progress`` or ``end`` with its data, or ``quiet`` where nothing happened for a while."""

    kind: str
    data: dict[str, Any]


def told(event: Event) -> str | None:
    """Return the line that tells a waiting person of an event; None for an event that is not shown."""
    data = event.data
    if event.kind == "progress" and data.get("seconds"):
        of = f" of {clock(data['duration_seconds'])}" if data.get("duration_seconds") else ""
        return f"{words_for(data['stage'])}, {clock(data['seconds'])}{of}"
    if event.kind != "stage":
        return None
    template = _TRANSITIONS.get(data["event"])
    return template and template.format(doing=words_for(data["stage"]), why=f"{data['message']} ({data['code']})")


def follow(client: httpx.Client, item_id: int) -> Iterator[Event]:
    """Yield an item's events until its ``end``.

    Raises httpx.RequestError when the server stays away, CommandFailed where it refuses.
    """
    last_id: str | None = None
    failures = 0
    while True:
        headers = {} if last_id is None else {"Last-Event-ID": last_id}
        try:
            with client.stream("GET", f"/api/items/{item_id}/events", headers=headers, timeout=None) as stream:
                _check(stream, is_last_try=failures >= RECONNECTS)
                for number, event in _events(stream.iter_lines()) if stream.is_success else ():
                    last_id = number or last_id
                    failures = 0
                    yield event
                    if event.kind == "end":
                        return
        except httpx.RequestError:
            if failures >= RECONNECTS:
                raise
        failures += 1
        time.sleep(RECONNECT_SECONDS)


def _check(stream: httpx.Response, *, is_last_try: bool) -> None:
    """Raise CommandFailed for what is no stream of events, unless it may be one at the next try."""
    if stream.status_code in TRY_AGAIN and not is_last_try:
        return
    if not stream.is_success:
        stream.read()
        require_success(stream)
    if not stream.headers.get("Content-Type", "").startswith(STREAM_TYPE):
        raise not_echoic(stream)


def _events(lines: Iterator[str]) -> Iterator[tuple[str, Event]]:
    """Yield each event with its id (empty where it has none)."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        if line and name:
            fields[name] = value.removeprefix(" ")
        elif line:
            yield "", Event(kind="quiet", data={})  # a comment, by which the server keeps the connection
        else:
            if "data" in fields:
                data = json.loads(fields["data"], object_hook=Answer)
                yield fields.get("id", ""), Event(kind=fields.get("event", ""), data=data)
            fields = {}
