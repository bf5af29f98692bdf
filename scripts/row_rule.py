"""The rule that functions of echoic/db alone write rows: which names stand for rows, and what writes one."""

import ast
from collections.abc import Iterator

ROW_ROOMS = ("echoic/db/", "echoic/pipeline/")
"""The pipeline's state machine writes the row of the run it moves, under the claim that it checks."""
SESSION_CALLS = {"add", "add_all", "delete", "execute", "flush", "get", "merge", "refresh", "scalar", "scalars"}


def rows_written(path: str, tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Functions of echoic/db write rows, so that each change of a table is found in one place.

    A row is an argument whose class comes from echoic.db, or anything that was awaited and what hangs on it.
    """
    if not path.startswith("echoic/") or path.startswith(ROW_ROOMS):
        return
    classes = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("echoic.db.")
        for alias in node.names
    }
    seen: set[ast.AST] = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        rows = _rows(function, classes)
        for node in ast.walk(function):
            if node not in seen and (written := _written(node, rows)):
                seen.add(node)
                yield node, f"{written}; rows are written by functions of echoic/db only"


def _rows(function: ast.FunctionDef | ast.AsyncFunctionDef, classes: set[str]) -> set[str]:
    """Names in a function that stand for rows of the database."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    rows = {
        argument.arg
        for argument in arguments
        if argument.annotation and any(name_of(node) in classes for node in ast.walk(argument.annotation))
    }
    before = -1
    while before != len(rows):  # a name may be bound above the one that it is taken from
        before = len(rows)
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and _is_row(node.value, rows):
                rows |= {name_of(name) for target in node.targets for name in _targets(target)}
            elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value and _is_row(node.value, rows):
                rows.add(name_of(node.target))
            elif isinstance(node, ast.For | ast.AsyncFor) and _is_row(node.iter, rows):
                rows |= {name_of(name) for name in _targets(node.target)}
    return rows


def _is_row(node: ast.expr, rows: set[str]) -> bool:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return isinstance(node, ast.Await) or (isinstance(node, ast.Name) and node.id in rows)


def _targets(target: ast.expr) -> Iterator[ast.expr]:
    """The targets of an assignment, those in a tuple one by one."""
    if isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _targets(element)
    elif not isinstance(target, ast.Attribute):
        yield target


def _written(node: ast.AST, rows: set[str]) -> str | None:
    """What a node does to a row; None for every other node."""
    match node:
        case ast.Attribute(value=value, attr=attribute, ctx=ast.Store()) if _is_row(value, rows):
            return f"sets {attribute} of a row"
        case ast.Call(func=ast.Name(id="setattr"), args=[thing, *_]) if _is_row(thing, rows):
            return "sets a column of a row"
        case ast.Call(func=ast.Attribute(value=ast.Name(id="session"), attr=method)) if method in SESSION_CALLS:
            return f"calls {method} of a session"
        case _:
            return None


def name_of(node: ast.AST | None) -> str:
    """The name that a node is or ends with; empty where it has none."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
            return name
        case _:
            return ""
