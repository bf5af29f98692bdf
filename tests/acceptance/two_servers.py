"""Two servers without a worker that share a database and a bucket and nothing else, as on two hosts; and a worker on a third."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from echoic.testing.private_server import ANSWER_PATIENCE_SECONDS, IDLE_SECONDS, WITHOUT_WORKER, PrivateServer
from tests.acceptance.held_workers import HeldWorkers
from tests.folders import passable_folder


class TwoServers:
    """Two servers; one that was ended is started again, on its own folder, when clients of both are asked for."""

    def __init__(self, folders: tuple[Path, Path], shared: Mapping[str, str]) -> None:
        """``shared`` are the settings of both, those that name database and bucket among them."""
        self._folders = folders
        self._shared = shared
        first = self._start(folders[0])
        # The key file lets the second server's client in: the account is the same.
        (folders[1] / "api-key").write_text((folders[0] / "api-key").read_text(encoding="utf-8"), encoding="utf-8")
        self.servers = [first, self._start(folders[1])]

    @contextmanager
    def clients(self) -> Iterator[tuple[httpx.Client, httpx.Client]]:
        """A client of each, which stays open when its server is ended."""
        for number, server in enumerate(self.servers):
            if server.process.poll() is not None:
                self.servers[number] = self._start(self._folders[number])
        first, second = (_client_of(server) for server in self.servers)
        with first, second:
            yield first, second

    def kill(self) -> None:
        """End both as kill -9 does."""
        for server in self.servers:
            server.kill()

    def _start(self, folder: Path) -> PrivateServer:
        return PrivateServer(folder, options=WITHOUT_WORKER, **own_host(folder), **self._shared)


@contextmanager
def two_servers(shared: Mapping[str, str]) -> Iterator[tuple[TwoServers, HeldWorkers]]:
    """Start them with these settings; all end with the block."""
    with ExitStack() as stack:
        one, two, three = (stack.enter_context(passable_folder()) for _ in range(3))
        workers = HeldWorkers(three, {**own_host(three), **shared})
        stack.callback(workers.close)
        servers = TwoServers((one, two), shared)
        stack.callback(servers.kill)
        workers.start_worker()
        yield servers, workers


def own_host(folder: Path) -> dict[str, str]:
    """The settings that no two hosts share: folders for data and for what is under way."""
    (folder / "tmp").mkdir(exist_ok=True)
    return {"ECHOIC_DATA_DIR": str(folder), "TMPDIR": str(folder / "tmp")}


def _client_of(server: PrivateServer) -> httpx.Client:
    return httpx.Client(
        base_url=server.client.base_url,
        headers={"Authorization": server.client.headers["Authorization"]},
        timeout=ANSWER_PATIENCE_SECONDS,
        limits=httpx.Limits(keepalive_expiry=IDLE_SECONDS),
        trust_env=False,
        follow_redirects=True,
    )
