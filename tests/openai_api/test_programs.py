"""Bodies as programs send them: the order and the names of their parts, their headers and file names.

Each is what the libraries of the program wrote when they were called as its code, of the version named, calls them; what a
program reads of the answer is looked at, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from echoic.testing.private_server import PrivateServer
from tests.recordings import tones

pytestmark = pytest.mark.processes

Part = tuple[tuple[str, ...], bytes]
"""The lines of its head, and the content."""
CHUNK_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class Program:
    name: str
    parts: tuple[Part, ...]
    boundary: str = "----formdata-undici-049273916442"
    in_chunks: bool = False
    """Whether the body is sent without a length."""


def text(name: str, value: str, *, kind: str | None = None) -> Part:
    types = () if kind is None else (f"Content-Type: {kind}",)
    return (*types, f'Content-Disposition: form-data; name="{name}"'), value.encode()


def file(parameters: str, kind: str, *, type_first: bool = False) -> Part:
    head = [f"Content-Disposition: form-data; {parameters}", f"Content-Type: {kind}"]
    return tuple(reversed(head) if type_first else head), SOUND


SOUND = tones(177.0, seconds=2.0)
PLAIN = "text/plain; charset=utf-8"
PROGRAMS = (
    # open-webui 0.12.4 (PyPI), `_transcribe_openai`: aiohttp 3.14.5 writes the type first and sends the file as it reads it.
    Program(
        name="Open WebUI",
        boundary="c080fc5e0b004dbc872a97c8b53bf824",
        in_chunks=True,
        parts=(
            text("model", "whisper-1", kind=PLAIN),
            text("language", "en", kind=PLAIN),
            file('name="file"; filename="5f0e.wav"', "application/octet-stream", type_first=True),
        ),
    ),
    # LibreChat 0.8.8, STTService.js: axios 1.21.1 makes the form of an object; its stream has a name and no length.
    Program(
        name="LibreChat",
        boundary="--------------------------6921b1f3fbab44f34704283a",
        in_chunks=True,
        parts=(
            file('name="file"; filename="audio.webm"', "video/webm"),
            text("model", "whisper-1"),
            text("language", "en"),
        ),
    ),
    # @n8n/n8n-nodes-langchain 2.41.1 (npm), OpenAi/v2/actions/audio/transcribe: a temperature of 0 is not sent.
    Program(
        name="n8n",
        boundary="--------------------------9d22a72b3d34791614719922",
        parts=(
            text("model", "whisper-1"),
            text("language", "en"),
            text("temperature", "0.3"),
            file('name="file"; filename="data.mp3"', "audio/mpeg"),
        ),
    ),
    # Home Assistant, openai_conversation/stt.py at 0c3b5f1: OpenAI's client, here 3.57.0, with the file last.
    Program(
        name="Home Assistant",
        boundary="02159fef8c8f5ad84cf54e234bcca845",
        parts=(
            text("model", "gpt-4o-mini-transcribe"),
            text("language", "en"),
            text("prompt", "The following conversation is a smart home user talking to Home Assistant."),
            text("response_format", "json"),
            file('name="file"; filename="a.wav"', "audio/x-wav"),
        ),
    ),
    # Whisper for Obsidian 1.5.5, src/AudioHandler.ts: the browser's FormData, here with a boundary of Chromium's. The language is
    # sent where it is empty, a prompt is not.
    Program(
        name="Obsidian Whisper",
        boundary="----WebKitFormBoundary7MA4YWxkTrZu0gW",
        parts=(
            file('name="file"; filename="2026-11-28T22-10-00.webm"', "audio/webm;codecs=opus"),
            text("model", "whisper-1"),
            text("language", ""),
        ),
    ),
    # Programs that write the form by themselves: no file name, lists without brackets, a field nobody knows.
    Program(
        name="by hand",
        parts=(
            file('name="file"', "application/octet-stream"),
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
    Program(name="by hand, without a name", parts=(file('filename="x"', "audio/wav"), text("model", "x"))),
)


def body(program: Program) -> bytes:
    written = b""
    for head, content in program.parts:
        written += "\r\n".join((f"--{program.boundary}", *head, "", "")).encode() + content + b"\r\n"
    return written + f"--{program.boundary}--\r\n".encode()


def sent(server: PrivateServer, program: Program) -> httpx.Response:
    whole = body(program)
    return server.client.post(
        "/v1/audio/transcriptions",
        content=in_chunks(whole) if program.in_chunks else whole,
        headers={"Content-Type": f"multipart/form-data; boundary={program.boundary}"},
    )


def in_chunks(whole: bytes) -> Iterator[bytes]:
    for start in range(0, len(whole), CHUNK_BYTES):
        yield whole[start : start + CHUNK_BYTES]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_program_gets_its_text(server: PrivateServer, program: Program) -> None:
    answer = sent(server, program)
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
    wrong = (('Content-Disposition: form-data; name="file"; filename="a.wav"', "Content-Type: audio/wav"), b"text")
    answer = sent(server, Program(name="broken", parts=(text("model", "whisper-1"), wrong)))
    assert answer.status_code == 400
    assert "not a recording" in answer.json()["error"]["message"]
