"""The whole application at a port of this machine, with engines that need no models, and clients of the protocol."""

from collections.abc import AsyncIterator

import pytest

from echoic.compose import Components
from echoic.server.application import whole_application
from tests.api.conftest import app, client, components, log, world
from tests.mcp_server.clients import Mcp, at_port

__all__ = ["app", "client", "components", "log", "world"]


@pytest.fixture
async def mcp(components: Components) -> AsyncIterator[Mcp]:
    """The application, served."""
    async with at_port(whole_application(components)) as base:
        yield Mcp(base)
