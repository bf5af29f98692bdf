"""Bodies as programs send them: the order and the names of their parts, their headers and file names.

Written after the public code of each program; what a program reads of the answer is looked at, too.
"""

from dataclasses import dataclass

import pytest

from echoic.testing.private_server import PrivateServer
from tests.recordings import tones

pytestmark = pytest.mark.processes

BOUNDARY = "----formdata-undici-049273916442"
Part = tuple[str, str | None, bytes]
"""The parameters of Content-Disposition, the content type, the content."""


@dataclass(frozen=True)
class Program:
    name: str
    parts: tuple[Part, ...]
    path: str = "/v1/audio/transcriptions"


def text(name: str, value: str) -> Part:
    return (f'name="{name}"', None, value.encode())


SOUND = tones(177.0, seconds=2.0)
PROGRAMS = (
    # requests' files and data: the data come first, the file last with its type.
    Program(
        "Open WebUI",
        (text("model", "whisper-1"), text("language", "en"), ('name="file"; filename="5f0e.wav"', "audio/wav", SOUND)),
    ),
    # axios with form-data: the file first, the language cut to two letters.
    Program(
        "LibreChat",
        (
            ('name="file"; filename="audio.wav"', "audio/wav", SOUND),
            text("model", "whisper-1"),
            text("language", "en"),
        ),
    ),
    # A fixed model, options before the file, the temperature as a number.
    Program(
        "n8n",
        (
            text("model", "whisper-1"),
            text("language", "en"),
            text("temperature", "0"),
            ('name="file"; filename="data.mp3"', "audio/mpeg", SOUND),
        ),
    ),
    # OpenAI's Python client: the file last, made in memory.
    Program(
        "Home Assistant",
        (
            text("model", "gpt-4o-mini-transcribe"),
            text("language", "en-US"),
            text("prompt", "The following conversation is a smart home user talking to Assist."),
            text("response_format", "json"),
            ('name="file"; filename="a.wav"', "audio/x-wav", SOUND),
        ),
    ),
    # The browser's FormData: the file first, a language and a prompt that may be empty.
    Program(
        "Obsidian Whisper",
        (
            ('name="file"; filename="Recording-20261128.webm"', "audio/webm", SOUND),
            text("model", "whisper-1"),
            text("language", ""),
            text("prompt", ""),
        ),
    ),
    # Programs that write the form by themselves: no file name, lists without brackets, a field nobody knows.
    Program(
        "by hand",
        (
            ('name="file"', "application/octet-stream", SOUND),
            text("timestamp_granularities", "word,segment"),
            text("response_format", "verbose_json"),
            text("chunking_strategy[type]", "server_vad"),
            text("chunking_strategy[threshold]", "0.5"),
            text("include[]", "logprobs"),
            text("keywords[0]", "Echoic"),
            text("keywords[1]", "tus"),
            text("vad_filter", "true"),
        ),
    ),
    Program("by hand, without a name", (('filename="x"', "audio/wav", SOUND), text("model", "x"))),
)


def body(program: Program) -> bytes:
    written = b""
    for disposition, kind, content in program.parts:
        written += f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n".encode()
        written += f"Content-Type: {kind}\r\n".encode() if kind else b""
        written += b"\r\n" + content + b"\r\n"
    return written + f"--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_program_gets_its_text(server: PrivateServer, program: Program) -> None:
    answer = server.client.post(
        program.path,
        content=body(program),
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    )
    assert answer.status_code == 200, answer.text
    heard = answer.json()
    assert heard["text"].strip()  # LibreChat takes an empty text for a failure
    if program.name == "by hand":
        assert heard["words"]
        assert heard["segments"]
        assert [notice["code"] for notice in heard["notices"]] == ["field_unknown"]
        assert "vad_filter" in heard["notices"][0]["message"]


def test_a_program_shows_the_message_of_an_error(server: PrivateServer) -> None:
    """Open WebUI shows error.message; all of them look for it there."""
    broken = Program("broken", (text("model", "whisper-1"), ('name="file"; filename="a.wav"', "audio/wav", b"text")))
    answer = server.client.post(
        broken.path,
        content=body(broken),
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    )
    assert answer.status_code == 400
    assert "not a recording" in answer.json()["error"]["message"]
