"""The caller of a tool, and the parts of the process that answer. Known before the protocol's library is loaded."""

from dataclasses import dataclass

from starlette.requests import Request

from echoic.access import Caller
from echoic.compose import Components
from echoic.db.connect import Database

STATE = "mcp"
"""The name under which the door puts this into the request's state."""
UPLOAD = "upload"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """The caller of a tool, and what answers."""

    caller: Caller
    components: Components
    base: str
    """The server's own address, without a slash at its end."""

    @property
    def database(self) -> Database:
        return self.components.database

    def page_of(self, item_id: int, start: float | None = None) -> str:
        """Return the address of an item's page, at a second of the recording."""
        address = f"{self.base}/items/{item_id}"
        return address if start is None else f"{address}?t={round(start, 1):.10g}"


def base_of(request: Request, components: Components) -> str:
    """Return the address that clients reach the server under, without a slash at the end."""
    return (components.settings.public_url or str(request.base_url)).rstrip("/")
