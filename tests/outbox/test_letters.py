"""Mails put together: whatever people wrote, it stands in its own header and nowhere else."""

from email import message_from_bytes
from email.headerregistry import Address

import pytest

from echoic.outbox.letters import Envelope, Letter, Line, message_of

ENVELOPE = Envelope(
    sender=Address("Echoic", "echoic", "example.org"),
    recipient="ada@example.org",
    message_id="1",
    stop_url="https://echoic.example.org/mail/stop",
)


@pytest.mark.parametrize(
    "title",
    [
        "=?utf-8?q?=0D=0ABcc:_eve@example.org?=",
        "=?utf-8?b?aGkNCkJjYzogZXZlQGV4YW1wbGUub3JnDQoNCmJvZHk=?=",
        "==??utf-8?q?=0ABcc:_eve@example.org?=",
        "=?utf-8?q?hi?= =?utf-8?q?=0D=0A=0D=0Abody?=",
        "a\r\nBcc: eve@example.org",
        "a\u2028Bcc: eve@example.org",
    ],
)
@pytest.mark.parametrize("before", ["", "\u201cDates\u201d in "])
def test_no_title_writes_a_header_or_a_body_of_its_own(before: str, title: str) -> None:
    letter = Letter(subject=f"{before}{title}", lines=(Line(text="What was said."),))
    plain = Letter(subject="Dates", lines=letter.lines)
    sent = message_from_bytes(message_of(letter, ENVELOPE).as_bytes())
    assert sent.keys() == message_from_bytes(message_of(plain, ENVELOPE).as_bytes()).keys()
    assert sent.is_multipart(), "its body is its own"


def test_an_encoded_word_is_shown_as_it_was_written() -> None:
    message = message_of(Letter(subject="=?utf-8?b?aGVsbG8=?=", lines=(Line(text="x"),)), ENVELOPE)
    assert message["Subject"] == "= ?utf-8?b?aGVsbG8= ?="
