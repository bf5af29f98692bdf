"""Fail when a module or function outgrows its bound and is not listed, with a reason, in size_exceptions.toml.

The modules of the page in the browser have the bound of all modules. The list may only shrink: an entry that is no longer needed fails, too. For the package the median module and the 90th
percentile of the functions are held down as well, so that many middling files cannot hide behind the bound.
"""

import ast
import statistics
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_MEDIAN_MODULE_LINES = 150
MAX_P90_FUNCTION_LINES = 35
MIN_MODULE_LINES_COUNTED = 6
"""Shorter files, such as empty ``__init__``, would pull the median down without being code."""

FOLDERS = ("echoic", "tests", "bench", "scripts")
PACKAGE = "echoic"
PAGE_FOLDER = "web/src"
PAGE_SUFFIXES = (".svelte", ".ts", ".css")
NOT_COUNTED = ("web/src/words/", "web/src/api/schema.d.ts")
"""The catalogs of words, which grow by a line with each sentence of the page, and the types made from docs/openapi.json."""
EXCEPTIONS_FILE = Path("scripts/size_exceptions.toml")


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Lines by name: a module is named by its path, a function ``path::Class.function``."""

    modules: dict[str, int] = field(default_factory=dict)
    functions: dict[str, int] = field(default_factory=dict)


def measure(root: Path, folders: tuple[str, ...] = FOLDERS) -> Sizes:
    """Count every line of every module and function below ``root``; a decorator counts, a nested function counts twice.

    Functions of the page are not counted.
    """
    sizes = Sizes()
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            text = path.read_text(encoding="utf-8")
            sizes.modules[name] = len(text.splitlines())
            for function, lines in _functions(ast.parse(text, filename=name)):
                sizes.functions[f"{name}::{function}"] = lines
    for path in sorted((root / PAGE_FOLDER).rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.suffix in PAGE_SUFFIXES and not name.startswith(NOT_COUNTED):
            sizes.modules[name] = len(path.read_text(encoding="utf-8").splitlines())
    return sizes


def _functions(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, int]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
            yield f"{prefix}{child.name}", (child.end_lineno or first) - first + 1
            yield from _functions(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")
        else:
            yield from _functions(child, prefix)


def oversized(sizes: Sizes) -> dict[str, str]:
    """What is over its bound, by name, with the sentence that says so."""
    found = {}
    for what, lines_by_name, bound in (
        ("module", sizes.modules, MAX_MODULE_LINES),
        ("function", sizes.functions, MAX_FUNCTION_LINES),
    ):
        for name, lines in lines_by_name.items():
            if lines > bound:
                found[name] = f"{name}: {what} of {lines} lines, the bound is {bound}"
    return found


def check(sizes: Sizes, exceptions: Mapping[str, object]) -> list[str]:
    """Every complaint about single modules and functions, given the listed exceptions (name to reason)."""
    found = oversized(sizes)
    complaints = [
        f"{sentence}; split it by noun, or list it with a reason in {EXCEPTIONS_FILE}"
        for name, sentence in found.items()
        if name not in exceptions
    ]
    for name, reason in exceptions.items():
        if name not in found:
            complaints.append(f"{name}: listed in {EXCEPTIONS_FILE} but within its bound or gone; take it off the list")
        elif not (isinstance(reason, str) and reason.strip()):
            complaints.append(f"{name}: listed in {EXCEPTIONS_FILE} without a reason")
    return complaints


def check_spread(module_median: float, function_p90: float) -> list[str]:
    """Complaints about the package as a whole."""
    complaints = []
    if module_median > MAX_MEDIAN_MODULE_LINES:
        complaints.append(
            f"{PACKAGE}: median module of {module_median:g} lines, the bound is {MAX_MEDIAN_MODULE_LINES}"
        )
    if function_p90 > MAX_P90_FUNCTION_LINES:
        complaints.append(
            f"{PACKAGE}: 90 % of the functions are within {function_p90:g} lines, the bound is {MAX_P90_FUNCTION_LINES}"
        )
    return complaints


def spread(sizes: Sizes) -> tuple[float, float]:
    """Median lines of a module, and the lines that 90 % of the functions keep within, in the package."""
    modules = [
        n for name, n in sizes.modules.items() if name.startswith(f"{PACKAGE}/") and n >= MIN_MODULE_LINES_COUNTED
    ]
    functions = sorted(n for name, n in sizes.functions.items() if name.startswith(f"{PACKAGE}/"))
    return (
        statistics.median(modules) if modules else 0,
        functions[(len(functions) * 9 + 9) // 10 - 1] if functions else 0,
    )


def main(root: Path) -> int:
    """Print the figures and every complaint; 1 when there is one."""
    exceptions: dict[str, object] = {}
    if (root / EXCEPTIONS_FILE).exists():
        exceptions = tomllib.loads((root / EXCEPTIONS_FILE).read_text(encoding="utf-8")).get("oversized", {})
    sizes = measure(root)
    module_median, function_p90 = spread(sizes)
    complaints = check(sizes, exceptions) + check_spread(module_median, function_p90)
    for complaint in complaints:
        print(complaint)
    print(
        f"sizes of {PACKAGE}/: module median {module_median:g} lines, function p90 {function_p90:g} lines, "
        f"{len(exceptions)} listed exceptions, {len(complaints)} complaints"
    )
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent))
