"""A real pgbouncer for tests, in front of the tests' own PostgreSQL: it gives each transaction another session of the server."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from echoic.postgres import ROLE
from tests.folders import passable_folder
from tests.waiting import wait_for

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
NEEDED = "the tests of connection pools need pgbouncer: install the package pgbouncer"
PORT = 6432
"""Of the socket's name; nothing listens on it."""

# The sessions of the server are handed out in turn, so that two transactions of one client seldom meet the same one.
CONFIGURATION = """
[databases]
* = host={server} port=5432

[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {folder}
unix_socket_mode = 0777
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
server_round_robin = 1
default_pool_size = 8
max_client_conn = 200
ignore_startup_parameters =
"""


@dataclass(frozen=True)
class Pooler:
    """A running pgbouncer."""

    folder: Path

    def url(self, database: str) -> str:
        """Return the URL of a database through the pool, for the program's role."""
        return f"postgresql://{ROLE}@/{database}?host={self.folder}&port={PORT}"


@contextmanager
def pooler(server: Path) -> Iterator[Pooler]:
    """Start a pgbouncer before the PostgreSQL whose socket lies in that folder; it ends with the block."""
    assert PROGRAM is not None
    with passable_folder() as folder:
        (folder / "users").write_text(f'"{ROLE}" ""\n')
        configuration = folder / "pgbouncer.ini"
        configuration.write_text(CONFIGURATION.format(server=server, port=PORT, folder=folder))
        changed: dict[str, object] = {}
        if os.geteuid() == 0:  # which pgbouncer refuses to be; the socket is its owner's alone
            owner = server.stat()
            os.chown(folder, owner.st_uid, owner.st_gid)
            changed = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # type: ignore[call-overload]  # the account, where there is one to change to
                [PROGRAM, str(configuration)], stdin=subprocess.DEVNULL, stdout=output, stderr=output, **changed
            )
        try:
            wait_for(lambda: _answers(folder, process, log), "pgbouncer takes connections")
            yield Pooler(folder)
        finally:
            process.kill()
            process.wait()


def _answers(folder: Path, process: "subprocess.Popen[bytes]", log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        psycopg.connect(Pooler(folder).url("echoic"), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(scope="session")
def pgbouncer(postgres_server: str) -> Iterator[Pooler]:
    """A pgbouncer in front of the server of the tests; what needs one is left out where the program is missing."""
    if PROGRAM is None:
        pytest.skip(NEEDED)
    (server,) = parse_qs(urlsplit(postgres_server).query)["host"]
    with pooler(Path(server)) as running:
        yield running
