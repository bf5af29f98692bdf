"""The settings of the mail server, and what it means when it answers nothing good."""

import asyncio
import dataclasses
import ssl

import pytest
import trustme

from echoic.errors import SettingInvalid
from echoic.outbox.letters import Envelope, Letter, message_of
from echoic.outbox.mailing import sender_of
from echoic.outbox.smtp import SmtpServer
from tests.outbox.mail_server import taking_mail


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example",
        "smtp://",
        "smtp://mail.example:port",
        "smtp://secret@mail.example",
        "smtp://user:secret@mail.example/box",
        "smtp://[::1",
    ],
)
def test_a_wrong_url_is_named_without_its_secret(url: str) -> None:
    with pytest.raises(SettingInvalid, match="ECHOIC_SMTP_URL") as raised:
        SmtpServer.parse(url, starttls=True)
    assert "secret" not in raised.value.message


def test_a_password_is_never_sent_in_the_clear_and_parts_are_decoded() -> None:
    with pytest.raises(SettingInvalid, match="unencrypted"):
        SmtpServer.parse("smtp://user:word@mail.example", starttls=False)
    parsed = SmtpServer.parse("smtps://a%40b.org:p%2Fw@mail.example", starttls=True)
    assert (parsed.user, parsed.password, parsed.port, parsed.tls, parsed.starttls) == (
        "a@b.org",
        "p/w",
        465,
        True,
        False,
    )
    assert "p/w" not in repr(parsed)
    for wrong in (None, "Echoic", "Echoic <>", "a@example.org\r\nBcc: b@example.org"):
        with pytest.raises(SettingInvalid, match="ECHOIC_MAIL_FROM"):
            sender_of(wrong)


async def test_what_the_mail_server_does_wrong_is_named_and_nothing_is_sent_unencrypted(
    authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    sender = sender_of("echoic@example.org")
    envelope = Envelope(sender=sender, recipient="a@example.org", message_id="msg_1", stop_url="https://x.example/")
    message = message_of(Letter(subject="x", lines=()), envelope)

    async def error(server: SmtpServer) -> tuple[str | None, bool]:
        outcome = await server.send(message, sender=sender.addr_spec, recipient=envelope.recipient)
        return outcome.tried.error, outcome.is_final

    async with taking_mail(authority) as mails:
        server = dataclasses.replace(
            SmtpServer.parse(mails.url, starttls=True, own_name="x.example"), ssl_context=trusting
        )
        assert (await error(server), await server.fault()) == ((None, False), None)
        assert await error(dataclasses.replace(server, password="x")) == ("mail_server_refused_sign_in", False)
        untrusting = dataclasses.replace(server, ssl_context=ssl.create_default_context())
        assert await error(untrusting) == ("mail_server_tls_failed", False)
        mails.to_data = ["554 5.7.1 no"]
        assert await error(server) == ("mail_refused", True)
    assert (await error(server), await server.fault()) == (
        ("mail_server_unreachable", False),
        "mail_server_unreachable",
    )

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        while line := await reader.readline():
            heard.append(line)
            writer.write(b"250 mail.example\r\n")
        writer.close()
        ended.set()

    ended = asyncio.Event()
    heard: list[bytes] = []
    async with await asyncio.start_server(plain, "127.0.0.1", 0) as old:
        port = old.sockets[0].getsockname()[1]
        assert await error(dataclasses.replace(server, port=port)) == ("mail_server_tls_failed", False)
        await ended.wait()
    assert not any(b"AUTH" in line or b"MAIL" in line for line in heard)
