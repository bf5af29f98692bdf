"""Which account the server runs as, and what is said when that account cannot get to the data."""

import os
import pwd
import shutil
import site as python_site
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from echoic.errors import DataDirUnusable, StartupFailed
from echoic.postgres import EmbeddedPostgres, attach
from echoic.postgres.account import choose_account

Query = Callable[..., Any]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes to another account")


@as_root
def test_the_server_runs_as_the_account_that_is_set_and_only_its_own_folder_belongs_to_it(
    bare_site: Any, query: Query
) -> None:
    nobody = pwd.getpwnam("nobody")
    with EmbeddedPostgres(bare_site.settings(postgres_account="nobody"), options=bare_site.options) as server:
        assert query(server.url, "SELECT 1") == 1
        process = psutil.Process(bare_site.server_pid())
        assert set(process.uids()) == {nobody.pw_uid}
        assert set(process.gids()) == {nobody.pw_gid}
        groups = Path(f"/proc/{process.pid}/status").read_text()
        assert "\nGroups:\t0 " not in groups
    assert bare_site.folders.home.stat().st_uid == nobody.pw_uid
    assert bare_site.data_dir.stat().st_uid == 0
    assert bare_site.folders.lock_file.stat().st_uid == 0


@as_root
def test_a_cluster_keeps_the_account_it_was_made_with(bare_site: Any, query: Query) -> None:
    with EmbeddedPostgres(bare_site.settings(postgres_account="nobody"), options=bare_site.options):
        pass
    with EmbeddedPostgres(bare_site.settings(), options=bare_site.options) as server:
        assert query(server.url, "SELECT 1") == 1
        assert psutil.Process(bare_site.server_pid()).username() == "nobody"
    # Any account will do that is neither root nor nobody.
    with pytest.raises(DataDirUnusable, match=r"belongs to nobody.*ECHOIC_POSTGRES_ACCOUNT to nobody.*chown"):
        EmbeddedPostgres(bare_site.settings(postgres_account="daemon")).start()


@as_root
@pytest.mark.parametrize(("name", "reason"), [("no-such-account", "no account 'no-such-account'"), ("root", "as root")])
def test_an_account_that_cannot_be_used_is_named(bare_site: Any, name: str, reason: str) -> None:
    with pytest.raises(StartupFailed, match=reason):
        EmbeddedPostgres(bare_site.settings(postgres_account=name)).start()
    assert not bare_site.folders.home.exists()


@as_root
def test_a_cluster_of_an_account_that_is_gone_is_an_error_that_says_so(data_dir: Path) -> None:
    os.chown(data_dir, 64_123, 64_123)
    with pytest.raises(StartupFailed, match="number 64123, which does not exist"):
        choose_account(None, data_dir)


@as_root
def test_data_in_a_closed_tree_is_refused_with_the_way_out_and_no_mode_is_changed(data_dir: Path, site: Any) -> None:
    closed = data_dir / "closed"
    (closed / "deep").mkdir(parents=True)
    closed.chmod(0o700)
    way = [closed / "deep", closed, *closed.parents]
    before = [folder.stat().st_mode for folder in way]
    settings = site.settings(data_dir=closed / "deep" / "data")
    with pytest.raises(DataDirUnusable) as caught:
        EmbeddedPostgres(settings).start()
    assert f"may not pass the folder {closed} (mode 0700)" in caught.value.message
    assert f"'{site.account.name}'" in caught.value.message
    assert "ECHOIC_DATA_DIR" in caught.value.message
    assert f"chmod o+x {closed}" in caught.value.message
    assert [folder.stat().st_mode for folder in way] == before
    closed.chmod(0o701)
    with EmbeddedPostgres(settings, options=site.options):
        pass


@as_root
def test_a_tight_umask_does_not_close_the_folders_we_make(bare_site: Any) -> None:
    bare_site.data_dir = bare_site.data_dir / "several" / "levels"
    before = os.umask(0o077)
    try:
        with EmbeddedPostgres(bare_site.settings(), options=bare_site.options):
            pass
    finally:
        os.umask(before)


def test_a_data_folder_that_cannot_be_made_is_an_error_that_names_it(data_dir: Path, bare_site: Any) -> None:
    (data_dir / "file").touch()
    with pytest.raises(DataDirUnusable, match=f"{data_dir}/file"):
        EmbeddedPostgres(bare_site.settings(data_dir=data_dir / "file" / "data")).start()


@pytest.mark.skipif(os.geteuid() == 0, reason="to root no folder is closed")
def test_a_plain_user_is_told_which_folder_is_closed(bare_site: Any) -> None:
    bare_site.data_dir.mkdir()
    bare_site.data_dir.chmod(0)
    settings = bare_site.settings(data_dir=bare_site.data_dir / "data")
    with pytest.raises(DataDirUnusable, match=str(bare_site.data_dir)):
        EmbeddedPostgres(settings).start()
    with pytest.raises(DataDirUnusable, match="Run this as Echoic runs"):
        attach(settings)
    bare_site.data_dir.chmod(0o700)


@as_root
@pytest.mark.processes
def test_two_users_of_one_machine_do_not_get_into_each_others_way(
    site: Any, data_dir: Path, start_owner: Any, query: Query
) -> None:
    nobody = pwd.getpwnam("nobody")
    interpreter, environment = _for_everybody(Path(__file__).parents[2])
    theirs = data_dir / "theirs"
    theirs.mkdir()
    os.chown(theirs, nobody.pw_uid, nobody.pw_gid)
    with EmbeddedPostgres(site.settings(), options=site.options) as ours:
        them = start_owner(
            data_dir=theirs / "data",
            interpreter=interpreter,
            env=environment,
            cwd="/",
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
        ).ready()
        their_url = attach(site.settings(data_dir=theirs / "data"))
        assert query(their_url, "SELECT 1") == query(ours.url, "SELECT 1") == 1
        assert (theirs / "data").stat().st_mode & 0o077 == 0o011
        # A plain user is refused where the data belongs to somebody else, and told why.
        intruder = start_owner(
            interpreter=interpreter, env=environment, cwd="/", user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[]
        )
        word, reason = intruder.said()
        assert (word, reason.split()[0]) == ("refused", "data_dir_unusable")
        them.finish()
        assert query(ours.url, "SELECT 1") == 1


def _for_everybody(repository: Path) -> tuple[str, dict[str, str]]:
    """An interpreter of our version that any account may run, and the environment that gives it our packages."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = shutil.which(name, path="/usr/bin:/usr/local/bin")
    packages = python_site.getsitepackages()[0]
    if found is None or not all(_open_to_all(Path(place)) for place in (found, packages, str(repository))):
        pytest.skip(f"needs a {name}, packages and a checkout that every account can read")
    return found, {"PYTHONPATH": f"{repository}:{packages}", "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}


def _open_to_all(place: Path) -> bool:
    return all(step.stat().st_mode & 0o001 for step in (place.resolve(), *place.resolve().parents))
