"""The parts that the verbs for changing a transcript share."""

from typing import Annotated, Any

import typer

from echoic.cli.output import print_json, say
from echoic.wording import counted

AtVersionOption = Annotated[
    int | None, typer.Option(min=0, help="Only if the transcript is at this version; else it is refused.")
]


def expected(at_version: int | None) -> dict[str, Any]:
    """The part of a body that says so."""
    return {} if at_version is None else {"version": at_version}


def print_edited(answer: dict[str, Any], *, as_json: bool) -> None:
    """Return a sentence on the change that was made."""
    if as_json:
        print_json(answer)
        return
    parts = []
    if "replacements" in answer:
        parts.append(counted(answer["replacements"], "replacement"))
    parts += [
        counted(answer[f"{what}s_changed"], what) for what in ("segment", "speaker") if answer[f"{what}s_changed"]
    ]
    changed = answer["segments_changed"] or answer["speakers_changed"]
    said = f"changed: {', '.join(parts)}" if changed else "nothing to change"
    say(f"version {answer['version']}, {said}")
