"""The form in which a tool is registered: its function, its title, and whether it changes or fetches anything."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations

from echoic.access import READ
from echoic.mcp_server.answers import DATA
from echoic.mcp_server.refusals import told


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A tool of the server. Its docstring is what an agent reads of it, its name is that of the function."""

    function: Callable[..., Any]
    title: str
    name: str | None = None
    """Of a tool that has two."""
    scope: str = READ
    """The scope of a key that a call needs; the function asks for it, too."""
    reads_only: bool = True
    reaches_out: bool = False
    """Whether it fetches from the internet."""

    @property
    def listed_as(self) -> str:
        """Return the name by which clients call it."""
        return self.name or self.function.__name__

    def add_to(self, server: MCPServer[Any]) -> None:
        """Register the tool."""
        server.add_tool(
            told(self.function),
            name=self.listed_as,
            title=self.title,
            description=f"{_as_text(self.function)}\n\n{DATA}",
            annotations=ToolAnnotations(
                title=self.title,
                read_only_hint=self.reads_only,
                destructive_hint=False,
                idempotent_hint=self.reads_only,
                open_world_hint=self.reaches_out,
            ),
        )


def _as_text(function: Callable[..., Any]) -> str:
    return "\n".join(line.strip() for line in (function.__doc__ or "").strip().splitlines())
