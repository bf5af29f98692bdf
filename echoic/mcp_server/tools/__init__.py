"""The tools, one module per resource; this table is the list that clients get, in its order."""

from typing import Any

from mcp.server.mcpserver import MCPServer

from echoic.mcp_server.registry import Tool
from echoic.mcp_server.tools import (
    catalog,
    entities,
    items,
    search,
    sharing,
    speakers,
    transcript,
    transcription,
    trending,
)

TOOLS: tuple[Tool, ...] = (
    *search.TOOLS,
    *items.TOOLS,
    *sharing.TOOLS,
    *transcript.TOOLS,
    *transcription.TOOLS,
    *catalog.TOOLS,
    *speakers.TOOLS,
    *entities.TOOLS,
    *trending.TOOLS,
)


def add_tools(server: MCPServer[Any]) -> None:
    """Register all of them."""
    for tool in TOOLS:
        tool.add_to(server)
