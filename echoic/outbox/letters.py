"""Mails put together: a subject and lines, as plain text and as plain HTML, with the headers that such mail has. Pure.

Whatever people wrote stands in a header only without control characters, and in HTML only escaped.
"""

import html
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Literal

MAX_SUBJECT_CHARACTERS = 150

LineKind = Literal["heading", "text", "quote", "small"]
TAGS = {"heading": "h2", "text": "p", "quote": "blockquote", "small": "small"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A paragraph; with an address it leads there."""

    text: str
    kind: LineKind = "text"
    url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A mail as far as its content goes."""

    subject: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """The sender and the recipient of a mail, and what is the same in each attempt to send it."""

    sender: Address
    recipient: str
    message_id: str
    """The id of the message in the outbox: whoever gets a mail twice can tell by it."""
    stop_url: str
    """The address at which one POST ends such mail (RFC 8058)."""


def message_of(letter: Letter, envelope: Envelope) -> EmailMessage:
    """Return a mail as it is sent."""
    message = EmailMessage(policy=SMTP)
    message["From"] = envelope.sender
    message["To"] = Address(addr_spec=envelope.recipient)
    message["Subject"] = in_header(letter.subject)[:MAX_SUBJECT_CHARACTERS]
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{envelope.message_id}@{envelope.sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["List-Unsubscribe"] = f"<{envelope.stop_url}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    lines = (*letter.lines, Line(text="Stop this mail", kind="small", url=envelope.stop_url))
    message.set_content(as_text(lines), cte="quoted-printable")
    message.add_alternative(as_html(lines), subtype="html", cte="quoted-printable")
    return message


def in_one_line(text: str) -> str:
    """Return a text without what breaks lines, controls anything or turns the direction of what follows."""
    plain = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in text)
    return " ".join(plain.split())


def in_header(text: str) -> str:
    """Return a text as a header may hold it: on one line, and without encoded words (RFC 2047).

    The library decodes these where a header is set, and writes the line ends that one may hold as they are.
    """
    return in_one_line(text).replace("=?", "= ?")


def as_text(lines: Iterable[Line]) -> str:
    """Return lines as plain text."""
    told = []
    for line in lines:
        text = in_one_line(line.text)
        shown = f"> {text}" if line.kind == "quote" else text
        told.append(shown if line.url is None else f"{shown}\n  {line.url}")
    return "\n\n".join(told) + "\n"


def as_html(lines: Iterable[Line]) -> str:
    """Return lines as HTML without images, styles and scripts."""
    told = []
    for line in lines:
        text = html.escape(in_one_line(line.text))
        if line.url is not None:
            text = f'<a href="{html.escape(line.url)}">{text}</a>'
        tag = TAGS[line.kind]
        told.append(f"<{tag}>{text}</{tag}>")
    return '<!doctype html>\n<html lang="en"><body>\n' + "\n".join(told) + "\n</body></html>\n"
