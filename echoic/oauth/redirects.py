"""Redirect addresses: which ones clients may register, which one an authorization may name, and what people are shown. Pure.

After https://www.rfc-editor.org/rfc/rfc8252 (programs on a device) and https://www.rfc-editor.org/rfc/rfc9700, section 4.1.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, urlencode, urlsplit

from echoic.errors import InvalidRedirectUri

MAX_CHARACTERS = 2000
LOOPBACK = "localhost"
"""Stands for all of this device in the setting of allowed hosts."""
READ_BY_BROWSERS = frozenset(
    {"about", "blob", "chrome", "data", "file", "filesystem", "ftp", "intent", "javascript", "mailto", "sms", "tel"}
    | {"vbscript", "view-source", "ws", "wss"}
)
"""Schemes that belong to no program of its own: a browser acts on some of them itself."""

_PLAIN = re.compile(r"[!-~]+")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::[0-9]{1,5})?(?=[/?]|\Z)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Redirect:
    """A redirect address that is in order."""

    uri: str
    host: str
    """As people are shown it: a host with its port, or the scheme of a program on the device."""
    is_local: bool
    """True where it leads to a program on the device of the browser, which any program there may pretend to be."""
    allowed_as: str
    """The entry of the setting that allows it: a host, ``localhost``, or a scheme with its colon."""


def parse(uri: str) -> Redirect:
    """Take a redirect address apart. Raises InvalidRedirectUri."""
    if len(uri) > MAX_CHARACTERS or not _PLAIN.fullmatch(uri) or "\\" in uri:
        raise InvalidRedirectUri("A redirect address must be up to 2,000 printable ASCII characters without blanks.")
    try:
        parts = urlsplit(uri)
        has_port = parts.port != 0
    except ValueError as error:
        raise InvalidRedirectUri("A redirect address cannot be read as a URL.") from error
    if "#" in uri or "@" in parts.netloc or not has_port:
        raise InvalidRedirectUri("A redirect address must have no fragment, no credentials and no port 0.")
    if _LOOPBACK.match(uri):
        return Redirect(uri=uri, host=parts.netloc, is_local=True, allowed_as=LOOPBACK)
    if parts.scheme == "https" and parts.hostname:
        return Redirect(uri=uri, host=parts.netloc.lower(), is_local=False, allowed_as=parts.hostname)
    return _of_program(uri, parts)


def is_registered(uri: str, registered: Collection[str]) -> bool:
    """Return whether an address is one of those registered, character by character but for the port of the loopback."""
    return uri in registered or (_LOOPBACK.match(uri) is not None and _portless(uri) in map(_portless, registered))


def is_allowed(redirect: Redirect, hosts: Collection[str]) -> bool:
    """Return whether the setting lets programs be sent back there; an empty one lets all."""
    return not hosts or redirect.allowed_as in hosts


def with_parameters(uri: str, parameters: dict[str, str]) -> str:
    """Return the address with further parameters in its query."""
    sign = "&" if "?" in uri else "?"
    return f"{uri}{sign}{urlencode(parameters)}"


def _of_program(uri: str, parts: SplitResult) -> Redirect:
    """Return the address of a program on the device, by a scheme of the program's own."""
    scheme = parts.scheme
    if scheme in ("http", "https"):
        raise InvalidRedirectUri("A redirect address must be https; http is for localhost, 127.0.0.1 and [::1] alone.")
    if not _SCHEME.fullmatch(scheme) or scheme in READ_BY_BROWSERS or uri == f"{scheme}:":
        raise InvalidRedirectUri("A redirect address must begin with https://, or with the scheme of a program.")
    host = f"{scheme}://{parts.netloc}" if parts.netloc else f"{scheme}:"
    return Redirect(uri=uri, host=host, is_local=True, allowed_as=f"{scheme}:")


def _portless(uri: str) -> str:
    return _LOOPBACK.sub(r"\1", uri, count=1)
