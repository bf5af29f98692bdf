"""``echoic segments``: a transcript's segments with the numbers by which they are corrected."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from echoic.cli.connection import CommandFailed, ExitCode, JsonOption, ServerOption, connected
from echoic.cli.output import clock, print_json, print_rows

ItemId = Annotated[int, typer.Argument(help="The item's id.", metavar="ITEM")]
VersionOption = Annotated[
    int | None, typer.Option("--version", min=0, help="As it was in this version; 0 is what the engines made.")
]

SpeakerOption = Annotated[str | None, typer.Option(help="Only what this speaker said: a name or a label.")]


def segments(
    item_id: ItemId,
    *,
    speaker: SpeakerOption = None,
    version: VersionOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List a transcript's segments: number, time, speaker, text."""
    with connected(server) as connection:
        found = connection.get(f"/api/items/{item_id}/transcript", speaker=speaker, version=version)
        if speaker is not None and not found["total_segments"]:
            check_speaker(found, speaker)
        if as_json:
            print_json(found)
            return
        print_segments(found["segments"])


def check_speaker(transcript: Mapping[str, Any], speaker: str) -> None:
    """Raise CommandFailed, which names the speakers there are, where nobody in a transcript is called so."""
    names: dict[str, str] = transcript["speaker_names"]
    if speaker in (*transcript["speakers"], *names.values()):
        return
    known = [f"{label} ({names[label]})" if label in names else label for label in transcript["speakers"]]
    there = f"there are {', '.join(known)}" if known else "no speakers are told apart in it"
    raise CommandFailed(ExitCode.NOT_FOUND, f"Nobody in the transcript is called '{speaker}'; {there}.")


def print_segments(found: Iterable[dict[str, Any]]) -> None:
    """Print a line for each segment."""
    print_rows(
        ("segment", "at", "speaker", "text"),
        [(each["id"], clock(each["start"]), each["speaker_name"] or each["speaker"], each["text"]) for each in found],
    )
