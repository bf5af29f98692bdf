"""Finds the route of a request among the few that can have its path.

The framework tries every route's expression in turn, and those of a router twice. With this many routes that takes as long
as a statement of the database.
"""

from collections import defaultdict
from collections.abc import Sequence

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

FIXED_SEGMENTS = 2
"""The number of segments at a path's start in which no route has a parameter, as in ``/api/items/{item_id}``."""


class Dispatch(BaseRoute):
    """All of some routes as one. They answer in their own order, as if each were a route of the application.

    Raises ValueError for a route whose path has a parameter at its start, or one that stands for several segments.
    """

    def __init__(self, routes: Sequence[APIRoute]) -> None:
        by_shape: dict[tuple[int, str], list[APIRoute]] = defaultdict(list)
        for route in routes:
            shape = _shape(route.path)
            if "{" in shape[1] or ":path}" in route.path:
                raise ValueError(f"The path {route.path} can be that of requests of several shapes.")
            by_shape[shape].append(route)
        self._by_shape = dict(by_shape)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http":
            return Match.NONE, {}
        partial: tuple[Match, Scope] = (Match.NONE, {})
        for route in self._by_shape.get(_shape(_path(scope)), ()):
            match, found = route.matches(scope)
            if match is Match.FULL:
                return match, found
            if match is Match.PARTIAL and partial[0] is Match.NONE:
                partial = match, found
        return partial

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["route"].handle(scope, receive, send)


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def _shape(path: str) -> tuple[int, str]:
    """The number of a path's segments, and those at its start; paths of one route have one shape."""
    return path.count("/"), "/".join(path.split("/", FIXED_SEGMENTS + 1)[: FIXED_SEGMENTS + 1])
