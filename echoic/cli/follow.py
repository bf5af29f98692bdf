"""Follows an item by its server-sent events, over as many connections as it takes."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

RECONNECTS = 20
"""Failures to connect in a row after which following is given up; a server that restarts is back sooner."""
RECONNECT_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One event: ``stage``, ``progress`` or ``end``, with its data."""

    kind: str
    data: dict[str, Any]


def told(event: Event) -> str | None:
    """A line for a person who waits; None where there is nothing to say."""
    data = event.data
    if event.kind == "stage":
        return f"{data['stage']:<11} {data['event']}"
    if event.kind == "progress" and data.get("seconds"):
        return f"{data['stage']:<11} {data['seconds']:.0f} s of audio done"
    return None


def follow(client: httpx.Client, item_id: int) -> Iterator[Event]:
    """An item's events until its ``end``. Raises httpx.TransportError when the server stays away, HTTPStatusError."""
    last_id: str | None = None
    failures = 0
    while True:
        headers = {} if last_id is None else {"Last-Event-ID": last_id}
        try:
            with client.stream("GET", f"/api/items/{item_id}/events", headers=headers, timeout=None) as stream:
                stream.raise_for_status()
                for number, event in _events(stream.iter_lines()):
                    last_id = number or last_id
                    failures = 0
                    yield event
                    if event.kind == "end":
                        return
        except httpx.TransportError:
            failures += 1
            if failures > RECONNECTS:
                raise
            time.sleep(RECONNECT_SECONDS)


def _events(lines: Iterator[str]) -> Iterator[tuple[str, Event]]:
    """Each event with its id (empty where it has none)."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        if line and name:
            fields[name] = value.removeprefix(" ")
        elif not line:
            if "data" in fields:
                yield fields.get("id", ""), Event(kind=fields.get("event", ""), data=json.loads(fields["data"]))
            fields = {}
