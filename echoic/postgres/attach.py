"""The way into a server that another process of Echoic runs."""

import time
from pathlib import Path
from urllib.parse import quote

from echoic.errors import NotRunning, PostgresFailed
from echoic.postgres.folders import PORT, Folders
from echoic.postgres.ownership import is_owned
from echoic.postgres.pidfile import running_server
from echoic.settings import Settings

DATABASE = "echoic"
ROLE = "echoic"
"""Role of the program: no superuser, owns nothing, reads and writes rows."""

_POLL_SECONDS = 0.05


def attach(settings: Settings, *, wait_seconds: float = 60.0) -> str:
    """Return the URL of the server on this data folder; wait for a server that is just starting.

    Raises:
        NotRunning: no Echoic runs on this data folder.
        PostgresFailed: one does, but its database did not get ready in time.
        DataDirUnusable: the data folder belongs to another account.
    """
    folders = Folders.of(settings)
    deadline = time.monotonic() + wait_seconds
    while is_owned(folders.lock_file):
        server = running_server(folders.cluster)
        if server is not None and server.ready:
            return server_url(Path(server.socket_dir))
        if time.monotonic() >= deadline:
            raise PostgresFailed(
                f"Echoic runs on {folders.data_dir}, but its database is still not ready after {wait_seconds:g} seconds."
            )
        time.sleep(_POLL_SECONDS)
    raise NotRunning(
        f"No Echoic server is running on the data folder {folders.data_dir}; start one with 'echoic serve'."
    )


def server_url(socket_folder: Path, role: str = ROLE) -> str:
    """Return a libpq URL of the database behind a socket.

    It names the port, because PGPORT would change the socket's name.
    """
    return f"postgresql://{role}@/{DATABASE}?host={quote(str(socket_folder), safe='/')}&port={PORT}"
