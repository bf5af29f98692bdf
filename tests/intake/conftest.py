import ssl

import pytest

from echoic.intake.audio_url import parse_audio_url
from echoic.intake.body import file_cap
from echoic.intake.egress import Egress, EgressProxy
from echoic.intake.fetch import fetch
from echoic.intake.networks import AllowList
from echoic.units import MB
from tests.sites import ScriptedResolver


class Memory:
    def __init__(self) -> None:
        self.content = bytearray()

    async def write(self, chunk: bytes) -> None:
        self.content += chunk


class Fetcher:
    """Fetches into memory; knows good.example, where sites are, and internal.example, where nobody may go."""

    def __init__(self, trusting: ssl.SSLContext) -> None:
        self.resolver = ScriptedResolver(good_example=[["127.0.0.1"]], internal_example=[["127.0.0.2"]])
        self.allowed = AllowList.parse(["127.0.0.1"])
        self.ssl_context = trusting
        self.proxy: EgressProxy | None = None
        self.memory = Memory()

    async def __call__(self, url: str, *, max_bytes: int = MB, timeout_seconds: float = 20.0) -> bytes:
        egress = Egress(allowed=self.allowed, resolve=self.resolver, ssl_context=self.ssl_context, proxy=self.proxy)
        cap = file_cap(max_bytes)
        size = await fetch(parse_audio_url(url), self.memory, cap=cap, timeout_seconds=timeout_seconds, egress=egress)
        assert size == len(self.memory.content)
        return bytes(self.memory.content)


@pytest.fixture
def fetcher(trusting: ssl.SSLContext) -> Fetcher:
    return Fetcher(trusting)
