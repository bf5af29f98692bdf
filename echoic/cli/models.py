"""``echoic models``: the models on this machine; asks no server.

Exit codes: 0 where all is well, 1 where a model could not be had, is damaged, or (named) is not here.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from echoic.cli.connection import JsonOption
from echoic.cli.output import notes, print_json, print_rows, remark
from echoic.cli.start import EXIT_FAILED, read_settings, reported
from echoic.engines.models import find
from echoic.engines.models.catalog import MODELS
from echoic.engines.models.find import Located, locate, needed
from echoic.engines.models.model import Model
from echoic.engines.models.verify import CheckedFile, verify as verify_files
from echoic.engines.recommend import AUTO, recommend
from echoic.errors import EchoicError, ModelMissing
from echoic.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Model weights on this machine.")

COLUMNS = ("name", "used", "task", "license", "MB", "where")
DECIMAL_MB = 1_000_000

Names = Annotated[list[str] | None, typer.Argument(help="Names as 'list' shows them.", metavar="[NAME]...")]


@app.command("list")
def list_models(as_json: JsonOption = False) -> None:
    """List the models: task, license, size, where each lies; '*' marks those that the settings call for."""
    settings = _with_choice(read_settings())
    used = needed(settings)
    models = _known(settings).values()
    if as_json:
        print_json([_described(model, locate(model, settings), used=model in used) for model in models])
        return
    print_rows(
        COLUMNS,
        [
            (
                model.name,
                "*" if model in used else "",
                model.task,
                model.license,
                _megabytes(model, found := locate(model, settings)),
                _where(found),
            )
            for model in models
        ],
    )


@app.command()
def pull(
    names: Names = None,
    *,
    recommended: Annotated[
        bool,
        typer.Option("--recommended", help="Those of the transcriber that suits this machine; says which and why."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make models present, from the first source that can: your folder, the installed packages, your server, the hub.

    Without names: those that the settings call for.
    """
    settings = read_settings()
    if recommended:
        if names:
            raise typer.BadParameter("name models, or ask for the recommended ones")
        found_best = recommend(settings)
        remark(f"{found_best.engine}/{found_best.model}: {found_best.reason}")
        settings = found_best.applied(settings)
    settings = _with_choice(settings)
    answers, failed = [], False
    for model in _chosen(settings, names, default=needed(settings)):
        try:
            found = _pull(model, settings)
        except EchoicError as error:
            failed = True
            notes.print(f"{model.name}: {error.message}", markup=False)
            answers.append({"name": model.name, "error": error.code, "message": error.message})
            continue
        answers.append({"name": model.name, "source": found.source, "path": str(found.place)})
        if not as_json:
            print_rows((), [(model.name, _where(found))])
    if recommended and not as_json:
        remark(f"to use it: ECHOIC_TRANSCRIBER_MODEL={AUTO}")
    if as_json:
        print_json(answers)
    if failed:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def verify(names: Names = None, as_json: JsonOption = False) -> None:
    """Read every byte of the models that are here, and compare it with what it should be.

    Without names: all that are here. A file is 'ok', 'damaged', 'missing', or 'not pinned' where there is nothing to
    compare it with, as for a model of your own.
    """
    settings = _with_choice(read_settings())
    answers: list[dict[str, Any]] = []
    failed = False
    for model in _chosen(settings, names, default=list(_known(settings).values())):
        found = locate(model, settings)
        files = verify_files(model, found) if found is not None and found.files else ()
        if not files and not names:
            continue
        failed = failed or not files or not all(file.is_good for file in files)
        answers.append({"name": model.name, "files": [_checked(file) for file in files]})
        if not as_json:
            rows = [(model.name, file.name, file.state, file.sha256) for file in files]
            print_rows(("model", "file", "state", "SHA-256"), rows or [(model.name, "", "not here", "")])
    if as_json:
        print_json(answers)
    if failed:
        raise typer.Exit(EXIT_FAILED)


def _pull(model: Model, settings: Settings) -> Located:
    """Make a model present; at a terminal a bar shows the bytes that come."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=notes, disable=not notes.is_terminal, transient=True) as progress:
        task = progress.add_task(model.name, total=None, visible=False)

        def told(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total or None, visible=True)

        return find.pull(model, settings, told=told)


def _with_choice(settings: Settings) -> Settings:
    """Return settings that name a transcriber, where they leave it to Echoic."""
    if settings.transcriber == "faster-whisper" and settings.transcriber_model == AUTO:
        return recommend(settings).applied(settings)
    return settings


def _known(settings: Settings) -> dict[str, Model]:
    """Return the models of the table, and those that only the settings name."""
    return MODELS | {model.name: model for model in needed(settings)}


def _chosen(settings: Settings, names: Sequence[str] | None, *, default: list[Model]) -> list[Model]:
    known = _known(settings)
    with reported():
        for name in names or ():
            if name not in known:
                raise ModelMissing(f"There is no model named '{name}'; choose one of: {', '.join(known)}.")
    return [known[name] for name in names] if names else default


def _described(model: Model, found: Located | None, *, used: bool) -> dict[str, Any]:
    pinned = found.packaged if found and found.packaged else next(iter(model.packaged), None)
    return {
        "name": model.name,
        "task": model.task,
        "license": model.license,
        "engines": list(model.engines),
        "used": used,
        "size_bytes": model.size_bytes,
        "source": found.source if found else None,
        "path": str(found.place) if found else None,
        "is_ready": bool(found and found.files),
        "hub": model.hub.repo if model.hub else None,
        "packages": list(pinned.packages) if pinned else [],
        "files": [
            {"name": file.name, "size_bytes": file.size_bytes, "sha256": file.sha256}
            for file in (pinned.files if pinned else ())
        ],
    }


def _checked(file: CheckedFile) -> dict[str, Any]:
    return {"name": file.name, "state": file.state, "sha256": file.sha256}


def _megabytes(model: Model, found: Located | None) -> str:
    size_bytes = model.size_bytes
    if found is not None and found.files:
        size_bytes = sum(path.stat().st_size for path in found.files.values())
    return "" if size_bytes is None else f"{size_bytes / DECIMAL_MB:.1f}"


def _where(found: Located | None) -> str:
    if found is None:
        return "not here"
    if not found.files:
        return "packages, not joined yet"
    return f"{found.source}: {found.place}"
