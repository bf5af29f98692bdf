"""The URL of a recording, taken apart strictly, so that what is checked is what is connected to. Pure.

Where readers of URLs disagree (https://url.spec.whatwg.org/ against RFC 3986: backslashes, addresses as one number,
octal digits, escaped host names) the URL is refused.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urljoin

import idna

from echoic.errors import AudioUrlHasCredentials, AudioUrlInvalid, AudioUrlNotHttps, UrlRedirectInvalid
from echoic.intake.file_names import base_name

MAX_URL_CHARACTERS = 8192
"""Signed URLs of object stores reach a few thousand."""
MAX_HOST_CHARACTERS = 253
DEFAULT_PORT = 443
MAX_PORT = 65_535

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]*))?")
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# What RFC 3986 reserves stays, and so do escapes; everything else is escaped.
_KEPT = "!$%&'()*+,/:;=?@[]"


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioUrl:
    """An https URL in its normal form."""

    host: str
    """In lower case and ASCII, without trailing dot; an IPv6 address without brackets."""
    port: int
    target: str
    """Path and query."""

    @property
    def authority(self) -> str:
        """Return the value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORT else f"{host}:{self.port}"

    @property
    def file_name(self) -> str:
        """The last segment of the path, decoded; may be empty."""
        segment = self.target.partition("?")[0].rpartition("/")[2]
        return base_name(unquote(segment))

    def __str__(self) -> str:
        return f"https://{self.authority}{self.target}"


def parse_audio_url(text: str) -> AudioUrl:
    """Take a URL apart. Raises AudioUrlInvalid or the subclass that says what is wrong with it."""
    text = text.strip(" \t\r\n")
    if len(text) > MAX_URL_CHARACTERS:
        raise AudioUrlInvalid(f"audio_url has more than {MAX_URL_CHARACTERS:,} characters.")
    if _CONTROL.search(text) or "\\" in text or not is_encodable(text):
        raise AudioUrlInvalid("audio_url holds characters that no URL may hold.")
    scheme = _SCHEME.match(text)
    if scheme is None:
        raise AudioUrlInvalid
    if scheme[1].lower() != "https":
        raise AudioUrlNotHttps
    rest = text[scheme.end() :]
    if not rest.startswith("//"):
        raise AudioUrlInvalid
    authority = re.split(r"[/?#]", rest[2:], maxsplit=1)[0]
    target = rest[2 + len(authority) :].partition("#")[0]
    if "@" in authority:
        raise AudioUrlHasCredentials
    host, port = _parse_authority(authority)
    return AudioUrl(host=host, port=port, target=quote(target if target.startswith("/") else f"/{target}", safe=_KEPT))


def redirected(url: AudioUrl, location: str) -> AudioUrl:
    """Return where a redirect leads. Raises UrlRedirectInvalid."""
    try:
        return parse_audio_url(urljoin(str(url), location.strip()))
    except (AudioUrlInvalid, ValueError) as error:
        raise UrlRedirectInvalid from error


def is_encodable(text: str) -> bool:
    """Return whether a text is more than what JSON can express: it has no lone surrogate, so UTF-8 can carry it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def normal_host(text: str) -> str:
    """Return a host name or address in the one form in which it is compared and resolved. Raises AudioUrlInvalid.

    Names in other scripts become ASCII by UTS 46, as in browsers; that also folds full-width letters and digits.
    """
    if text.startswith("[") and text.endswith("]"):
        return _ipv6(text[1:-1])
    if not text.isascii():
        try:
            text = idna.encode(text, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise AudioUrlInvalid("audio_url has a host name that cannot be read.") from error
    host = text.lower().removesuffix(".")
    if len(host) > MAX_HOST_CHARACTERS or not _HOST.fullmatch(host):
        raise AudioUrlInvalid("audio_url has no valid host name.")
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError as error:
            raise AudioUrlInvalid("An IPv4 address must be written as four decimal numbers.") from error
    return host


def _parse_authority(authority: str) -> tuple[str, int]:
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise AudioUrlInvalid("audio_url has no valid host name.")
    port = int(parts["port"] or DEFAULT_PORT) if len(parts["port"] or "") <= len(str(MAX_PORT)) else 0
    if not 1 <= port <= MAX_PORT:
        raise AudioUrlInvalid("audio_url has no valid port.")
    return normal_host(parts["host"]), port


def _ipv6(text: str) -> str:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError as error:
        raise AudioUrlInvalid("audio_url has no valid IPv6 address.") from error
    if address.scope_id is not None:
        raise AudioUrlInvalid("audio_url has an IPv6 address with a zone, which means nothing elsewhere.")
    return str(address)
