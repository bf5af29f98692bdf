"""The errors that each route may raise, read from the code: what its functions raise, and the functions that they call.

A call is followed where its target can be told from names, annotations and assignments. Errors that a handler takes
and does not raise again are left out. The tests compare this with the answers that they see (`tests/api/documented.py`).
"""

import ast
import inspect
import tomllib
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from echoic.errors import EchoicError, all_errors

Errors = frozenset[type[EchoicError]]
Found = TypeVar("Found")
EXCEPTIONS_FILE = Path(__file__).parent / "raised_exceptions.toml"
OF_USE = ("__init__", "__post_init__", "__enter__", "__aenter__", "__iter__", "__aiter__", "__anext__", "__call__")
"""What is called of a class wherever it is named."""
NOTHING: Errors = frozenset()
FunctionTree = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def exceptions() -> dict[str, dict[str, str]]:
    """Corrections of what is read from the code: by heading, function and code with the reason."""
    found: dict[str, dict[str, str]] = tomllib.loads(EXCEPTIONS_FILE.read_text(encoding="utf-8"))
    return found


def _listed(heading: str, name: str) -> Errors:
    """The errors by which the list of exceptions corrects a function."""
    entries = (entry.split("::") for entry in exceptions()[heading])
    return frozenset(all_errors()[code] for function, code in entries if function == name)


_useful: set[tuple[str, str]] = set()
"""Headings and entries of the list of exceptions that have changed something."""


def idle_exceptions() -> list[str]:
    """Entries of the list of exceptions that have changed nothing; after ``raised_errors``."""
    return [
        f"{EXCEPTIONS_FILE.name}: [{heading}] {entry} changes nothing; take it off the list"
        for heading, entries in exceptions().items()
        for entry in entries
        if (heading, entry) not in _useful
    ]


def raised_errors(routes: Iterable[APIRoute]) -> dict[str, Errors]:
    """The errors of each operation of the document, by its id."""
    shown = [route for route in routes if route.include_in_schema]
    return _settled(
        lambda: {
            str(route.operation_id): NOTHING.union(*(_raised_by(call) for call in _calls(route.dependant)))
            for route in shown
        }
    )


def _calls(dependant: Dependant) -> Iterator[Any]:
    if dependant.call is not None:
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)


def raised_by(function: Any) -> Errors:
    """The errors that a function, method or class may raise when it is called."""
    return _settled(lambda: _raised_by(function))


def _settled(look: Callable[[], Found]) -> Found:
    """What is found once another round finds nothing more: functions may reach themselves."""
    while True:
        size = sum(map(len, _known.values()))
        _done.clear()
        found = look()
        if size == sum(map(len, _known.values())):
            return found


_known: dict[Any, Errors] = {}
_done: set[Any] = set()
"""Functions that were looked into in this round; of one that is reached again through itself the last round's errors count."""


@cache
def _read(function: types.FunctionType) -> "_Function":
    return _Function(function)


def _raised_by(function: Any) -> Errors:
    function = inspect.unwrap(function) if callable(function) else function
    if isinstance(function, types.MethodType):
        function = function.__func__
    if not isinstance(function, types.FunctionType) or not function.__module__.startswith("echoic."):
        return NOTHING
    if function not in _done:
        _done.add(function)
        _known[function] = _read(function).raised() | _known.get(function, NOTHING)
    return _known.get(function, NOTHING)


class _Function:
    """One function: its tree, and what the names in it stand for."""

    def __init__(self, function: types.FunctionType) -> None:
        self._function = function
        self._globals = function.__globals__
        self._tree = _tree(function)
        self._types = {name: kind for name, hint in _hints(function).items() if (kind := _class_of(hint)) is not None}
        if (owner := _owner(function)) is not None:
            self._types.setdefault("self", owner)
        for node in [] if self._tree is None else ast.walk(self._tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self._note(name, value)
                case ast.withitem(context_expr=value, optional_vars=ast.Name(id=name)):
                    self._note(name, value)

    def _note(self, name: str, value: ast.expr) -> None:
        """Note the class of what a name is bound to."""
        if isinstance(found := self._resolved(value), _Instance):
            self._types.setdefault(name, found.kind)

    def raised(self) -> Errors:
        """The errors of the function's own statements, and of what they call."""
        found = NOTHING if self._tree is None else self._of(self._tree.body)
        name = f"{self._function.__module__}.{self._function.__qualname__}"
        also, never = _listed("also", name), _listed("never", name)
        for heading, errors in (("also", also - found), ("never", never & found)):
            _useful.update((heading, f"{name}::{error.code}") for error in errors)
        return (found | also) - never

    def _of(self, nodes: list[Any]) -> Errors:
        return frozenset().union(*(self._of_one(node) for node in nodes))

    def _of_one(self, node: ast.AST) -> Errors:
        match node:
            case ast.Try() | ast.TryStar():
                taken = tuple(self._taken(node.handlers))
                body = frozenset(error for error in self._of(node.body) if not issubclass(error, taken))
                return body | self._of([*node.handlers, *node.orelse, *node.finalbody])
            case ast.ExceptHandler():
                return self._of(node.body)
            case ast.Raise(exc=ast.Name() | ast.Attribute() as named):
                return self._error(self._resolved(named)) | self._of_one(named)
            case ast.Call():
                called = self._resolved(node.func)
                given = () if called in (isinstance, issubclass) else map(self._resolved, node.args)
                inner = self._of(list(ast.iter_child_nodes(node)))
                return inner.union(self._error(called), *map(self._error, given))
            case ast.Subscript(value=ast.Name() | ast.Attribute() as holder):
                found = self._resolved(holder)
                inner = self._of(list(ast.iter_child_nodes(node)))
                return inner | (_raised_by(found.member("__getitem__")) if isinstance(found, _Instance) else NOTHING)
            case ast.Name() | ast.Attribute():
                target = self._resolved(node)
                inner = self._of(list(ast.iter_child_nodes(node)))
                if inspect.isclass(target) and _is_ours(target):
                    return inner.union(*(_raised_by(getattr(target, name, None)) for name in OF_USE))
                return inner | _raised_by(target.fget if isinstance(target, property) else target)
        return self._of(list(ast.iter_child_nodes(node)))

    def _taken(self, handlers: list[ast.ExceptHandler]) -> Iterator[type[BaseException]]:
        for handler in handlers:
            if any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler)):
                continue
            kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
            for kind in kinds:
                taken = self._resolved(kind) if kind is not None else None
                for one in taken if isinstance(taken, tuple) else (taken,):
                    if inspect.isclass(one) and issubclass(one, BaseException):
                        yield one

    @staticmethod
    def _error(target: Any) -> Errors:
        return (
            frozenset({target})
            if inspect.isclass(target) and issubclass(target, EchoicError) and target is not EchoicError
            else NOTHING
        )

    def _resolved(self, node: ast.AST | None) -> Any:
        """The function, class, property or module that an expression is; or ``_Instance`` of the class of its value."""
        match node:
            case ast.Name():
                if node.id in self._types:
                    return _Instance(self._types[node.id])
                return self._globals.get(node.id)
            case ast.Await():
                return self._resolved(node.value)
            case ast.Call():
                target = self._resolved(node.func)
                if inspect.isclass(target):
                    return _Instance(target)
                return _Instance.of(_hints(target).get("return")) if callable(target) else None
            case ast.Attribute():
                holder = self._resolved(node.value)
                if isinstance(holder, property):
                    holder = _Instance.of(_hints(holder.fget).get("return"))
                if isinstance(holder, _Instance):
                    return holder.member(node.attr)
                if isinstance(holder, types.ModuleType) or inspect.isclass(holder):
                    return getattr(holder, node.attr, None)
        return None


class _Instance:
    """A value of a class."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    @classmethod
    def of(cls, hint: Any) -> "_Instance | None":
        kind = _class_of(hint)
        return None if kind is None else cls(kind)

    def member(self, name: str) -> Any:
        """A method or a property of the class, or an instance of the class of an attribute."""
        found = inspect.getattr_static(self.kind, name, None)
        if isinstance(found, types.FunctionType):
            return found
        if isinstance(found, staticmethod | classmethod):
            return found.__func__
        if isinstance(found, property):
            return found
        return _Instance.of(_attributes(self.kind).get(name))


@cache
def _attributes(kind: Any) -> dict[str, Any]:
    """The annotations of a class, and those of parameters of ``__init__`` that are kept under a name."""
    found = dict(_hints(kind))
    made = getattr(kind, "__init__", None)
    if not isinstance(made, types.FunctionType) or not _is_ours(kind):
        return found
    tree = _tree(made)
    if tree is None:
        return found
    hints = _hints(made)
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=attr)], value=ast.Name(id=name)):
                found.setdefault(attr, hints.get(name))
            case ast.Assign(
                targets=[ast.Attribute(value=ast.Name(id="self"), attr=attr)], value=ast.Call(func=ast.Name(id=name))
            ):
                found.setdefault(attr, made.__globals__.get(name))
    return found


@cache
def _functions(path: str) -> dict[tuple[str, int], FunctionTree]:
    """The functions of a file, by their names and the lines where they, or their decorators, begin."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return {
        (node.name, min(part.lineno for part in (node, *node.decorator_list))): node
        for node in ast.walk(tree)
        if isinstance(node, FunctionTree)
    }


def _tree(function: types.FunctionType) -> FunctionTree | None:
    """The source of a function; None for those that were written by a program."""
    code = function.__code__
    return (
        _functions(code.co_filename).get((function.__name__, code.co_firstlineno))
        if code.co_filename[0] != "<"
        else None
    )


@cache
def _hints(thing: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(thing)
    except (NameError, TypeError, AttributeError):
        return dict(getattr(thing, "__annotations__", {}))


def _class_of(hint: Any) -> Any:
    """The one class of ours in an annotation."""
    if inspect.isclass(hint) and _is_ours(hint):
        return hint
    if get_origin(hint) is not None:
        return next((kind for part in get_args(hint) if (kind := _class_of(part)) is not None), None)
    return None


def _is_ours(kind: Any) -> bool:
    return getattr(kind, "__module__", "").startswith("echoic.")


def _owner(function: types.FunctionType) -> Any:
    """The class that a method is of."""
    *way, _ = function.__qualname__.split(".")
    if not way or "<locals>" in way:
        return None
    found: Any = inspect.getmodule(function)
    for name in way:
        found = getattr(found, name, None)
    return found
