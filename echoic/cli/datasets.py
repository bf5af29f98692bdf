"""``echoic datasets``: where uploads go, and what is done with them."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from echoic.cli.connection import Answer, CommandFailed, Connection, ExitCode, JsonOption, ServerOption, connected
from echoic.cli.output import YesOption, confirm, print_facts, print_json, print_rows, remark, say_more
from echoic.records import Tier
from echoic.wording import counted

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Datasets, which uploads go to.")

OwnDataset = Annotated[
    int | None, typer.Option("--dataset", help="The dataset's id; default: the oldest you may upload to.")
]
DatasetId = Annotated[int, typer.Argument(help="The dataset's id.", metavar="ID")]
COLUMNS = ("id", "library", "items", "role", "name")
PAGE = 100

Text = Annotated[str | None, typer.Option(help="What is in it; empty: none.")]
Language = Annotated[str | None, typer.Option(help="Spoken, as its ISO 639 code; empty: found out for each item.")]
Formats = Annotated[
    list[str] | None,
    typer.Option(help="File extensions that are taken, as mp3,wav,opus; may be repeated.", metavar="EXTENSIONS"),
]
MaxFileSize = Annotated[int | None, typer.Option(min=1, help="Largest file, in units of 1,048,576 bytes.")]
AutoTranscribe = Annotated[bool | None, typer.Option(help="Transcribe what comes in.")]
RequireMetadata = Annotated[bool | None, typer.Option(help="Refuse uploads without title and description.")]
IdentifySpeakers = Annotated[
    bool | None, typer.Option(help="Keep voices and know them again; not to forgets at once those that were kept.")
]
TierOption = Annotated[Tier | None, typer.Option(help="careful: one window after the other, in twice the time.")]
Engine = Annotated[str | None, typer.Option(help="The engine that transcribes, of those offered; empty: any.")]
Model = Annotated[str | None, typer.Option(help="The model that transcribes, of those offered; empty: any.")]
Prompt = Annotated[str | None, typer.Option(help="Text that sets spelling and style; empty: none.")]
Vocabulary = Annotated[list[str] | None, typer.Option(help="A name or term likely to be said; may be repeated.")]
Replacements = Annotated[
    list[str] | None,
    typer.Option("--replacement", help="Made in every new transcript; may be repeated.", metavar="FIND=REPLACE"),
]
Speakers = Annotated[int | None, typer.Option(min=0, help="How many people speak; 0: found out.")]
MinSpeakers = Annotated[int | None, typer.Option(min=0, help="At least so many speak; 0: not said.")]
MaxSpeakers = Annotated[int | None, typer.Option(min=0, help="At most so many speak; 0: not said.")]


@app.command("list")
def list_datasets(
    library: Annotated[str | None, typer.Option(help="Only those of the library with this slug.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=PAGE)] = PAGE,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the datasets you may see."""
    with connected(server) as connection:
        page = connection.get("/api/datasets", library=library, limit=limit, offset=offset)
        if as_json:
            print_json(page)
            return
        rows = [
            (each["id"], each["library"], each["item_count"], each["role"], each["name"]) for each in page["datasets"]
        ]
        print_rows(COLUMNS, rows)
        say_more(page, len(rows))


@app.command()
def show(dataset_id: DatasetId, server: ServerOption = None, as_json: JsonOption = False) -> None:
    """Show a dataset and its settings."""
    with connected(server) as connection:
        _print(connection.get(f"/api/datasets/{dataset_id}"), as_json=as_json)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Its name.")],
    *,
    library: Annotated[str | None, typer.Option(help="Slug of its library; default: your first one.")] = None,
    description: Text = None,
    allowed_formats: Formats = None,
    max_file_size_mb: MaxFileSize = None,
    auto_transcribe: AutoTranscribe = None,
    require_metadata: RequireMetadata = None,
    identify_speakers: IdentifySpeakers = None,
    language: Language = None,
    tier: TierOption = None,
    engine: Engine = None,
    model: Model = None,
    initial_prompt: Prompt = None,
    vocabulary: Vocabulary = None,
    replacements: Replacements = None,
    num_speakers: Speakers = None,
    min_speakers: MinSpeakers = None,
    max_speakers: MaxSpeakers = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a dataset."""
    wanted = _wanted(
        name=name,
        library=library,
        description=description,
        allowed_formats=allowed_formats,
        max_file_size_mb=max_file_size_mb,
        auto_transcribe=auto_transcribe,
        require_metadata=require_metadata,
        identify_speakers=identify_speakers,
        language=language,
        tier=tier,
        engine=engine,
        model=model,
        initial_prompt=initial_prompt,
        vocabulary=vocabulary,
        replacements=replacements,
        num_speakers=num_speakers,
        min_speakers=min_speakers,
        max_speakers=max_speakers,
    )
    with connected(server) as connection:
        _print(connection.read("POST", "/api/datasets", json=wanted), as_json=as_json)


@app.command()
def change(
    dataset_id: DatasetId,
    *,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    description: Text = None,
    allowed_formats: Formats = None,
    max_file_size_mb: MaxFileSize = None,
    auto_transcribe: AutoTranscribe = None,
    require_metadata: RequireMetadata = None,
    identify_speakers: IdentifySpeakers = None,
    language: Language = None,
    tier: TierOption = None,
    engine: Engine = None,
    model: Model = None,
    initial_prompt: Prompt = None,
    vocabulary: Vocabulary = None,
    replacements: Replacements = None,
    num_speakers: Speakers = None,
    min_speakers: MinSpeakers = None,
    max_speakers: MaxSpeakers = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a dataset's settings; what is left out stays. Its items stay as they are."""
    wanted = _wanted(
        name=name,
        description=description,
        allowed_formats=allowed_formats,
        max_file_size_mb=max_file_size_mb,
        auto_transcribe=auto_transcribe,
        require_metadata=require_metadata,
        identify_speakers=identify_speakers,
        language=language,
        tier=tier,
        engine=engine,
        model=model,
        initial_prompt=initial_prompt,
        vocabulary=vocabulary,
        replacements=replacements,
        num_speakers=num_speakers,
        min_speakers=min_speakers,
        max_speakers=max_speakers,
    )
    if not wanted:
        raise typer.BadParameter("say what is to be different, as --name or --allowed-formats")
    with connected(server) as connection:
        _print(connection.read("PATCH", f"/api/datasets/{dataset_id}", json=wanted), as_json=as_json)


@app.command()
def delete(dataset_id: DatasetId, yes: YesOption = False, server: ServerOption = None) -> None:
    """Remove a dataset and all its items for good; says how many, and asks."""
    with connected(server) as connection:
        found = connection.get(f"/api/datasets/{dataset_id}")
        what = f"dataset {dataset_id}, '{found['name']}', with {counted(found['item_count'], 'item')}"
        confirm(f"Remove {what} for good?", yes=yes)
        connection.ask("DELETE", f"/api/datasets/{dataset_id}")
        remark(f"removed {what}")


def own_dataset(connection: Connection) -> int:
    """The id of the oldest dataset that this key's account may upload to. Raises CommandFailed where there is none."""
    return int(_own(connection)["id"])


def own_library(connection: Connection) -> str:
    """The slug of that dataset's library. Raises CommandFailed where there is none."""
    return str(_own(connection)["library"])


def _own(connection: Connection) -> Answer:
    for dataset in _all(connection):
        if dataset["role"] in ("owner", "editor") and dataset["content_type"] == "uploads":
            return dataset
    raise CommandFailed(
        ExitCode.NOT_FOUND, "There is no dataset you may upload to; make one with 'echoic datasets create'."
    )


def _all(connection: Connection) -> Iterator[Answer]:
    """Every dataset that may be seen: one's own may stand behind hundreds of public ones."""
    offset = 0
    while datasets := connection.get("/api/datasets", limit=PAGE, offset=offset)["datasets"]:
        yield from datasets
        offset += len(datasets)


def _wanted(**given: Any) -> dict[str, Any]:
    """What was said, as the API has it: an empty text and 0 stand for null."""
    wanted = {name: value for name, value in given.items() if value is not None and value != []}
    for name in ("description", "language", "engine", "model", "initial_prompt"):
        if name in wanted:
            wanted[name] = wanted[name] or None
    for name in ("num_speakers", "min_speakers", "max_speakers"):
        if name in wanted:
            wanted[name] = wanted[name] or None
    if "allowed_formats" in wanted:
        wanted["allowed_formats"] = " ".join(wanted["allowed_formats"]).replace(",", " ").split()
    if "vocabulary" in wanted:
        wanted["vocabulary"] = [term for term in wanted["vocabulary"] if term]
    if "replacements" in wanted:
        wanted["replacements"] = [_replacement(text) for text in wanted["replacements"] if text]
    return wanted


def _replacement(text: str) -> dict[str, str]:
    find, sign, replace = text.partition("=")
    if not find or not sign:
        raise typer.BadParameter(f"'{text}' is no FIND=REPLACE", param_hint="--replacement")
    return {"find": find, "replace": replace}


def _print(dataset: Answer, *, as_json: bool) -> None:
    if as_json:
        print_json(dataset)
        return
    made = [f"{each['find']} → {each['replace']}" for each in dataset["replacements"] or ()]
    print_facts({**dataset, "replacements": made})
