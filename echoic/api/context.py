"""The arguments of routes: the open parts of the process and its counts.

Coroutines, because FastAPI hands every plain function to a thread.
"""

from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import Request

from echoic.compose import Components
from echoic.metrics import Metrics


def components_of(request: Request) -> Components:
    """The open parts of the process that answers a request."""
    return cast("Components", request.app.state.components)


async def get_components(request: Request) -> Components:
    return components_of(request)


async def get_metrics(request: Request) -> Metrics:
    return cast("Metrics", request.app.state.metrics)


ComponentsDep = Annotated[Components, Depends(get_components)]
MetricsDep = Annotated[Metrics, Depends(get_metrics)]


def base_url(request: Request, components: Components) -> str:
    """The address clients reach the server under, without a slash at the end."""
    return (components.settings.public_url or str(request.base_url)).rstrip("/")
