"""What the head of a fetched answer says: where it leads, whether its body is the file, and if not, why. Pure.

Statuses and fields are those of RFC 9110.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpcore

from echoic.errors import UrlAnswerUnusable, UrlEncoded, UrlStatusUnusable

_SUCCESS = range(200, 300)
_PARTIAL = 206
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ANY_REDIRECT = range(300, 400)
_SERVER_ERRORS = range(500, 600)
_WHYS: Mapping[int, str] = {
    204: "there is no content",
    205: "there is no content",
    300: "there are several files to choose from",
    304: "nothing has changed, although no earlier copy was spoken of",
    401: "it wants a login",
    402: "it wants to be paid",
    403: "it does not allow this server to read the file",
    404: "there is no such file",
    407: "a proxy wants a login",
    410: "the file is gone",
    416: "it has no such range",
    429: "it was asked too often; try again later",
    451: "it may not hand out the file for legal reasons",
}
_WITHOUT_BODY = frozenset({204, 205})
"""Successes that have no body."""
_RANGE = re.compile(r"bytes\s+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)\s*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class FileAhead:
    """A body that is the file."""

    declared_bytes: int | None
    """None where nothing says how long it is."""


def read_head(answer: httpcore.Response) -> str | FileAhead:
    """Where the answer redirects to, or what is said of the file in its body.

    Raises UrlStatusUnusable and UrlEncoded with the reason.
    """
    if answer.status in _REDIRECTS:
        location = (header(answer, b"location") or "").strip()
        if not location:
            raise UrlStatusUnusable(
                f"The audio URL answered with status {answer.status} and does not say where to go on."
            )
        return location
    if answer.status not in _SUCCESS or answer.status in _WITHOUT_BODY:
        raise UrlStatusUnusable(f"The audio URL answered with status {answer.status}{_why(answer.status)}.")
    if (header(answer, b"content-encoding") or "identity").strip().lower() != "identity":
        raise UrlEncoded
    length = header(answer, b"content-length")
    declared = int(length) if length is not None and length.isascii() and length.isdigit() else None
    if answer.status == _PARTIAL:
        declared = _whole_bytes(answer, declared)
    return FileAhead(declared_bytes=declared)


def judge_received(ahead: FileAhead, size_bytes: int) -> None:
    """Raise UrlAnswerUnusable where the body that came is empty, or not as long as was said."""
    if size_bytes == 0:
        raise UrlAnswerUnusable("The audio URL answered with an empty file.")
    if ahead.declared_bytes not in (None, size_bytes):
        raise UrlAnswerUnusable(
            f"The audio URL said that the file has {ahead.declared_bytes:,} bytes and sent {size_bytes:,}."
        )


def header(answer: httpcore.Response, name: bytes) -> str | None:
    """A header's value; several are joined. None where it is missing."""
    # A Location may hold UTF-8 as it is; what is none remains unreadable, as no URL may be.
    values = [value.decode("utf-8", "surrogateescape") for key, value in answer.headers if key.lower() == name]
    return ", ".join(values) if values else None


def _whole_bytes(answer: httpcore.Response, declared: int | None) -> int:
    """The size of the file where a part of it, for which nobody asked, is all of it. Raises UrlStatusUnusable."""
    said = f"The audio URL answered with status {answer.status}, a part of the file"
    ranged = _RANGE.fullmatch((header(answer, b"content-range") or "").strip())
    if ranged is None:
        raise UrlStatusUnusable(f"{said}, and does not say which (Content-Range).")
    first, last, total = int(ranged[1]), int(ranged[2]), ranged[3]
    if total == "*":
        raise UrlStatusUnusable(f"{said}, and does not say how long the whole is (Content-Range).")
    if first != 0 or last + 1 != int(total) or declared not in (None, int(total)):
        raise UrlStatusUnusable(f"{said}: bytes {first:,} to {last:,} of {int(total):,}; the whole is needed.")
    return int(total)


def _why(status: int) -> str:
    if status in _WHYS:
        return f": {_WHYS[status]}"
    if status in _SERVER_ERRORS:
        return ": it failed itself; try again later"
    return ": it leads nowhere" if status in _ANY_REDIRECT else ""
