"""Write the pages of docs/ that repeat what the code says: settings, errors, commands, the API;
``--check`` fails where one is stale.

Each page is one function that returns its text, listed in PAGES.
"""

import argparse
import ast
import difflib
import inspect
import json
import sys
import textwrap
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Union, cast, get_args, get_origin

import typer
from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings
from typer.cli import get_docs_for_click
from typer.core import TyperGroup

from echoic import errors
from echoic.api.app import ROUTES, create_app
from echoic.api.problems import STATUSES
from echoic.cli import app as cli
from echoic.compose import Components
from echoic.engines.models.catalog import MODELS
from echoic.engines.models.model import Model
from echoic.errors import EchoicError
from echoic.notices import MEANINGS
from echoic.settings import Settings
from scripts.document_rules import complaints
from scripts.raised_errors import idle_exceptions, raised_errors

ROOT = Path(__file__).resolve().parent.parent

GENERATED = "<!-- Written by `make docs` from {source}; change it there. -->"

CONFIGURATION_INTRODUCTION = """\
Settings are read once, when Echoic starts, from environment variables or from a file named `.env` in the working
directory, one `NAME=value` a line; the environment wins. None is required. An empty variable counts as unset. A variable
that begins with `ECHOIC_` and is no setting is told in the log as `setting_unknown`, as is one that looks like a misspelt `DATABASE_URL`."""

ERRORS_INTRODUCTION = """\
An answer that is not a success carries one of these codes; so does an item whose pipeline run failed. Codes are stable;
messages are for people and may say more than the default shown here. *Retry* says whether the same request or stage may
succeed later without a change. While database or storage are away, answers have the code `unavailable`; which of the two
it is stands in the server's log, and at the items that failed for it. A server that is stopping answers with it, too.

A query parameter that is not known is refused with `field_invalid` where it is near to a known one, as `ofset` to `offset`:
its answer would be to another question than was asked. Others are passed over, since clients of the public API may send
parameters that only that service knows; the header `X-Ignored-Parameters` of the answer names them. A body with a
`Content-Encoding` other than `identity` is refused on every route."""

NOTICES_INTRODUCTION = """\
An item says by its `notices` what was left out, guessed or cut although nothing failed: so that silence does not look
like success. Each has a code, a sentence and a `detail` with its figures. They are those of the run that made the
transcript; before there is one, those of the newest run. The item, its transcript and the last event of its stream have
them; so have the exports as WebVTT and RTTM (comments) and as a Word document. An answer in any format names the codes
in its header `X-Item-Notices`."""

MODELS_INTRODUCTION = """\
What `echoic models list` shows, with the SHA-256 of every pinned file; [engines.md](engines.md) tells which engine uses
which, and how to bring in others. Models without files here come from the public hub alone: their size and digests are
the hub's, known once they are fetched, and their license is to be read there before use."""

TYPE_NAMES: Mapping[object, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path",
    SecretStr: "text, secret",
}
BOUND_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}

UNEXPECTED_STATUS = 500


def configuration_page(settings: type[BaseSettings] = Settings) -> str:
    """Every setting with its variable, type, default and sentence, under the headings of the class."""
    parts = [
        "# Configuration",
        GENERATED.format(source="echoic/settings.py"),
        CONFIGURATION_INTRODUCTION,
    ]
    prefix = settings.model_config["env_prefix"]
    for heading, names in _groups(settings).items():
        rows = [_setting_row(prefix, name, settings.model_fields[name], text) for name, text in names.items()]
        parts += [f"## {heading}", _table(("Variable", "Type", "Default", "Meaning"), rows)]
    return "\n\n".join(parts) + "\n"


def errors_page() -> str:
    """Every error by family: code, whether trying again helps, default message, and the status at the API."""
    parts = [
        "# Errors",
        GENERATED.format(source="echoic/errors.py"),
        ERRORS_INTRODUCTION,
    ]
    for family in EchoicError.__subclasses__():
        status = STATUSES.get(family)
        # A family without a place in the API answers, where it still gets there, like any unexpected error.
        heading = f"## {family.__name__}" + (f": status {status}" if status and status != UNEXPECTED_STATUS else "")
        rows = [
            (f"`{error.code}`", "yes" if error.retryable else "no", _cell(_default_message(error)))
            for error in _tree(family)
        ]
        parts += [heading, _table(("Code", "Retry", "Message"), rows)]
    return "\n\n".join(parts) + "\n"


def _default_message(error: type[EchoicError]) -> str:
    """What the error says unless told otherwise; its docstring where it has to be told what it is about."""
    told = [each for each in inspect.signature(error).parameters.values() if each.default is each.empty]
    return (inspect.getdoc(error) or "") if told else error().message


def notices_page() -> str:
    """Every notice: its code and what it means."""
    parts = [
        "# Notices",
        GENERATED.format(source="echoic/notices.py"),
        NOTICES_INTRODUCTION,
        _table(("Code", "Meaning"), [(f"`{code}`", _cell(meaning)) for code, meaning in MEANINGS.items()]),
    ]
    return "\n\n".join(parts) + "\n"


def commands_page(app: typer.Typer = cli) -> str:
    """Every command with its arguments, options and help, as the command line itself tells them; hidden ones left out."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="echoic")
    _prepare_for_print(command, context)
    text = get_docs_for_click(obj=command, ctx=context, name="echoic", title="Command line")
    # A default that lies in this checkout is shown as seen from its root.
    heading, rest = text.replace(f"{ROOT}/", "").split("\n", maxsplit=1)
    return f"{heading}\n\n{GENERATED.format(source='echoic/cli')}\n{rest.rstrip()}\n"


def openapi_page() -> str:
    """The API's own description of itself, as it serves it."""
    # The description depends on the routes alone; the open parts of a process are only kept for later requests.
    app = create_app(cast("Components", None), raised=json.loads(raised_page()))
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"


@lru_cache(maxsize=1)
def raised_page() -> str:
    """The codes of the errors that each operation of the API may raise, read from the code."""
    found = {name: sorted(error.code for error in raised) for name, raised in raised_errors(ROUTES).items()}
    return json.dumps(dict(sorted(found.items())), indent=1) + "\n"


def models_page() -> str:
    """Every model: task, license, size and sources, and its pinned files."""
    rows = [
        (f"`{model.name}`", model.task, model.license, _megabytes(model), _sources(model)) for model in MODELS.values()
    ]
    parts = [
        "# Models",
        GENERATED.format(source="echoic/engines/models/catalog.py"),
        MODELS_INTRODUCTION,
        _table(("Name", "Task", "License", "MB", "Sources, in order"), rows),
        "## Pinned files",
        _table(("Model", "Package", "File", "Bytes", "SHA-256"), list(_pinned_files())),
    ]
    return "\n\n".join(parts) + "\n"


def _megabytes(model: Model) -> str:
    return "" if model.size_bytes is None else f"{model.size_bytes / 1_000_000:.1f}"


def _sources(model: Model) -> str:
    sources = ["your folder"] if model.folder else []
    sources += [" and ".join(f"`{name}`" for name in packaged.packages) for packaged in model.packaged]
    sources += [f"hub: `{model.hub.repo}`"] if model.hub else []
    return "; ".join(sources)


def _pinned_files() -> Iterator[tuple[str, ...]]:
    for model in MODELS.values():
        for packaged in model.packaged:
            for file in packaged.files:
                package = " and ".join(f"`{name}`" for name, _ in file.parts)
                yield (f"`{model.name}`", package, f"`{file.name}`", f"{file.size_bytes:,}", f"`{file.sha256}`")


PAGES: Mapping[str, Callable[[], str]] = {
    "docs/configuration.md": configuration_page,
    "docs/errors.md": errors_page,
    "docs/notices.md": notices_page,
    "docs/commands.md": commands_page,
    "docs/models.md": models_page,
    "echoic/api/document/raised.json": raised_page,
    "docs/openapi.json": openapi_page,
}


def _prepare_for_print(command: Any, context: Any) -> None:
    """Drop hidden commands, and let lists of commands show the whole first line of each instead of its first words."""
    command.short_help = command.short_help or (command.help or "").split("\n")[0]
    if isinstance(command, TyperGroup):
        verbs = {name: command.get_command(context, name) for name in command.list_commands(context)}
        command.commands = {name: verb for name, verb in verbs.items() if verb is not None and not verb.hidden}
        for verb in command.commands.values():
            _prepare_for_print(verb, context)


def _groups(settings: type[BaseSettings]) -> dict[str, dict[str, str]]:
    """Sentences by setting by heading, in the order of the class.

    A heading is a comment that stands alone between blank lines; a sentence is the string under its field.
    """
    source = textwrap.dedent(inspect.getsource(settings))
    lines = source.splitlines()
    headings = {
        number: line.strip().removeprefix("# ")
        for number, line in enumerate(lines, start=1)
        if line.strip().startswith("# ") and not lines[number - 2].strip() and not lines[number].strip()
    }
    groups: dict[str, dict[str, str]] = {}
    (class_,) = ast.parse(source).body
    body = class_.body if isinstance(class_, ast.ClassDef) else []
    for node, following in zip(body, [*body[1:], None], strict=True):
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
            continue
        if node.target.id not in settings.model_fields:
            continue
        heading = max((number for number in headings if number < node.lineno), default=None)
        if heading is None:
            raise ValueError(f"{settings.__name__}.{node.target.id} stands under no heading")
        groups.setdefault(headings[heading], {})[node.target.id] = _sentence(node.target.id, following)
    return groups


def _sentence(name: str, node: ast.stmt | None) -> str:
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return " ".join(text.split())
        case _:
            raise ValueError(f"the setting {name} has no sentence under it")


def _setting_row(prefix: str, name: str, field: FieldInfo, sentence: str) -> tuple[str, ...]:
    if isinstance(field.validation_alias, AliasChoices):
        variables = [str(choice) for choice in field.validation_alias.choices]
    else:
        variables = [f"{prefix}{name}".upper()]
    return (
        " or ".join(f"`{variable}`" for variable in variables),
        _cell(", ".join([_type_name(field.annotation), *_bounds(field)])),
        _cell(_default(field)),
        _cell(sentence),
    )


def _type_name(annotation: Any) -> str:
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(_type_name(argument) for argument in arguments if argument is not type(None))
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in arguments)
    if origin is tuple:
        return f"list of {_type_name(arguments[0])}"
    return TYPE_NAMES[annotation]


def _bounds(field: FieldInfo) -> Iterator[str]:
    for bound in field.metadata:
        for attribute, sign in BOUND_SIGNS.items():
            if (value := getattr(bound, attribute, None)) is not None:
                yield f"{sign} {value:g}"


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        # What it yields depends on the machine; its docstring says how.
        return (inspect.getdoc(field.default_factory) or "").removesuffix(".")
    if field.default is PydanticUndefined:
        return "required"
    return _default_text(field.default)


def _default_text(value: object) -> str:
    match value:
        case None | ():
            return "unset"
        case tuple():
            return f"`{','.join(map(str, value))}`"
        case bool():
            return f"`{str(value).lower()}`"
        case float():
            return f"`{str(value).removesuffix('.0')}`"
        case _:
            return f"`{value}`"


def _tree(family: type[EchoicError]) -> Iterator[type[EchoicError]]:
    yield family
    for error in family.__subclasses__():
        if error.__module__ == errors.__name__:
            yield from _tree(error)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())


def stale(root: Path, pages: Mapping[str, str]) -> list[str]:
    """A difference for each page whose file does not hold its text."""
    differences = []
    for name, text in pages.items():
        path = root / name
        there = path.read_text(encoding="utf-8") if path.exists() else ""
        if there != text:
            lines = difflib.unified_diff(
                there.splitlines(), text.splitlines(), name, f"{name} as it must be", lineterm=""
            )
            differences.append("\n".join(lines))
    return differences


def main(root: Path, arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` print how they differ; 1 where they do, or the API's document breaks a rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail where a page is stale")
    check = parser.parse_args(arguments).check
    pages = {name: page() for name, page in PAGES.items()}
    differences = stale(root, pages)
    faults = [*complaints(json.loads(pages["docs/openapi.json"])), *idle_exceptions()]
    for fault in faults:
        print(fault)
    if check:
        for difference in differences:
            print(difference)
        print(
            f"docs: {len(pages)} generated pages, {len(differences)} stale"
            + (", run 'make docs'" if differences else "")
            + f", {len(faults)} complaints about the API's document"
        )
        return 1 if differences or faults else 0
    for name, text in pages.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    print(f"docs: {len(differences)} of {len(pages)} generated pages changed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(ROOT, sys.argv[1:]))
