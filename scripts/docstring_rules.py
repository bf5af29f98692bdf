"""The rules of docstrings: every module has one, and each begins with the thing it tells of."""

import ast
import re
from collections.abc import Iterator

_NO_SUBJECT = re.compile(r"(?:What|Who|Whoever|Whatever|Whom|Whose|Where|Whether|Which|When|How|Those|It)\b")
"""A first word that asks a question, or stands for a noun that comes later."""


def every_module_has_a_docstring(path: str, tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Yield a module without docstring: the listing of modules with their first lines is the guide to the code."""
    if not path.startswith("tests/") and not ast.get_docstring(tree):
        yield tree, "has no docstring; say in one to five lines what it is for and what it must not know"


def docstrings_begin_with_a_subject(path: str, tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Yield each module, class and function of the package whose docstring begins with no noun and no verb."""
    if not path.startswith("echoic/") or path.startswith("echoic/db/migrations/"):
        return
    documented = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    )
    for node in documented:
        if word := _NO_SUBJECT.match(ast.get_docstring(node) or ""):
            yield node.body[0], f"begins with {word[0]!r}; name the thing, or say what it does, as 'Return whether'"
