"""Addresses of feeds and of their recordings: what is asked, with which credentials, and what of it may be shown.

An address may carry a password or a token. ``http`` is asked as ``https``: nothing is fetched in the clear.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from echoic.errors import AudioUrlInvalid, UrlRedirectInvalid
from echoic.intake.audio_url import AudioUrl, parse_audio_url

MAX_CREDENTIALS_CHARACTERS = 500
TOKEN_CHARACTERS = 16
"""From this length on a part of a path with digits and letters may be a token."""

_HTTP = re.compile(r"http://", re.IGNORECASE)
_SHOWN_ADDRESSES = ("link", "image_url")
_PLAIN_PORT = ":80"
_TOKEN = re.compile(rf"(?=[^/]*[0-9])(?=[^/]*[A-Za-z])[A-Za-z0-9_-]{{{TOKEN_CHARACTERS},}}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A place to ask at, and the credentials for its host."""

    url: AudioUrl
    credentials: str | None = None
    """``user:password``."""

    def headers(self, url: AudioUrl) -> dict[str, str]:
        """Return the headers with credentials for a URL; none where it leads to another host."""
        if self.credentials is None or (url.host, url.port) != (self.url.host, self.url.port):
            return {}
        return {"Authorization": f"Basic {base64.b64encode(self.credentials.encode()).decode('ascii')}"}

    @property
    def looks_private(self) -> bool:
        """Return whether the address seems to hold a secret: credentials, a query, or a token in its path."""
        path, mark, _ = self.url.target.partition("?")
        return self.credentials is not None or bool(mark) or bool(_TOKEN.search(path))

    def shown(self, *, is_private: bool) -> str:
        """Return the address as people and logs may see it."""
        return f"https://{self.url.authority}/…" if is_private else str(self.url)


def parse_address(text: str) -> Address:
    """Take an address apart, with ``user:password@`` where it has that. Raises AudioUrlInvalid or a subclass."""
    text = secured(text.strip())
    try:
        parts = urlsplit(text)
        credentials = None
        if "@" in parts.netloc:
            given, _, host = parts.netloc.rpartition("@")
            user, _, password = given.partition(":")
            credentials = f"{unquote(user)}:{unquote(password)}"[:MAX_CREDENTIALS_CHARACTERS]
            text = urlunsplit(parts._replace(netloc=host))
    except ValueError as error:
        raise AudioUrlInvalid from error
    return Address(url=parse_audio_url(text), credentials=credentials)


def address_within(text: str, feed_url: str, credentials: str | None) -> Address:
    """Take the address of something that a feed names apart; the feed's credentials are for its own host alone.

    Raises AudioUrlInvalid or a subclass.
    """
    address, own = parse_address(text), parse_address(feed_url).url
    is_same_host = (own.host, own.port) == (address.url.host, address.url.port)
    if address.credentials is None and is_same_host:
        return Address(url=address.url, credentials=credentials)
    return address


def without_secrets(podcast: Mapping[str, Any], feed_url: str) -> dict[str, Any]:
    """Return what a private feed says of its podcast, without addresses that may hold a secret.

    Those at the feed's own host may hold what the feed's address holds, in whatever place.
    """
    host = parse_address(feed_url).url.host

    def may_be_shown(text: str) -> bool:
        try:
            address = parse_address(text)
        except AudioUrlInvalid:
            return False
        return not address.looks_private and address.url.host != host

    return {
        name: value
        for name, value in podcast.items()
        if value is not None and (name not in _SHOWN_ADDRESSES or may_be_shown(value))
    }


def host_of(text: str) -> str:
    """Return the host of an address, all that is shown of one that may hold a secret; empty where it has none."""
    try:
        return urlsplit(text).hostname or ""
    except ValueError:
        return ""


def shown_of_unusable(text: str) -> str | None:
    """Return what may be shown of an address that cannot be asked: scheme and host, as anything else may be a secret.

    None where it has no host.
    """
    host = host_of(text)
    return f"{urlsplit(text).scheme or 'https'}://{host}/…" if host else None


def secured(text: str) -> str:
    """Return an address with https in place of http."""
    if not _HTTP.match(text):
        return text
    rest = text[len("http://") :]
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return f"https://{host.removesuffix(_PLAIN_PORT)}{rest[len(host) :]}"


def next_url(url: AudioUrl, location: str) -> AudioUrl:
    """Return where a redirect leads. Raises UrlRedirectInvalid."""
    try:
        return parse_audio_url(secured(urljoin(str(url), location.strip())))
    except (AudioUrlInvalid, ValueError) as error:
        raise UrlRedirectInvalid from error
