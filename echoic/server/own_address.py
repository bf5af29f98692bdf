"""The address of this machine's server: as a URL, and in a file beside the key, from which commands take it.

Without the file, a command that knows the data folder would have to be told the port as well, and would otherwise show the
key in that folder to whatever listens on the usual one.
"""

import ipaddress
import os
from pathlib import Path


def own_address(host: str, port: int) -> str:
    """Return the URL of a server that listens on an address of this machine."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def kept_address(path: Path) -> str | None:
    """Return the URL that the last server to start has left in a file; None where there is none that this account may read."""
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def keep_address(path: Path, host: str, port: int) -> None:
    """Leave the address at which a server listens in a file. A file that cannot be written is logged.

    It stays when the server stops: another server may work on the same folder, in a cluster on a shared volume.
    """
    try:
        _write(path, own_address(_reachable(host), port))
    except OSError as error:
        from echoic.logs import get_logger  # which commands, that only read, need not load

        get_logger(__name__).warning("address_not_kept", path=str(path), reason=error.strerror)


def _reachable(host: str) -> str:
    """Return an address of this machine at which a server that listens on ``host`` is reached: a wildcard is none."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if not address.is_unspecified:
        return host
    return "::1" if isinstance(address, ipaddress.IPv6Address) else "127.0.0.1"


def _write(path: Path, address: str) -> None:
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        partial.write_text(f"{address}\n", encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
