"""Data folders, and owners of them as processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg
import pytest

from echoic.postgres import EmbeddedPostgres
from echoic.postgres.account import Account, choose_account
from echoic.postgres.cluster import OWNER
from echoic.postgres.folders import Folders
from echoic.postgres.pidfile import is_alive, running_server
from echoic.settings import Settings
from tests.conftest import as_role
from tests.folders import passable_folder

PATIENCE_SECONDS = 30.0
REPOSITORY = Path(__file__).parents[2]
OWNER_PROGRAM = Path(__file__).with_name("owner.py")

# Processes are killed here, not machines: what was written is in the system's memory.
FAST = {"fsync": "off", "shared_buffers": "32MB"}

Eventually = Callable[[Callable[[], object], str], None]


class Site:
    """One data folder with its server."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.options: dict[str, str] = dict(FAST)

    def settings(self, **changed: Any) -> Settings:
        ours: dict[str, Any] = {"data_dir": self.data_dir, "postgres_bin_dir": None, "postgres_account": None}
        return Settings(_env_file=None, **{**ours, **changed})

    @property
    def folders(self) -> Folders:
        return Folders.of(self.settings())

    @property
    def account(self) -> Account | None:
        return choose_account(None, self.folders.home)

    @property
    def identity(self) -> dict[str, Any]:
        """For subprocess: the account that the server runs as."""
        account = self.account
        return {"user": account.uid, "group": account.gid, "extra_groups": account.groups} if account else {}

    def server_pid(self) -> int:
        found = running_server(self.folders.cluster)
        assert found is not None, "no server is running"
        return found.pid

    def servers(self) -> list[psutil.Process]:
        """All servers on the cluster, however many there should be; told by their command line, without children."""
        named: dict[int, psutil.Process] = {}
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                command = process.cmdline()
                if command and Path(command[0]).name == "postgres" and str(self.folders.cluster) in command:
                    named[process.pid] = process
        return [process for process in named.values() if _parent(process) not in named]

    def kill_everything(self) -> None:
        """Leave only what a power cut would leave, and perhaps dead processes that nobody reaped."""
        for server in self.servers():
            with suppress(psutil.NoSuchProcess):
                family = [server, *server.children(recursive=True)]
                for process in family:
                    process.kill()
                while any(is_alive(process.pid) for process in family):
                    time.sleep(0.01)


class Owner:
    """A process that owns a data folder."""

    def __init__(
        self, site: Site, data_dir: Path | None = None, interpreter: str = sys.executable, **popen: Any
    ) -> None:
        overrides = json.dumps({"postgres_bin_dir": None, "postgres_account": None})
        command = [interpreter, str(OWNER_PROGRAM), str(data_dir or site.data_dir), overrides, json.dumps(site.options)]
        paths = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "PYTHONPATH": paths}
        self.process = subprocess.Popen(
            **{"args": command, "env": environment, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, **popen}
        )

    def said(self) -> tuple[str, str]:
        """What became of its start, and the rest of the line."""
        assert self.process.stdout is not None
        word, _, rest = self.process.stdout.readline().decode().strip().partition(" ")
        return word, rest

    def ready(self) -> Self:
        word, rest = self.said()
        assert word == "ready", rest
        return self

    def end(self, sign: signal.Signals) -> None:
        self.process.send_signal(sign)
        self.process.wait(PATIENCE_SECONDS)

    def finish(self) -> None:
        self.process.communicate(timeout=PATIENCE_SECONDS)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder the account of PostgreSQL can get to; pytest's own is closed to it under root."""
    with passable_folder() as folder:
        yield folder


@pytest.fixture
def bare_site(data_dir: Path) -> Iterator[Site]:
    """A data folder that does not exist yet."""
    site = Site(data_dir / "data")
    yield site
    site.kill_everything()


@pytest.fixture(scope="session")
def made_site() -> Iterator[Site]:
    """A data folder as a run of Echoic leaves it behind."""
    with passable_folder() as folder:
        site = Site(folder / "data")
        with EmbeddedPostgres(site.settings(), options=site.options):
            pass
        yield site


@pytest.fixture
def site(bare_site: Site, made_site: Site) -> Site:
    """A data folder with a stopped cluster: copying one takes a tenth of the time of making one."""
    subprocess.run(["cp", "-a", str(made_site.data_dir), str(bare_site.data_dir)], check=True)  # noqa: S607 - any cp
    return bare_site


@pytest.fixture
def start_owner(bare_site: Site) -> Iterator[Callable[..., Owner]]:
    """Starts owners of the test's site, and sees to it that none is left."""
    with ExitStack() as ends:

        def start(**popen: Any) -> Owner:
            owner = Owner(bare_site, **popen)
            ends.callback(_make_sure_it_ended, owner.process)
            return owner

        yield start


def _make_sure_it_ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


@pytest.fixture
def eventually() -> Eventually:
    """Waits for a condition, with a bound."""

    def wait(condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"Waited {PATIENCE_SECONDS:.0f} s in vain until {what}")
            time.sleep(0.02)

    return wait


@pytest.fixture
def query(eventually: Eventually) -> Callable[..., Any]:
    """Asks for one value, as the owner; ``patient`` waits for a server that is just coming back."""

    def ask(url: str, statement: str, *, patient: bool = False, role: str = OWNER) -> Any:
        answers: list[Any] = []

        def answered() -> bool:
            try:
                with psycopg.connect(as_role(url, role), autocommit=True) as connection:
                    cursor = connection.execute(statement.encode())
                    row = cursor.fetchone() if cursor.description else None
                    answers.append(row[0] if row else None)
            except psycopg.OperationalError:
                if not patient:
                    raise
                return False
            return True

        eventually(answered, "the server answers")
        return answers[-1]

    return ask


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.Error:
        return 0
