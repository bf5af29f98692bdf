"""Requests find their routes by the shape of their paths, and nothing on their way is handed to a thread."""

import inspect
import re
from collections.abc import Iterator

import pytest
from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope

from echoic.api.app import DISPATCH, ROUTERS, ROUTES
from echoic.api.dispatch import Dispatch

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def asked(path: str, method: str) -> Scope:
    return {"type": "http", "path": path, "method": method, "root_path": "", "headers": []}


def by_asking_all(scope: Scope) -> tuple[Match, Scope]:
    """What the framework finds, which asks route after route."""
    found = [route.matches(scope) for route in ROUTES]
    full = [each for each in found if each[0] is Match.FULL]
    partial = [each for each in found if each[0] is Match.PARTIAL]
    return (full or partial or [(Match.NONE, {})])[0]


@pytest.mark.parametrize("value", ["1", "C%2B%2B und mehr", "..", ""])
def test_each_request_finds_the_route_that_asking_all_of_them_would_find(value: str) -> None:
    for path in {re.sub(r"\{[^}]+\}", value, route.path) for route in ROUTES}:
        for method in METHODS:
            assert DISPATCH.matches(asked(path, method)) == by_asking_all(asked(path, method)), (method, path)
            below = {**asked(f"/echoic{path}", method), "root_path": "/echoic"}
            assert DISPATCH.matches(below) == by_asking_all(below), (method, path)


def test_all_routes_are_among_them() -> None:
    assert [route for router in ROUTERS for route in router.routes] == ROUTES


@pytest.mark.parametrize("path", ["", "/", "/api", "/api/", "/api/items/1/2/3/4/5/6", "//", "/apiitems", "items"])
def test_what_no_route_has_is_left_to_others(path: str) -> None:
    assert DISPATCH.matches(asked(path, "GET")) == (Match.NONE, {})
    assert DISPATCH.matches({**asked("/api/items", "GET"), "type": "websocket"}) == (Match.NONE, {})


@pytest.mark.parametrize("path", ["/{anything}", "/api/{kind}/x", "/api/files/{name:path}"])
def test_a_route_whose_requests_have_several_shapes_is_refused(path: str) -> None:
    router = APIRouter()
    router.add_api_route(path, lambda: None)
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    with pytest.raises(ValueError, match="several shapes"):
        Dispatch(routes)


def test_no_route_and_nothing_that_it_depends_on_is_handed_to_a_thread() -> None:
    calls = {call for route in ROUTES for call in _calls(route.dependant)}
    assert len(calls) > len(ROUTES) / 2
    for call in calls:
        of_object = call if inspect.isroutine(call) else type(call).__call__
        assert inspect.iscoroutinefunction(of_object), f"{call} would be handed to a thread"


def _calls(dependant: Dependant) -> Iterator[object]:
    if dependant.call is not None:
        yield dependant.call
    for each in dependant.dependencies:
        yield from _calls(each)
