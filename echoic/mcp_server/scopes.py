"""The scope that a request needs, read from its body before a tool is called."""

import json

from echoic.mcp_server.tools import TOOLS

CALL = "tools/call"
_SCOPES = {tool.listed_as: tool.scope for tool in TOOLS}


def scope_of_call(body: bytes) -> str | None:
    """Return the scope of a key that the call of a tool needs; None where the body calls none of Echoic's tools."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return None  # the transport says what is wrong
    if not isinstance(message, dict) or message.get("method") != CALL:
        return None
    params = message.get("params")
    name = params.get("name") if isinstance(params, dict) else None
    return _SCOPES.get(name) if isinstance(name, str) else None
