"""Data folders with awkward names: the socket's path has a limit, and the ways to it have lists separated by commas."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from echoic.postgres import EmbeddedPostgres, attach
from echoic.postgres.folders import MAX_SOCKET_PATH_BYTES

Query = Callable[..., Any]

LONG = "/".join(["a-rather-long-name-of-a-folder"] * 5)


def _socket_folder(site: Any) -> Path:
    return Path(site.folders.socket_record.read_text())


@pytest.mark.parametrize("name", ["with blanks in it", "Töne & Bänder %41", "a,b", 'quo"ted', LONG])
def test_any_name_of_the_data_folder_will_do(site: Any, data_dir: Path, query: Query, name: str) -> None:
    (data_dir / name).parent.mkdir(parents=True, exist_ok=True)
    site.data_dir = site.data_dir.rename(data_dir / name)
    with EmbeddedPostgres(site.settings(), options=site.options) as server:
        assert query(server.url, "SELECT 1") == 1
        assert query(attach(site.settings()), "SELECT 1") == 1


def test_the_short_folder_of_the_socket_is_private_and_gone_after_the_stop(site: Any, data_dir: Path) -> None:
    site.data_dir = _move_deep(site, data_dir)
    with EmbeddedPostgres(site.settings(), options=site.options):
        short = _socket_folder(site)
        assert len(str(short)) < MAX_SOCKET_PATH_BYTES
        found = short.lstat()
        assert (found.st_mode & 0o777, found.st_uid) == (0o700, site.folders.home.stat().st_uid)
    assert not short.exists()


def test_the_short_folder_stays_the_same_when_the_owner_was_killed(site: Any, data_dir: Path, start_owner: Any) -> None:
    site.data_dir = _move_deep(site, data_dir)
    owner = start_owner().ready()
    before = _socket_folder(site)
    owner.end(signal.SIGKILL)
    with EmbeddedPostgres(site.settings(), options=site.options):
        assert _socket_folder(site) == before


def test_a_server_comes_back_under_its_url_though_the_temporary_folder_was_cleaned(
    site: Any, data_dir: Path, query: Query
) -> None:
    site.data_dir = _move_deep(site, data_dir)
    with EmbeddedPostgres(site.settings(), options=site.options) as server:
        short = _socket_folder(site)
        for file in short.iterdir():
            file.unlink()
        short.rmdir()
        os.kill(site.server_pid(), signal.SIGKILL)
        assert query(server.url, "SELECT 1", patient=True) == 1


@pytest.mark.parametrize("trap", ["open to others", "a link", "of another account", "no folder at all"])
def test_a_recorded_folder_that_is_not_private_any_more_is_not_used(site: Any, data_dir: Path, trap: str) -> None:
    site.data_dir = _move_deep(site, data_dir)
    prepared = data_dir / "trap"
    match trap:
        case "open to others":
            prepared.mkdir()
            prepared.chmod(0o777)
        case "a link":
            prepared.symlink_to("/tmp")  # noqa: S108 - whatever it leads to
        case "of another account":
            if os.geteuid() != 0:
                pytest.skip("only root can give a folder away")
            prepared.mkdir(0o700)
            os.chown(prepared, 64_123, 64_123)
    site.folders.socket_record.write_text(str(prepared) if trap != "no folder at all" else "")
    with EmbeddedPostgres(site.settings(), options=site.options):
        assert _socket_folder(site) != prepared


def _move_deep(site: Any, data_dir: Path) -> Path:
    deep = data_dir / LONG
    deep.parent.mkdir(parents=True)
    moved: Path = site.data_dir.rename(deep)
    return moved
