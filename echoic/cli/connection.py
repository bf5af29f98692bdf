"""How the verbs that ask a server reach it: address and key, one way to ask, one line for what went wrong.

The key is never an argument, as arguments are seen by everybody on the machine. Address and key are looked for in the
environment, then in the config file, then in this machine's own installation.
"""

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from echoic.errors import SettingInvalid
from echoic.settings import read_settings

SERVER_VARIABLE = "ECHOIC_SERVER"
KEY_VARIABLE = "ECHOIC_API_KEY"
ANSWER_PATIENCE_SECONDS = 60.0
"""Longest silence of the server: a search on a loaded machine, the last byte of an upload until it is durable."""

ServerOption = Annotated[
    str | None, typer.Option("--server", help="Address of the server; default: see docs/cli.md.", metavar="URL")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the server's answer as JSON.")]


class ExitCode(IntEnum):
    """How a command ended, for scripts."""

    REFUSED = 1
    """The server refused the request, or it cannot be made."""
    UNREACHABLE = 3
    """The server cannot be reached or is not ready: try again."""
    DENIED = 4
    """The key is missing, wrong, or may not do that."""
    NOT_FOUND = 5
    """There is no such thing, or it is not yours."""
    NOT_PUBLISHED = 6
    """The item that was waited for ended as failed or cancelled."""


_EXITS = {401: ExitCode.DENIED, 403: ExitCode.DENIED, 404: ExitCode.NOT_FOUND}
TRY_AGAIN = (429, 502, 503, 504)


class CommandFailed(Exception):
    """A command cannot go on: a sentence for the person, a code for the script."""

    def __init__(self, exit_code: ExitCode, message: str) -> None:
        self.exit_code = exit_code
        super().__init__(message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """Where the server is and who asks."""

    server: str
    api_key: str


def config_file() -> Path:
    """``config.toml`` with ``server`` and ``api_key``, in the user's XDG config folder."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "echoic" / "config.toml"


def find_access(server: str | None) -> Access:
    """Look for address and key. Raises CommandFailed where a file is broken or no key is to be found."""
    configured = _read_config(config_file())
    try:
        settings = read_settings()
    except SettingInvalid as error:
        raise CommandFailed(ExitCode.REFUSED, error.message) from error
    own = own_address(settings.host, settings.port)
    address = server or os.environ.get(SERVER_VARIABLE) or configured.get("server") or own
    key = os.environ.get(KEY_VARIABLE) or configured.get("api_key") or _own_key(settings.api_key_file)
    if not key:
        raise CommandFailed(
            ExitCode.DENIED,
            f'There is no API key: set {KEY_VARIABLE}, or write api_key = "…" to {config_file()}.',
        )
    if not (key.isascii() and key.isprintable()):
        raise CommandFailed(ExitCode.DENIED, "The API key holds signs that no key has.")
    if "@" in address:
        raise CommandFailed(ExitCode.REFUSED, "The address of the server must hold no user and password.")
    if not address.startswith(("http://", "https://")):
        raise CommandFailed(ExitCode.REFUSED, f"The address '{address}' must begin with http:// or https://.")
    return Access(server=address.rstrip("/"), api_key=key)


def own_address(host: str, port: int) -> str:
    """The URL of a server that listens on an address of this machine."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Connection:
    """Asks the server; every failure is a CommandFailed."""

    def __init__(self, server: str | None) -> None:
        self.access = find_access(server)
        self.client = httpx.Client(
            base_url=self.access.server,
            headers={"Authorization": f"Bearer {self.access.api_key}"},
            timeout=ANSWER_PATIENCE_SECONDS,
        )

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One request. Raises CommandFailed for all but a success."""
        try:
            answer = self.client.request(method, path, **request)
        except httpx.TransportError as error:
            raise self.unreachable(error) from error
        judge(answer)
        return answer

    def get(self, path: str, **params: Any) -> Any:
        """The JSON at a path; parameters that are None are left out."""
        known = {name: value for name, value in params.items() if value is not None}
        return self.ask("GET", path, params=known).json()

    def unreachable(self, error: httpx.TransportError) -> CommandFailed:
        """The failure to reach the server, as a sentence."""
        reason = str(error) or type(error).__name__
        return CommandFailed(ExitCode.UNREACHABLE, f"Cannot reach {self.access.server}: {reason}.")


@contextmanager
def connected(server: str | None) -> Iterator[Connection]:
    """A connection for the length of a command; a failure becomes one line on standard error and its exit code."""
    try:
        connection = Connection(server)
        with connection.client:
            yield connection
    except CommandFailed as error:
        typer.echo(f"echoic: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(error.exit_code) from error


def judge(answer: httpx.Response) -> None:
    """Raise CommandFailed, with what the server said, for an answer that is no success."""
    if answer.is_success:
        return
    exit_code = _EXITS.get(answer.status_code, ExitCode.REFUSED)
    if answer.status_code in TRY_AGAIN:
        exit_code = ExitCode.UNREACHABLE
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or "message" not in body:
        raise CommandFailed(exit_code, f"{answer.url.host} answered {answer.status_code} {answer.reason_phrase}.")
    raise CommandFailed(exit_code, f"{body['message']} ({body.get('code')})")


def _read_config(path: Path) -> dict[str, str]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CommandFailed(ExitCode.REFUSED, f"Cannot read {path}: {error}.") from error
    unknown = sorted(set(content) - {"server", "api_key"})
    if unknown or not all(isinstance(value, str) for value in content.values()):
        wrong = f"'{unknown[0]}' is not known" if unknown else "values must be text"
        raise CommandFailed(ExitCode.REFUSED, f"{path}: {wrong}; allowed are server and api_key.")
    return content


def _own_key(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None  # another machine's server, or another account's: the environment has to say
