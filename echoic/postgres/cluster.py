"""Makes the cluster, PostgreSQL's data directory, at the first start, whole or not at all."""

import os
import secrets
import shutil
from pathlib import Path

from echoic import wording
from echoic.errors import DataDirUnusable, PostgresFailed
from echoic.folders import sync_folder
from echoic.logs import get_logger
from echoic.postgres.account import Account
from echoic.postgres.folders import Folders
from echoic.postgres.launch import run
from echoic.postgres.programs import Programs
from echoic.settings import Settings

OWNER = "app"
"""Role that owns the database: made with the cluster, a superuser, let in only while the server is being prepared."""

# For a machine with two cores and 8 GB that also transcribes. Written once, into postgresql.conf, where the owner of
# the machine may change them.
FIRST_SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",
}

logger = get_logger(__name__)


def cluster_major(cluster: Path) -> int | None:
    """Return the major version of PostgreSQL that made the cluster; None where there is no cluster yet."""
    try:
        return int((cluster / "PG_VERSION").read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataDirUnusable(f"{cluster} is no usable PostgreSQL data folder: {wording.os_reason(error)}.") from error
    except ValueError as error:
        raise DataDirUnusable(f"{cluster} is no usable PostgreSQL data folder: PG_VERSION holds no number.") from error


def has_cluster(settings: Settings) -> bool:
    """Return whether the data folder holds a cluster. Raises DataDirUnusable where one is there that cannot be read."""
    return cluster_major(Folders.of(settings).cluster) is not None


def make_cluster(folders: Folders, programs: Programs, account: Account | None, *, sync: bool = True) -> None:
    """Make the cluster under a temporary name and move it to its place when it is complete.

    ``sync=False`` does without waiting for the disk: for tests.

    Raises:
        PostgresFailed: initdb failed; the message has its last lines.
        DataDirUnusable: something else is in the place.
    """
    for interrupted in folders.home.glob("cluster.new-*"):
        shutil.rmtree(interrupted, ignore_errors=True)
    temporary = folders.home / f"cluster.new-{secrets.token_hex(4)}"
    logger.info("postgres_cluster_making", cluster=str(folders.cluster))
    command: list[str | Path] = [programs.path("initdb"), "-D", temporary, "--auth=trust", f"--username={OWNER}"]
    command += ["--locale=C.UTF-8", "--encoding=UTF8", "--data-checksums", "--no-instructions"]
    command += [] if sync else ["--no-sync"]
    answer = run(command, account)
    if answer.returncode != 0:
        shutil.rmtree(temporary, ignore_errors=True)
        raise PostgresFailed(f"The database could not be made. The last words of initdb:\n{last_lines(answer.stdout)}")
    try:
        _write_first_settings(temporary / "postgresql.conf")
        temporary.rename(folders.cluster)
        sync_folder(folders.home)
    except OSError as error:
        raise DataDirUnusable(
            f"{folders.cluster} is in the way, or cannot be made: {wording.os_reason(error)}."
        ) from error


def last_lines(text: str, count: int = 15) -> str:
    """Return the end of an output, for a message."""
    return "\n".join(text.strip().splitlines()[-count:])


def _write_first_settings(file: Path) -> None:
    lines = [f"{name} = {value}" for name, value in FIRST_SETTINGS.items()]
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "a", encoding="ascii") as opened:
        opened.write(
            "\n# Set by Echoic when the cluster was made; change them as you like.\n" + "\n".join(lines) + "\n"
        )
        opened.flush()
        os.fsync(descriptor)
