"""The context that a tool is called in: it leads to the caller."""

from typing import Any, TypeAlias

from mcp.server.mcpserver import Context
from starlette.requests import Request

from echoic.access import READ, require_scope
from echoic.mcp_server.asking import STATE, Asking

ToolContext: TypeAlias = Context[Any, Any]


def asking(ctx: ToolContext, scope: str = READ) -> Asking:
    """Return who calls a tool that needs this scope. Raises ScopeMissing."""
    request = ctx.request_context.request
    if not isinstance(request, Request):
        raise TypeError("A tool was called without a request.")
    found: Asking = request.scope["state"][STATE]
    require_scope(found.caller, scope)
    return found
