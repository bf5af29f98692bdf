"""The application on a real database, asked in-process."""

from tests.api.conftest import app, client, components, log, world

__all__ = ["app", "client", "components", "log", "world"]
