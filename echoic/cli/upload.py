"""``echoic upload``: recordings go in, from files, folders, patterns or URLs; with ``--wait`` the transcripts come out."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from echoic.cli.connection import CommandFailed, Connection, ExitCode, JsonOption, ServerOption, connected
from echoic.cli.dataset_settings import LIKELY, listed
from echoic.cli.datasets import OwnDataset, own_dataset
from echoic.cli.fetched import have_fetched
from echoic.cli.names import shown
from echoic.cli.output import notes, print_json, remark, say
from echoic.cli.resumable import ResumableUpload
from echoic.cli.targets import find_targets
from echoic.cli.waiting import print_transcript, until_published
from echoic.intake.audio_url import is_encodable
from echoic.records import Tier


def upload(
    targets: Annotated[
        list[str], typer.Argument(help="Files, folders, patterns or https URLs.", metavar="FILE|FOLDER|PATTERN|URL")
    ],
    *,
    dataset: OwnDataset = None,
    title: Annotated[str | None, typer.Option(help="Title, for a single upload; default: the file's name.")] = None,
    description: Annotated[str | None, typer.Option(help="Description of each.")] = None,
    language: Annotated[str | None, typer.Option(help="The language spoken, as its ISO 639 code.")] = None,
    languages: Annotated[list[str] | None, typer.Option(help=LIKELY)] = None,
    tier: Annotated[
        Tier | None, typer.Option(help="careful: everything is read twice, in three times the time.")
    ] = None,
    engine: Annotated[str | None, typer.Option(help="The engine that transcribes, of those offered.")] = None,
    model: Annotated[str | None, typer.Option(help="The model that transcribes, of those offered.")] = None,
    num_speakers: Annotated[int | None, typer.Option(min=1, help="How many people speak, where that is known.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the work on them and print each transcript.")] = False,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Upload recordings. A file that was broken off goes on where it was, when the same command is given again."""
    with connected(server) as connection:
        dataset_id = own_dataset(connection) if dataset is None else dataset
        formats = connection.get(f"/api/datasets/{dataset_id}")["allowed_formats"]
        chosen = find_targets(targets, formats)
        for passed_over in chosen.remarks():
            remark(passed_over)
        found = chosen.found
        if title is not None and len(found) > 1:
            raise CommandFailed(ExitCode.REFUSED, f"A title fits one upload; these are {len(found)}.")
        given = {
            "title": title,
            "description": description,
            "language": language,
            "languages": ",".join(listed(languages or ())) or None,
            "tier": tier,
            "engine": engine,
            "model": model,
            "num_speakers": num_speakers,
        }
        metadata = {name: value for name, value in given.items() if value is not None}
        for name, value in metadata.items():
            if isinstance(value, str) and not is_encodable(value):
                raise CommandFailed(ExitCode.REFUSED, f"The {name} holds bytes that are not UTF-8.")
        work = _Uploads(connection, dataset_id=dataset_id, metadata=metadata)
        results = [work.refuse(name, error) for name, error in chosen.refused.items()]
        results += [work.upload(target, at_once=not wait and not as_json) for target in found]
        if wait:
            work.await_ends(results, headed=len(found) > 1, silent=as_json)
        if as_json:
            print_json(results)
        if work.exit_code is not None:
            raise typer.Exit(work.exit_code)


class _Uploads:
    """Uploads one thing after the other; a failure does not stop the others."""

    def __init__(self, connection: Connection, *, dataset_id: int, metadata: dict[str, str | int]) -> None:
        self._connection = connection
        self._dataset_id = dataset_id
        self._metadata = metadata
        self.exit_code: ExitCode | None = None
        """The exit code of the first failure."""

    def refuse(self, name: str, error: CommandFailed) -> dict[str, Any]:
        """Say why nothing was uploaded of something that was named; returns what became of it."""
        result: dict[str, Any] = {"target": shown(name)}
        self._note_failure(result, error)
        return result

    def upload(self, target: Path | str, *, at_once: bool) -> dict[str, Any]:
        """Upload one thing; return its result.

        With ``at_once`` the item's number is printed as the answer, else as a remark.
        """
        result: dict[str, Any] = {"target": shown(target)}
        if isinstance(target, Path) and shown(target.name) != target.name:
            notes.print(f"{shown(target)}: the name is not readable as it is, and is sent like this", markup=False)
        try:
            if isinstance(target, Path):
                item_id = self._send(target)
            else:
                item_id = have_fetched(self._connection, target, dataset_id=self._dataset_id, metadata=self._metadata)
        except CommandFailed as error:
            self._note_failure(result, error)
        else:
            result["item_id"] = item_id
            if at_once:
                say(f"{item_id}\t{result['target']}")
            else:
                notes.print(f"item {item_id}  {result['target']}", markup=False)
        return result

    def await_ends(self, results: list[dict[str, Any]], *, headed: bool, silent: bool) -> None:
        """Wait for the items, one after the other, and say how far they are.

        Each transcript is printed as soon as it is there, unless ``silent``; ``headed`` puts its item and file above it.
        """
        printed = 0
        for result in results:
            if "item_id" not in result:
                continue
            try:
                result["item"] = until_published(self._connection, result["item_id"])
                if not silent and result["item"]["status"] == "published":
                    head = f"item {result['item_id']} · {result['target']}" if headed else None
                    print_transcript(self._connection, result["item_id"], head=head, apart=printed > 0)
                    printed += 1
            except CommandFailed as error:
                self._note_failure(result, error)

    def _send(self, path: Path) -> int:
        try:
            size = path.stat().st_size
        except OSError as error:
            raise CommandFailed(ExitCode.REFUSED, f"Cannot read {shown(path)}: {error.strerror}.") from error
        with Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=notes,
            disable=not notes.is_terminal,
        ) as progress:
            task = progress.add_task(shown(path.name), total=size)
            return ResumableUpload(
                self._connection,
                path,
                dataset_id=self._dataset_id,
                metadata=self._metadata,
                on_progress=lambda sent: progress.update(task, completed=sent),
            ).send()

    def _note_failure(self, result: dict[str, Any], error: CommandFailed) -> None:
        result["error"] = str(error)
        typer.echo(f"echoic: {result['target']}: {error}", err=True)
        self.exit_code = self.exit_code or error.exit_code
