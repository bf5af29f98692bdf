"""``echoic versions``: who changed what in a transcript, and when."""

from typing import Annotated, Any

import typer

from echoic.cli.connection import Connection, JsonOption, ServerOption, connected
from echoic.cli.output import LimitOption, OffsetOption, print_json, print_rows, say_more
from echoic.cli.segments import ItemId
from echoic.wording import counted

CHANGES_A_PAGE = 100
MADE_BY_ENGINES = {"transcription": "transcribed again", "carried_over": "corrections made again"}
"""The words for versions that no person made."""


def versions(
    item_id: ItemId,
    number: Annotated[int | None, typer.Argument(min=1, help="All changes of this one.", metavar="VERSION")] = None,
    *,
    limit: LimitOption = 20,
    offset: OffsetOption = 0,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List a transcript's versions, the newest first, or show what one of them changed."""
    path = f"/api/items/{item_id}/transcript/versions"
    with connected(server) as connection:
        if number is not None:
            version = _whole(connection, f"{path}/{number}")
            if as_json:
                print_json(version)
                return
            print_rows(("what", "before", "after"), _changes(version))
            return
        page = connection.get(path, limit=limit, offset=offset)
        if as_json:
            print_json(page)
            return
        rows = [
            (each["version"], each["created_at"][:16], each["author"] and each["author"]["name"], _summary(each))
            for each in page["versions"]
        ]
        print_rows(("version", "when", "who", "what"), rows)
        say_more(page, len(rows))


def _whole(connection: Connection, path: str) -> dict[str, Any]:
    """A version with all pages of its changes."""
    version: dict[str, Any] = connection.get(path, limit=CHANGES_A_PAGE)
    while len(version["changes"]) < version["segments_changed"]:
        page = connection.get(path, limit=CHANGES_A_PAGE, offset=len(version["changes"]))
        version["changes"] += page["changes"]
    return version


def _summary(version: dict[str, Any]) -> str:
    parts = [MADE_BY_ENGINES[version["kind"]]] if version["kind"] in MADE_BY_ENGINES else []
    if version["restores"] is not None:
        parts.append(f"back to version {version['restores']}")
    if version["segments_changed"]:
        parts.append(counted(version["segments_changed"], "segment"))
    parts += [f"{label}: {before or '–'} → {after or '–'}" for label, before, after in _names(version)]
    return ", ".join(parts)


def _names(version: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    return [(each["label"], each["name_before"], each["name_after"]) for each in version["speakers"]]


def _changes(version: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    rows = _names(version)
    for each in version["changes"]:
        if each["speaker_before"] != each["speaker_after"]:
            rows.append((f"segment {each['id']}, speaker", each["speaker_before"], each["speaker_after"]))
        if each["text_before"] != each["text_after"]:
            rows.append((f"segment {each['id']}", each["text_before"], each["text_after"]))
    return rows
