"""Authentication by an API key in the header Authorization, as OpenAI's clients send it."""

from typing import Annotated, cast

from fastapi import BackgroundTasks, Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from echoic.access import Caller, require_scope
from echoic.accounts.callers import admit, by_key
from echoic.compose import Components
from echoic.errors import ContentEncodingUnsupported, Unauthorized
from echoic.intake.body import is_plain

_bearer = HTTPBearer(auto_error=False, scheme_name="ApiKey", description="An API key, in the header Authorization.")


def components_of(request: Request) -> Components:
    """Return the open parts of the process that answers."""
    return cast("Components", request.app.state.components)


async def get_components(request: Request) -> Components:
    return components_of(request)


ComponentsDep = Annotated[Components, Depends(get_components)]


async def authenticate(
    request: Request,
    components: ComponentsDep,
    background: BackgroundTasks,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Caller:
    """Return the caller behind the key.

    Raises Unauthorized, PlanUnknown, RateLimited, and ContentEncodingUnsupported for a body that is compressed.
    """
    if bearer is None or len(request.headers.getlist("authorization")) > 1:
        raise Unauthorized
    use = await by_key(bearer.credentials, components.database)
    caller = await admit(use, components.plans, components.database, later=background.add_task)
    request.state.caller = caller  # for what surrounds the route
    if not is_plain(",".join(request.headers.getlist("content-encoding"))):
        raise ContentEncodingUnsupported
    return caller


CallerDep = Annotated[Caller, Depends(authenticate)]


async def uploader(caller: CallerDep) -> Caller:
    """Return a caller whose key may upload."""
    require_scope(caller, "upload")
    return caller


async def reader(caller: CallerDep) -> Caller:
    """Return a caller whose key may read."""
    require_scope(caller, "read")
    return caller


Uploader = Annotated[Caller, Depends(uploader)]
Reader = Annotated[Caller, Depends(reader)]
