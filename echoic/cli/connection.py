"""The way from a verb to its server: address and key, one way to ask, and one line for each failure.

The key is never an argument, as arguments are seen by everybody on the machine. Address and key are looked for in the
environment, then in the config file, then in this machine's own installation.
"""

import json
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

from echoic.cli.failures import reason
from echoic.cli.variables import KEY_VARIABLE, SERVER_VARIABLE
from echoic.errors import SettingInvalid
from echoic.server.own_address import kept_address, own_address
from echoic.settings import read_settings

MAX_PORT = 65_535
ANSWER_PATIENCE_SECONDS = 60.0
"""Longest silence of the server: a search on a loaded machine, the last byte of an upload until it is durable."""

DONE_UNSEEN = "Done; the API key lacks the scope 'read', so nothing is shown of it."

LONGEST_WAIT_SECONDS = 120.0
"""The least wait before a server is asked again, even where it names a shorter one."""

ServerOption = Annotated[
    str | None, typer.Option("--server", help="Address of the server; default: see docs/cli.md.", metavar="URL")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the server's answer as JSON.")]


class ExitCode(IntEnum):
    """The exit codes of commands, for scripts."""

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
TRY_AGAIN = (423, 429, 502, 503, 504)


class CommandFailed(Exception):
    """A command cannot go on: a sentence for the person, a code for the script."""

    def __init__(self, exit_code: ExitCode, message: str) -> None:
        self.exit_code = exit_code
        super().__init__(message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """The address of the server and the key of the caller."""

    server: str
    api_key: str


def config_file() -> Path:
    """``config.toml`` with ``server`` and ``api_key``, in the user's XDG config folder."""
    return user_folder("XDG_CONFIG_HOME", ".config") / "config.toml"


def user_folder(variable: str, otherwise: str) -> Path:
    """Return a folder of ours among the user's, by https://specifications.freedesktop.org/basedir/latest/.

    Raises CommandFailed where there is no home folder, as for accounts that nobody made, in containers.
    """
    given = os.environ.get(variable)
    try:
        return Path(given or Path.home() / otherwise) / "echoic"
    except RuntimeError as error:
        raise CommandFailed(ExitCode.REFUSED, f"This account has no home folder; set HOME or {variable}.") from error


def find_access(server: str | None) -> Access:
    """Look for address and key. Raises CommandFailed where a file is broken or no key is to be found."""
    if server is not None and not server.strip():  # an empty variable of a script does not mean another server
        raise CommandFailed(ExitCode.REFUSED, "The address given by --server is empty.")
    configured = _read_config(config_file())
    try:
        settings = read_settings()
    except SettingInvalid as error:
        raise CommandFailed(ExitCode.REFUSED, error.message) from error
    own = kept_address(settings.address_file) or own_address(settings.host, settings.port)
    address = server or os.environ.get(SERVER_VARIABLE) or configured.get("server") or own
    key = (os.environ.get(KEY_VARIABLE) or configured.get("api_key") or _own_key(settings.api_key_file) or "").strip()
    if not key:
        raise CommandFailed(
            ExitCode.DENIED,
            f'There is no API key: set {KEY_VARIABLE}, or write api_key = "…" to {config_file()}.',
        )
    if not (key.isascii() and key.isprintable()):
        raise CommandFailed(ExitCode.DENIED, "The API key holds characters that no key has.")
    return Access(server=_checked(address), api_key=key)


def _checked(address: str) -> str:
    """Return the address without a slash at its end. Raises CommandFailed for a text that is no address."""
    address = address.strip()
    if "@" in address:
        raise CommandFailed(ExitCode.REFUSED, "The address of the server must hold no user and password.")
    if not address.startswith(("http://", "https://")):
        raise CommandFailed(ExitCode.REFUSED, f"The address '{address}' must begin with http:// or https://.")
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise CommandFailed(ExitCode.REFUSED, f"The address '{address}' is no URL.") from error
    if any(character.isspace() for character in address) or not 0 < (url.port or 1) <= MAX_PORT:
        raise CommandFailed(ExitCode.REFUSED, f"The address '{address}' is no URL.")
    if not url.host or url.query or url.fragment:
        raise CommandFailed(
            ExitCode.REFUSED, f"The address '{address}' must be a host, and a port and a path where needed."
        )
    return address.rstrip("/")


class Answer(dict[str, Any]):
    """A JSON object of the server; what it should hold and does not is a failure of the command."""

    def __missing__(self, name: str) -> Any:
        raise CommandFailed(
            ExitCode.REFUSED, f"The server's answer lacks '{name}': it is no Echoic server, or of another version."
        )


class Connection:
    """Asks the server; every failure is a CommandFailed."""

    def __init__(self, server: str | None) -> None:
        self.access = find_access(server)
        try:
            self.client = httpx.Client(
                base_url=self.access.server,
                headers={"Authorization": f"Bearer {self.access.api_key}"},
                timeout=ANSWER_PATIENCE_SECONDS,
            )
        except (ValueError, OSError) as error:
            # Proxies and certificates named in the environment are read here.
            raise CommandFailed(
                ExitCode.REFUSED, "A variable of the environment on proxies or certificates cannot be used."
            ) from error

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Make one request. Raises CommandFailed for every answer but a success."""
        try:
            answer = self.send(method, path, **request)
        except httpx.RequestError as error:
            raise self.unreachable(error) from error
        if answer.is_error and method == "HEAD":
            answer = self._with_reason(answer, path, **request)
        require_success(answer)
        return answer

    def _with_reason(self, answer: httpx.Response, path: str, **request: Any) -> httpx.Response:
        """Return the answer to the same question by GET: one to HEAD has no body, so it cannot say why it refuses."""
        try:
            with self.client.stream("GET", path, **request) as told:
                if told.status_code != answer.status_code:
                    return answer  # and the body, which may be a whole recording, is not read
                told.read()
                return told
        except httpx.RequestError:
            return answer

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Make one request and return any answer.

        Raises httpx.RequestError, and CommandFailed for an impossible request.
        """
        try:
            return self.client.request(method, path, **request)
        except UnicodeEncodeError as error:
            raise CommandFailed(ExitCode.REFUSED, "An argument holds bytes that are not UTF-8.") from error

    def read(self, method: str, path: str, **request: Any) -> Answer:
        """Return the JSON object that answers a request.

        Raises CommandFailed; and typer.Exit for a success that shows nothing, as to a key that may not read.
        """
        answer = self.ask(method, path, **request)
        if method != "GET" and not answer.content:
            typer.echo(DONE_UNSEEN, err=True)
            raise typer.Exit
        return parsed(answer)

    def get(self, path: str, **params: Any) -> Answer:
        """Return the JSON object at a path; parameters that are None are left out."""
        known = {name: value for name, value in params.items() if value is not None}
        return self.read("GET", path, params=known)

    def unreachable(self, error: httpx.RequestError) -> CommandFailed:
        """Return the failure to reach the server, as a sentence."""
        return CommandFailed(ExitCode.UNREACHABLE, f"Cannot reach {self.access.server}: {reason(error)}.")


def parsed(answer: httpx.Response) -> Answer:
    """Return the JSON object in an answer. Raises CommandFailed where it holds none, as a web page does."""
    try:
        found = json.loads(answer.content, object_hook=Answer)
    except ValueError as error:
        raise not_echoic(answer) from error
    if not isinstance(found, Answer):
        raise not_echoic(answer)
    return found


def seconds_until_retry(answer: httpx.Response, *, default: float) -> float:
    """Return the seconds after which an answer asks to try again (RFC 9110, section 10.2.3), if it names them."""
    given = answer.headers.get("Retry-After", "")
    return min(float(given), LONGEST_WAIT_SECONDS) if given.isascii() and given.isdigit() else default


def not_echoic(answer: httpx.Response) -> CommandFailed:
    """Return the failure for an answer that no Echoic server gives."""
    return CommandFailed(ExitCode.UNREACHABLE, f"What answers at {_origin(answer)} is no Echoic server.")


def _origin(answer: httpx.Response) -> str:
    return f"{answer.url.scheme}://{answer.url.netloc.decode('ascii')}"


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


def require_success(answer: httpx.Response) -> None:
    """Raise CommandFailed, with the server's message, for an answer that is no success."""
    if answer.is_success:
        return
    exit_code = _EXITS.get(answer.status_code, ExitCode.REFUSED)
    if answer.status_code in TRY_AGAIN:
        exit_code = ExitCode.UNREACHABLE
    if answer.is_redirect:
        raise CommandFailed(exit_code, f"{_origin(answer)} leads elsewhere: to {answer.headers['Location']}.")
    raise CommandFailed(exit_code, sentence_of(answer))


def sentence_of(answer: httpx.Response) -> str:
    """Return why an answer is no success: the server's sentence with its code, or the status where it says nothing."""
    try:
        body = json.loads(answer.content)
    except ValueError:
        body = None
    if not isinstance(body, dict) or "message" not in body:
        return f"{_origin(answer)} answered {answer.status_code} {answer.reason_phrase}."
    return f"{body['message']} ({body.get('code', answer.status_code)})"


def _read_config(path: Path) -> dict[str, str]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CommandFailed(ExitCode.REFUSED, f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandFailed(ExitCode.REFUSED, f"Cannot read {path}: it is not UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise CommandFailed(ExitCode.REFUSED, f"Cannot read {path}: it is no TOML: {error}.") from error
    unknown = sorted(set(content) - {"server", "api_key"})
    if unknown or not all(isinstance(value, str) for value in content.values()):
        wrong = f"'{unknown[0]}' is not known" if unknown else "values must be text"
        raise CommandFailed(ExitCode.REFUSED, f"{path}: {wrong}; allowed are server and api_key.")
    return content


def _own_key(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None  # another machine's server, or another account's: the environment has to say
