"""The life of the embedded server: it starts, comes back when it dies, and goes when told."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from typing import Any

import psutil
import psycopg
import pytest

from echoic.errors import AlreadyRunning, DataDirUnusable, NotRunning, PostgresFailed
from echoic.postgres import ROLE, EmbeddedPostgres, attach, postmaster
from echoic.postgres.pidfile import is_alive
from echoic.postgres.postmaster import Postmaster
from tests.postgres.conftest import PATIENCE_SECONDS

Query = Callable[..., Any]


def test_the_first_start_makes_a_database_and_the_next_one_finds_it_again(bare_site: Any, query: Query) -> None:
    with EmbeddedPostgres(bare_site.settings()) as server:
        assert query(server.url, "SELECT current_database() || ' ' || current_user", role=ROLE) == "echoic echoic"
        assert query(server.url, "SHOW data_checksums") == "on"
        assert query(server.url, "SHOW fsync") == "on"
        assert query(server.url, "SHOW listen_addresses") == ""
        assert query(server.url, "SHOW server_encoding") == "UTF8"
        assert query(server.url, "SELECT to_tsvector('simple', 'GRÜẞE')::text") == "'grüße':1"
        query(server.url, "CREATE TABLE kept AS SELECT 7 AS n")
    assert bare_site.servers() == []
    with EmbeddedPostgres(bare_site.settings()) as server:
        assert query(server.url, "SELECT n FROM kept") == 7


def test_settings_that_the_owner_of_the_machine_changed_stay_changed(site: Any, query: Query) -> None:
    with EmbeddedPostgres(site.settings(), options={"fsync": "off"}) as server:
        query(server.url, "ALTER SYSTEM SET work_mem = '11MB'")
    with EmbeddedPostgres(site.settings(), options={"fsync": "off"}) as server:
        assert query(server.url, "SHOW work_mem") == "11MB"


def test_nobody_but_the_account_can_reach_the_socket(site: Any) -> None:
    with EmbeddedPostgres(site.settings(), options=site.options):
        assert site.folders.home.stat().st_mode & 0o777 == 0o700
        assert (site.folders.home / "socket").stat().st_mode & 0o777 == 0o700


def test_variables_of_the_caller_do_not_lead_astray(site: Any, query: Query, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGPORT": "6543", "PGDATA": "/nowhere", "PGHOST": "nowhere", "LC_ALL": "xx_XX"}.items():
        monkeypatch.setenv(name, value)
    with EmbeddedPostgres(site.settings(), options=site.options) as server:
        assert query(server.url, "SELECT 1") == 1


def test_a_killed_server_comes_back_under_the_same_url_with_every_committed_row(site: Any, query: Query) -> None:
    with EmbeddedPostgres(site.settings(), options=site.options) as server:
        url = server.url
        query(url, "CREATE TABLE rows AS SELECT generate_series(1, 20000) AS n")
        first = site.server_pid()
        os.kill(first, signal.SIGKILL)
        assert query(url, "SELECT count(*) FROM rows", patient=True) == 20_000
        assert site.server_pid() != first
        assert [process.pid for process in site.servers()] == [site.server_pid()]
        assert attach(site.settings()) == url == server.url


def test_it_comes_back_though_a_busy_backend_of_the_killed_server_holds_its_memory(
    site: Any, query: Query, eventually: Any
) -> None:
    with EmbeddedPostgres(site.settings(), options=site.options) as server:
        with psycopg.connect(server.url) as connection:
            busy = psutil.Process(connection.info.backend_pid)
            # Computes without ever waiting, so it does not notice that its server is gone.
            statement = b"SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b"
            asking = threading.Thread(target=_ask_in_vain, args=(connection, statement))
            asking.start()
            eventually(lambda: busy.cpu_times().user > 0.2, "the backend is busy")
            first = site.server_pid()
            os.kill(first, signal.SIGKILL)
            assert query(server.url, "SELECT 1", patient=True) == 1
            asking.join()
        assert site.server_pid() != first
        assert not is_alive(busy.pid)


def _ask_in_vain(connection: psycopg.Connection[Any], statement: bytes) -> None:
    with pytest.raises(psycopg.OperationalError):
        connection.execute(statement)


@pytest.mark.parametrize("moment", ["at once", "while it comes back"])
def test_stopping_wins_over_coming_back(site: Any, eventually: Any, moment: str) -> None:
    for _ in range(3):
        server = EmbeddedPostgres(site.settings(), options=site.options)
        server.start()
        first = site.server_pid()
        os.kill(first, signal.SIGKILL)
        if moment == "while it comes back":
            eventually(lambda old=first: _another(site, old), "a new server begins")
        server.stop()
        assert site.servers() == []


def test_a_stop_in_the_moment_it_came_back_waits_for_its_end(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    killed, back, told = threading.Event(), threading.Event(), threading.Event()
    wait_until_ready, send = Postmaster.wait_until_ready, Postmaster.signal

    def ready_and_held(postmaster: Postmaster) -> None:
        wait_until_ready(postmaster)
        if killed.is_set():
            back.set()
            assert told.wait(PATIENCE_SECONDS)

    def send_and_tell(postmaster: Postmaster, sign: signal.Signals) -> None:
        send(postmaster, sign)
        told.set()

    monkeypatch.setattr(Postmaster, "wait_until_ready", ready_and_held)
    monkeypatch.setattr(Postmaster, "signal", send_and_tell)
    server = EmbeddedPostgres(site.settings(), options=site.options)
    server.start()
    killed.set()
    os.kill(site.server_pid(), signal.SIGKILL)
    assert back.wait(PATIENCE_SECONDS)
    server.stop()
    assert site.servers() == []


def _another(site: Any, old_pid: int) -> bool:
    return any(process.pid != old_pid for process in site.servers())


def test_a_stopped_server_can_be_started_again(site: Any, query: Query) -> None:
    server = EmbeddedPostgres(site.settings(), options=site.options)
    server.stop()
    for _ in range(2):
        server.start()
        assert query(server.url, "SELECT 1") == 1
        server.stop()
        server.stop()
    with pytest.raises(RuntimeError):
        _ = server.url


def test_a_server_that_does_not_obey_is_killed(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postmaster, "QUIT_SECONDS", 0.2)
    server = EmbeddedPostgres(site.settings(), options=site.options)
    server.start()
    os.kill(site.server_pid(), signal.SIGSTOP)
    server.stop(timeout_seconds=0.2)
    assert site.servers() == []
    with EmbeddedPostgres(site.settings(), options=site.options):
        assert len(site.servers()) == 1


def test_a_client_that_hangs_does_not_hold_up_the_stop(site: Any) -> None:
    server = EmbeddedPostgres(site.settings(), options=site.options)
    server.start()
    with psycopg.connect(server.url) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        server.stop(timeout_seconds=0.2)
    assert site.servers() == []
    assert not is_alive(backend)


def test_a_second_owner_in_the_same_process_is_refused(site: Any, query: Query) -> None:
    with EmbeddedPostgres(site.settings(), options=site.options) as server:
        with pytest.raises(AlreadyRunning, match=f"process {os.getpid()},"):
            EmbeddedPostgres(site.settings()).start()
        assert query(server.url, "SELECT 1") == 1


def test_a_second_server_on_the_cluster_is_refused_by_postgresql_itself(site: Any, query: Query) -> None:
    with EmbeddedPostgres(site.settings(), options=site.options) as server:
        program = psutil.Process(site.server_pid()).exe()
        second = subprocess.run(
            [program, "-D", str(site.folders.cluster)], cwd="/", capture_output=True, check=False, **site.identity
        )
        assert second.returncode == 1
        assert b"postmaster.pid" in second.stderr
        assert query(server.url, "SELECT 1") == 1


def test_what_the_server_says_stands_in_the_error(site: Any) -> None:
    with pytest.raises(PostgresFailed, match="shared_buffers"):
        EmbeddedPostgres(site.settings(), options={"fsync": "off", "shared_buffers": "nonsense"}).start()
    with pytest.raises(NotRunning):
        attach(site.settings())


def test_damage_to_the_cluster_is_an_error_and_not_a_new_cluster(site: Any) -> None:
    with EmbeddedPostgres(site.settings(), options=site.options):
        pass
    control = site.folders.cluster / "global" / "pg_control"
    control.rename(control.with_name("lost"))
    with pytest.raises(PostgresFailed, match="pg_control"):
        EmbeddedPostgres(site.settings(), options=site.options).start()
    control.with_name("lost").rename(control)
    with EmbeddedPostgres(site.settings(), options=site.options):
        pass


def test_something_else_in_the_place_of_the_cluster_is_left_alone(site: Any) -> None:
    with EmbeddedPostgres(site.settings(), options=site.options):
        pass
    (site.folders.cluster / "PG_VERSION").unlink()
    with pytest.raises(DataDirUnusable, match="is in the way"):
        EmbeddedPostgres(site.settings(), options=site.options).start()
    assert (site.folders.cluster / "global" / "pg_control").exists()


def test_no_owner_means_that_there_is_nothing_to_attach_to(bare_site: Any) -> None:
    with pytest.raises(NotRunning, match="echoic serve"):
        attach(bare_site.settings())
    assert not bare_site.data_dir.exists()


def test_a_disk_that_is_full_is_named_in_the_error_and_the_next_start_succeeds(bare_site: Any) -> None:
    bare_site.data_dir.mkdir(mode=0o711)
    # A mount is the only full disk that does not fill up that of everybody else.
    mount = ["mount", "-t", "tmpfs", "-o", "size=20M,mode=0711", "tmpfs", str(bare_site.data_dir)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount a small file system")
    try:
        with pytest.raises(PostgresFailed, match=r"No space left on device|free disk space"):
            EmbeddedPostgres(bare_site.settings(), options=bare_site.options).start()
        subprocess.run(["mount", "-o", "remount,size=200M", str(bare_site.data_dir)], check=True)  # noqa: S607
        with EmbeddedPostgres(bare_site.settings(), options=bare_site.options):
            pass
    finally:
        subprocess.run(["umount", str(bare_site.data_dir)], check=True)  # noqa: S607
