"""One owner for each data folder, whatever the processes do to each other; owners are real processes here."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from echoic.errors import NotRunning
from echoic.postgres import EmbeddedPostgres, attach, keeper, postmaster
from echoic.postgres.ownership import OwnerLock, is_owned
from echoic.postgres.pidfile import is_alive

pytestmark = pytest.mark.processes

Query = Callable[..., Any]
CONTENDERS = 6


def test_of_six_that_start_at_once_one_owns_the_folder_and_all_can_attach(
    bare_site: Any, start_owner: Any, query: Query
) -> None:
    owners = [start_owner() for _ in range(CONTENDERS)]
    # Attached while the winner is still making the cluster.
    while not is_owned(bare_site.folders.lock_file):
        assert all(owner.process.poll() is None for owner in owners)
    url = attach(bare_site.settings())
    said = [(*owner.said(), owner.process.pid) for owner in owners]
    winners = [(rest, pid) for word, rest, pid in said if word == "ready"]
    assert len(winners) == 1
    (winner_url, winner_pid), refusals = winners[0], [rest for word, rest, _ in said if word == "refused"]
    assert winner_url == url
    assert len(refusals) == CONTENDERS - 1
    assert all(text.startswith("already_running") and f"process {winner_pid}," in text for text in refusals)
    assert query(url, "SELECT 1") == 1
    assert len(bare_site.servers()) == 1


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_server_ends_with_its_owner(site: Any, start_owner: Any, eventually: Any, sign: signal.Signals) -> None:
    owner = start_owner().ready()
    server = site.server_pid()
    owner.end(sign)
    eventually(lambda: not is_alive(server), "the server has ended")
    assert not (site.folders.cluster / "postmaster.pid").exists(), "it was not a clean shutdown"
    with pytest.raises(NotRunning):
        attach(site.settings())


def test_a_ctrl_c_at_the_terminal_leaves_the_end_of_the_server_to_its_owner(
    site: Any, start_owner: Any, query: Query
) -> None:
    owner = start_owner(start_new_session=True).ready()
    assert os.getpgid(site.server_pid()) != os.getpgid(owner.process.pid)
    owner.finish()
    assert owner.process.returncode == 0
    assert site.servers() == []


def test_an_owner_that_was_killed_leaves_no_server_and_loses_no_row(
    site: Any, start_owner: Any, query: Query, eventually: Any
) -> None:
    owner = start_owner().ready()
    server = site.server_pid()
    query(attach(site.settings()), "CREATE TABLE rows AS SELECT generate_series(1, 1000) AS n")
    owner.end(signal.SIGKILL)
    # No wait between the two: the old server may still be shutting down.
    with EmbeddedPostgres(site.settings(), options=site.options) as ours:
        assert query(ours.url, "SELECT count(*) FROM rows") == 1000
        assert not is_alive(server)
        assert psutil.Process(site.server_pid()).ppid() == os.getpid()
        assert len(site.servers()) == 1


def test_the_kernel_ends_the_server_of_an_owner_that_was_killed(site: Any, start_owner: Any, eventually: Any) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("needs PR_SET_PDEATHSIG")
    owner = start_owner().ready()
    server = site.server_pid()
    owner.end(signal.SIGKILL)
    eventually(lambda: not is_alive(server), "the server has ended")
    assert not (site.folders.cluster / "postmaster.pid").exists(), "it was not a clean shutdown"


def test_the_kernel_also_ends_a_server_that_came_back_before_its_owner_was_killed(
    site: Any, start_owner: Any, query: Query, eventually: Any
) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("needs PR_SET_PDEATHSIG")
    owner = start_owner().ready()
    os.kill(site.server_pid(), signal.SIGKILL)
    query(attach(site.settings()), "SELECT 1", patient=True)
    second = site.server_pid()
    owner.end(signal.SIGKILL)
    eventually(lambda: not is_alive(second), "the second server has ended")


def test_an_owner_and_its_server_killed_together_lose_no_row(site: Any, start_owner: Any, query: Query) -> None:
    owner = start_owner().ready()
    query(attach(site.settings()), "CREATE TABLE rows AS SELECT generate_series(1, 1000) AS n")
    os.kill(site.server_pid(), signal.SIGKILL)
    owner.end(signal.SIGKILL)
    with EmbeddedPostgres(site.settings(), options=site.options) as ours:
        assert query(ours.url, "SELECT count(*) FROM rows") == 1000


@pytest.mark.parametrize("state", ["running", "deaf"])
def test_a_server_that_outlived_its_owner_is_replaced_by_our_own(
    site: Any, query: Query, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    orphan = _start_without_owner(site)
    with pytest.raises(NotRunning):
        attach(site.settings())
    if state == "deaf":
        monkeypatch.setattr(keeper, "FAST_STOP_SECONDS", 0.2)
        monkeypatch.setattr(postmaster, "QUIT_SECONDS", 0.2)
        os.kill(orphan.pid, signal.SIGSTOP)
    with EmbeddedPostgres(site.settings(), options=site.options) as ours:
        assert query(ours.url, "SELECT 1") == 1
        assert site.server_pid() != orphan.pid
        assert len(site.servers()) == 1
    assert orphan.wait() == (0 if state == "running" else -signal.SIGKILL)


def _start_without_owner(site: Any) -> subprocess.Popen[bytes]:
    """A server as a killed Echoic would leave it where the kernel does not end it."""
    with EmbeddedPostgres(site.settings(), options=site.options):
        command = psutil.Process(site.server_pid()).cmdline()
    orphan = subprocess.Popen(command, cwd="/", **site.identity)
    while not site.servers() or not (site.folders.cluster / "postmaster.pid").exists():
        assert orphan.poll() is None
    return orphan


def test_a_start_that_was_killed_while_making_the_cluster_does_not_stop_the_next_one(
    bare_site: Any, start_owner: Any, query: Query, eventually: Any
) -> None:
    owner = start_owner()
    begun = bare_site.folders.home
    eventually(lambda: list(begun.glob("cluster.new-*/base")), "initdb is at work")
    owner.end(signal.SIGKILL)
    assert not bare_site.folders.cluster.exists()
    with EmbeddedPostgres(bare_site.settings(), options=bare_site.options) as server:
        assert query(server.url, "SELECT 1") == 1
        assert [found.name for found in begun.glob("cluster*")] == ["cluster"]


def test_a_forked_child_neither_keeps_the_lock_nor_stops_the_server(site: Any, query: Query) -> None:
    server = EmbeddedPostgres(site.settings(), options=site.options)
    server.start()
    go, going = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            server.stop()
            os.read(go, 1)
        finally:
            os._exit(0)
    assert query(server.url, "SELECT 1") == 1
    server.stop()
    try:
        # The child is still there.
        OwnerLock.acquire(site.folders.lock_file).release()
    finally:
        os.write(going, b"x")
        os.waitpid(child, 0)
        os.close(go)
        os.close(going)


def test_those_who_ask_who_owns_the_folder_do_not_keep_anybody_from_owning_it(data_dir: Path) -> None:
    path = data_dir / "echoic.lock"
    asking = [subprocess.Popen([sys.executable, "-c", ASK_FOR_EVER, str(path)]) for _ in range(2)]
    try:
        for _ in range(200):
            lock = OwnerLock.acquire(path)
            assert is_owned(path)
            lock.release()
        assert all(process.poll() is None for process in asking)
    finally:
        for process in asking:
            process.kill()
            process.wait()


ASK_FOR_EVER = """
import sys
import time
from pathlib import Path
from echoic.postgres.ownership import is_owned
while True:
    is_owned(Path(sys.argv[1]))
    time.sleep(0.001)
"""
