"""A whole server with engines that answer at once, and OpenAI's own client pointed at it."""

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from openai import OpenAI

from echoic.testing.private_server import FAKE_ENGINES, PrivateServer
from tests.folders import passable_folder

RECORDING = Path(__file__).parents[2] / "examples" / "jfk.flac"


@pytest.fixture(scope="package")
def server() -> Iterator[PrivateServer]:
    with passable_folder() as folder, PrivateServer(folder, **FAKE_ENGINES) as started:
        yield started


@pytest.fixture
def client(server: PrivateServer) -> Iterator[OpenAI]:
    """OpenAI's client; a test that shares recordings with others gets their results."""
    with client_of(server) as opened:
        yield opened


def client_of(server: PrivateServer, *, port: int | None = None, max_retries: int = 2) -> OpenAI:
    """OpenAI's client for a server, straight or by way of another port."""
    base = str(server.client.base_url).rstrip("/") if port is None else f"http://127.0.0.1:{port}"
    return openai.OpenAI(
        api_key=server.client.headers["Authorization"].removeprefix("Bearer "),
        base_url=f"{base}/v1",
        max_retries=max_retries,
        timeout=120.0,
    )
