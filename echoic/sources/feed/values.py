"""Values in feeds, as publishers really write them: dates, lengths, numbers, addresses, text with markup. Pure.

Nothing here fails: what cannot be understood is None.
"""

import html
import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from urllib.parse import urljoin, urlsplit

MAX_URL_CHARACTERS = 8192
MAX_SECONDS = 7 * 24 * 3600.0
"""Above it a length is no length of a recording."""
MAX_BYTES = 2**50
MAX_NUMBER = 10**9

_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_NUMBER = re.compile(r"\s*(\d{1,16})(?:\.\d*)?\s*")
_CLOCK = re.compile(r"\s*(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:[.,]\d{1,9})?)\s*")
_SECONDS = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*(?:s|sec|secs|seconds)?\s*", re.IGNORECASE)
_MARKUP = re.compile(r"<(?:[!?]|(/?)([A-Za-z][A-Za-z0-9]*))[^<>]*>")
_BREAKS = frozenset({"br", "p", "div", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr"})
_UNSAID = frozenset({"script", "style"})
_BLANKS = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\n{2,}")


def date_of(text: str | None) -> datetime | None:
    """Return a date of RFC 822 or ISO 8601, in UTC; one without zone is taken for UTC."""
    text = (text or "").strip()
    try:
        if _ISO_DATE.match(text):
            moment = datetime.fromisoformat(text)
        else:
            parts = parsedate_tz(text)
            if parts is None:
                return None
            zone = timezone(timedelta(seconds=parts[9] or 0))
            moment = datetime(*parts[:5], second=min(parts[5], 59), tzinfo=zone)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, TypeError):
        return None


def seconds_of(text: str | None) -> float | None:
    """Return a length as ``itunes:duration`` has it, ``1:02:03``, ``62:03`` or ``3723``, in seconds; 0 says nothing."""
    text = text or ""
    if clock := _CLOCK.fullmatch(text):
        seconds = int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3].replace(",", "."))
    elif plain := _SECONDS.fullmatch(text):
        seconds = float(plain[1])
    else:
        return None
    return seconds if 0 < seconds <= MAX_SECONDS else None


def number_of(text: str | None, most: int = MAX_NUMBER) -> int | None:
    """Return a whole number that is not negative."""
    found = _NUMBER.fullmatch(text or "")
    return None if found is None or int(found[1]) > most else int(found[1])


def size_of(text: str | None) -> int | None:
    """Return a length in bytes; 0 says nothing."""
    return number_of(text, MAX_BYTES) or None


def truth_of(text: str | None) -> bool | None:
    """Return a flag as ``itunes:explicit`` has it."""
    match (text or "").strip().lower():
        case "yes" | "true" | "explicit":
            return True
        case "no" | "false" | "clean":
            return False
    return None


def url_of(text: str | None, base: str = "") -> str | None:
    """Return an address of the web, made whole by that of the feed; None for anything else."""
    text = (text or "").strip()
    if not text or len(text) > MAX_URL_CHARACTERS:
        return None
    try:
        whole = urljoin(base, text)
        parts = urlsplit(whole)
    except ValueError:
        return None
    return whole if parts.scheme in ("http", "https") and parts.netloc else None


def line_of(text: str | None, *, is_markup: bool = True, most: int = 500) -> str | None:
    """Return a text in one line, without markup; None for a blank one."""
    return " ".join((plain_text(text or "") if is_markup else text or "").split())[:most].rstrip() or None


def text_of(text: str | None, *, is_markup: bool = True, most: int = 20_000) -> str | None:
    """Return a text in paragraphs, without markup; None for a blank one."""
    return (plain_text(text or "") if is_markup else (text or "").strip())[:most].rstrip() or None


def plain_text(markup: str) -> str:
    """Return the text that a browser would show for HTML, without links; linear in its length."""
    if "<" not in markup and "&" not in markup:
        return _tidied(markup)
    parts: list[str] = []
    at, unsaid = 0, ""
    for tag in _MARKUP.finditer(markup):
        if not unsaid:
            parts.append(markup[at : tag.start()])
        at = tag.end()
        name = (tag[2] or "").lower()
        if unsaid:
            if tag[1] and name == unsaid:
                unsaid = ""
        elif name in _UNSAID and not tag[1]:
            unsaid = name
        elif name in _BREAKS:
            parts.append("\n\n" if name == "p" else "\n")
    if not unsaid:
        parts.append(markup[at:])
    return _tidied(html.unescape("".join(parts)))


def _tidied(text: str) -> str:
    text = _BLANKS.sub(" ", text.replace("\r\n", "\n").replace("\0", ""))
    return _BLANK_LINES.sub("\n\n", "\n".join(line.strip() for line in text.split("\n"))).strip()
