"""The command line: one module per verb, read when the verb is called, so that a short question is a short wait."""

import gc
import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from echoic import __version__, wording

VERBS: Mapping[str, str] = {
    "serve": "serve",
    "worker": "worker",
    "demo": "demo",
    "upload": "upload",
    "items": "items",
    "transcript": "transcript",
    "audio": "audio",
    "segments": "segments",
    "correct": "correct",
    "replace": "replace",
    "vocabulary": "vocabulary",
    "versions": "versions",
    "restore": "restore",
    "backup": "backup",
    "search": "search",
    "speakers": "speakers",
    "datasets": "datasets",
    "libraries": "libraries",
    "members": "members",
    "invitations": "invitations",
    "keys": "keys",
    "programs": "programs",
    "shares": "shares",
    "open": "open",
    "status": "status",
    "health": "health",
    "db": "database",
    "accounts": "accounts",
    "reindex": "reindex",
    "models": "models",
    "stage-process": "stage_process",
}
"""The module of each verb: with an ``app`` where it has verbs of its own, else with a function of the module's name."""

HIDDEN = {"stage-process"}
"""Verbs for programs, which the list for people leaves out."""


class _Verbs(TyperGroup):
    """Finds a verb by its name in the table."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 -- the library's signature
        return [verb for verb in VERBS if verb not in HIDDEN]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 -- the library's signature
        if cmd_name in self.commands or cmd_name not in VERBS:
            return self.commands.get(cmd_name)
        module = _imported(f"echoic.cli.{VERBS[cmd_name]}")
        verb = getattr(module, "app", None) or _alone(getattr(module, VERBS[cmd_name]))
        command = typer.main.get_command(verb)
        command.name = cmd_name
        _join_lines(command)
        self.commands[cmd_name] = command
        return command

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            if isinstance(error.__cause__, ValidationError):
                error.message = f"{wording.sentence(error.__cause__.errors()[0], {})}."
            raise


def _imported(name: str) -> ModuleType:
    """Import a module without searching for garbage meanwhile: nearly all stays, and the searches take a sixth of the time."""
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.enable()


def _join_lines(command: Any) -> None:
    """Make each paragraph of a command's help one line: the terminal says where lines end, not the width of the source."""
    if command.help:
        command.help = "\n\n".join(" ".join(part.split()) for part in command.help.split("\n\n"))
    for verb in getattr(command, "commands", {}).values():
        _join_lines(verb)


def _alone(function: Any) -> typer.Typer:
    verb = typer.Typer(add_completion=False)
    verb.command()(function)
    return verb


app = typer.Typer(cls=_Verbs, no_args_is_help=True, pretty_exceptions_enable=False)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"echoic {__version__}")
        raise typer.Exit


@app.callback()
def echoic(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Recordings in, searchable transcripts out."""
