"""The verbs against a whole server of its own, with fake engines."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from echoic.cli import app
from echoic.testing.private_server import FAKE_ENGINES, PrivateServer
from tests.folders import passable_folder

FAKES = {**FAKE_ENGINES, "ECHOIC_WORKER_POLL_SECONDS": "0.2"}

Run = Callable[..., Result]


@pytest.fixture(scope="package")
def server() -> Iterator[PrivateServer]:
    """One server for all tests of the verbs: each test tells its own items from the others'."""
    with passable_folder() as folder, PrivateServer(folder, **FAKES) as started:
        yield started


@pytest.fixture
def no_access(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user who has set up nothing."""
    for variable in ("ECHOIC_SERVER", "ECHOIC_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("ECHOIC_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def echoic(no_access: None, server: PrivateServer, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a verb as a user who has set address and key in the environment."""
    monkeypatch.setenv("ECHOIC_SERVER", str(server.client.base_url))
    monkeypatch.setenv("ECHOIC_API_KEY", server.client.headers["Authorization"].removeprefix("Bearer "))
    return run


def run(*arguments: str, text: str | None = None) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(app, arguments, input=text)
