"""A small endpoint of OpenAI's transcription protocol on the loopback interface, answering as it is told."""

import io
import json
import threading
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from echoic.engines.fake import FakeTranscriber
from echoic.engines.protocols import TranscribeOptions
from echoic.records import Audio
from echoic.units import SAMPLE_RATE


@dataclass
class Asked:
    """One request as it came."""

    path: str
    authorization: str | None
    fields: dict[str, list[str]]
    file: bytes

    @property
    def audio(self) -> Audio:
        with wave.open(io.BytesIO(self.file)) as wav:
            assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (1, 2, SAMPLE_RATE)
            return np.frombuffer(wav.readframes(wav.getnframes()), "<i2").astype(np.float32) / np.float32(32768)


Answer = Callable[[Asked], tuple[int, Any]]
"""Status and body; bytes are sent as they are, anything else as JSON."""


@dataclass
class Endpoint:
    url: str
    answer: Answer
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def serving(answer: Answer) -> Iterator[Endpoint]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        endpoint = Endpoint(f"http://127.0.0.1:{server.server_port}/v1", answer)
        server.endpoint = endpoint  # type: ignore[attr-defined]  # the way to a handler leads over its server
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield endpoint
        finally:
            server.shutdown()
            thread.join(10)


def heard(asked: Asked) -> tuple[int, Any]:
    """Answer with what the fake transcriber hears in the audio, in the shape of Speaches: words within segments."""
    language = asked.fields.get("language", [None])[0]
    found = FakeTranscriber().transcribe(asked.audio, options=TranscribeOptions(language=language))
    segments = [
        {
            "id": number,
            "start": segment.start,
            "end": segment.end,
            "text": f" {segment.text}",
            "avg_logprob": -0.25,
            "no_speech_prob": 0.01,
            "compression_ratio": 1.2,
            "words": [
                {"word": f" {word.text}", "start": word.start, "end": word.end, "probability": word.score}
                for word in segment.words
            ],
        }
        for number, segment in enumerate(found.segments)
    ]
    return 200, {"task": "transcribe", "language": found.language, "duration": 1.0, "segments": segments}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        endpoint: Endpoint = self.server.endpoint  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = _asked(self.path, self.headers["Authorization"], self.headers["Content-Type"], body)
        endpoint.asked.append(asked)
        status, answer = endpoint.answer(asked)
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


def _asked(path: str, authorization: str | None, content_type: str, body: bytes) -> Asked:
    message = BytesParser().parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    fields: dict[str, list[str]] = {}
    file = b""
    for part in message.get_payload():
        name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]
        content = part.get_payload(decode=True)  # type: ignore[union-attr]
        assert isinstance(content, bytes)
        if part.get_filename():  # type: ignore[union-attr]
            # The parser of mails takes the last line end for its own.
            file = content
        else:
            fields.setdefault(str(name), []).append(content.decode())
    return Asked(path=path, authorization=authorization, fields=fields, file=file)
