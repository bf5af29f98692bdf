"""A stale postmaster.pid, whoever has its number now, does not stop the start."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from echoic.postgres import EmbeddedPostgres
from echoic.postgres.pidfile import is_alive, read_pid_file, running_server

Query = Callable[..., Any]


@pytest.fixture
def crashed(site: Any) -> Any:
    """A site whose server was killed: its postmaster.pid is still there."""
    server = EmbeddedPostgres(site.settings(), options=site.options)
    server.start()
    command = psutil.Process(site.server_pid()).cmdline()
    server.stop()
    child = subprocess.Popen(command, cwd="/", **site.identity)
    while (found := read_pid_file(site.folders.cluster)) is None or not found.ready:
        assert child.poll() is None
    site.kill_everything()
    child.wait()
    return site


def _name_in_pid_file(site: Any, pid: int) -> None:
    """Make the file name another process, as if that had got the number of the dead server."""
    file: Path = site.folders.cluster / "postmaster.pid"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([f"{pid}\n", *lines[1:]]))


@pytest.fixture
def bystander(crashed: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Any process of the account that PostgreSQL runs as."""
    with subprocess.Popen(["sleep", "600"], cwd="/", **crashed.identity) as process:  # noqa: S607 - any sleep
        yield process
        process.kill()


def test_a_stale_pid_file_of_another_process_does_not_stop_the_start(
    crashed: Any, bystander: subprocess.Popen[bytes], query: Query
) -> None:
    _name_in_pid_file(crashed, bystander.pid)
    assert running_server(crashed.folders.cluster) is None
    with EmbeddedPostgres(crashed.settings(), options=crashed.options) as server:
        assert query(server.url, "SELECT 1") == 1
        assert bystander.poll() is None


def test_a_stale_pid_file_that_names_the_server_of_another_cluster_leaves_that_server_alone(
    crashed: Any, made_site: Any, query: Query
) -> None:
    with EmbeddedPostgres(made_site.settings(), options=made_site.options) as other:
        other_pid = made_site.server_pid()
        _name_in_pid_file(crashed, other_pid)
        with EmbeddedPostgres(crashed.settings(), options=crashed.options) as server:
            assert query(server.url, "SELECT 1") == 1
            assert query(other.url, "SELECT 1") == 1
            assert made_site.server_pid() == other_pid != crashed.server_pid()


def test_a_dead_server_that_nobody_reaps_does_not_stop_the_start(site: Any, query: Query) -> None:
    with EmbeddedPostgres(site.settings(), options=site.options):
        command = psutil.Process(site.server_pid()).cmdline()
    # Our child, and we do not ask for its end before the next server runs: a zombie meanwhile.
    unreaped = subprocess.Popen(command, cwd="/", **site.identity)
    while (found := read_pid_file(site.folders.cluster)) is None or not found.ready:
        assert is_alive(unreaped.pid)
    os.kill(unreaped.pid, signal.SIGKILL)
    while is_alive(unreaped.pid):
        pass
    assert psutil.Process(unreaped.pid).status() == psutil.STATUS_ZOMBIE
    with EmbeddedPostgres(site.settings(), options=site.options) as server:
        assert query(server.url, "SELECT 1") == 1
        assert psutil.Process(unreaped.pid).status() == psutil.STATUS_ZOMBIE
    unreaped.wait()


@pytest.mark.parametrize("content", ["", "\n", "nonsense\n", "12345"], ids=["empty", "blank", "text", "cut off"])
def test_a_pid_file_that_was_cut_off_names_no_running_server(tmp_path: Path, content: str) -> None:
    (tmp_path / "postmaster.pid").write_text(content)
    assert running_server(tmp_path) is None


@pytest.mark.parametrize("file", ["cluster/postmaster.pid", "socket/.s.PGSQL.5432.lock"])
def test_a_lock_file_whose_server_was_killed_before_it_had_filled_it_does_not_stop_the_start(
    site: Any, query: Query, file: str
) -> None:
    empty = site.folders.home / file
    empty.touch()
    owner = site.folders.home.stat()
    os.chown(empty, owner.st_uid, owner.st_gid)
    with EmbeddedPostgres(site.settings(), options=site.options) as server:
        assert query(server.url, "SELECT 1") == 1
