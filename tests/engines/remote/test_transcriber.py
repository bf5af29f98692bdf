"""The transcriber that asks an endpoint: what it sends, what it makes of answers, and which failures pass."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from echoic import errors
from echoic.engines.protocols import MAX_PIECE_SECONDS, TranscribeOptions
from echoic.engines.registry import Engines
from echoic.engines.remote.transcriber import RemoteTranscriber, to_wav
from echoic.records import Audio, EngineId
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE
from tests.engines.remote.endpoint import Answer, Endpoint, heard, serving

ENGLISH = TranscribeOptions(language="en")
ENGINE = EngineId(name="openai", model="whisper-large", version="1")
USUAL_LIMIT_BYTES = 25 * 1024 * 1024

Make = Callable[..., tuple[RemoteTranscriber, Endpoint]]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes a transcriber and the endpoint that it asks."""
    with ExitStack() as stack:

        def make(answer: Answer, **changes: Any) -> tuple[RemoteTranscriber, Endpoint]:
            endpoint = stack.enter_context(serving(answer))
            settings = Settings(_env_file=None, openai_base_url=endpoint.url, **changes)
            transcriber = RemoteTranscriber(ENGINE, settings)
            stack.callback(transcriber.close)
            return transcriber, endpoint

        yield make


def test_what_is_known_of_the_recording_is_sent_with_it(make: Make, jfk: Audio) -> None:
    transcriber, endpoint = make(heard, openai_api_key="sesame")
    options = TranscribeOptions(language="en", initial_prompt="A speech.", hotwords=("Kennedy", "Inauguration"))

    transcriber.transcribe(jfk, options=options)

    (asked,) = endpoint.asked
    assert (asked.path, asked.authorization) == ("/v1/audio/transcriptions", "Bearer sesame")
    assert asked.fields == {
        "model": ["whisper-large"],
        "temperature": ["0"],
        "language": ["en"],
        "prompt": ["A speech. Kennedy, Inauguration"],
        "response_format": ["verbose_json"],
        "timestamp_granularities[]": ["segment", "word"],
    }
    assert np.abs(asked.audio - jfk).max() < 2 / 32768


def test_the_longest_piece_stays_below_the_usual_limit() -> None:
    assert len(to_wav(np.zeros(round(MAX_PIECE_SECONDS * SAMPLE_RATE), dtype=np.float32))) < USUAL_LIMIT_BYTES


def test_silence_is_not_sent(make: Make) -> None:
    transcriber, endpoint = make(heard)

    assert transcriber.transcribe(np.zeros(80_000, dtype=np.float32), options=ENGLISH).segments == ()
    assert endpoint.asked == []


def test_an_endpoint_that_knows_plain_json_alone_is_asked_for_that(make: Make, jfk: Audio) -> None:
    def plain(asked: Any) -> tuple[int, Any]:
        if asked.fields["response_format"] != ["json"]:
            return 400, {"error": {"message": "response_format 'verbose_json' is not compatible with this model."}}
        return 200, {"text": "And so, my fellow Americans."}

    transcriber, endpoint = make(plain)

    found = transcriber.transcribe(jfk, options=ENGLISH)

    assert len(endpoint.asked) == 2
    assert [segment.text for segment in found.segments] == ["And so, my fellow Americans."]
    assert 0 <= found.segments[0].start < found.segments[0].end <= 11.0


@pytest.mark.parametrize(
    ("status", "body", "passes", "message"),
    [
        (401, {"error": {"message": "Incorrect API key provided."}}, False, "ECHOIC_OPENAI_API_KEY"),
        (413, {"error": {"message": "Maximum content size limit exceeded"}}, False, "content size"),
        (404, {"object": "error", "message": "The model `x` does not exist."}, False, "does not exist"),
        (400, {"detail": "Unsupported language: xx"}, False, "Unsupported language"),
        (429, {"error": {"message": "Rate limit reached"}}, True, "Rate limit"),
        (500, b"<html>oops</html>", True, "answered 500"),
        (503, {"error": "overloaded"}, True, "overloaded"),
    ],
)
def test_a_refusal_is_final_and_an_outage_passes(
    make: Make, jfk: Audio, *, status: int, body: Any, passes: bool, message: str
) -> None:
    transcriber, _ = make(lambda _: (status, body))

    with pytest.raises(errors.EngineFailed, match=message) as raised:
        transcriber.transcribe(jfk, options=ENGLISH)

    assert raised.value.retryable is passes
    assert f"answered {status}" in raised.value.message


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", [1, 2], {"segments": 5}, {"segments": [{"start": "x"}]}, {"words": [{"start": 1}]}, {"text": 1}],
)
def test_an_answer_that_is_not_of_the_protocol_fails_the_engine(make: Make, jfk: Audio, body: Any) -> None:
    transcriber, _ = make(lambda _: (200, body))

    with pytest.raises(errors.EngineFailed, match="endpoint"):
        transcriber.transcribe(jfk, options=ENGLISH)


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": " ", "segments": [], "words": None}])
def test_an_empty_answer_says_nothing(make: Make, jfk: Audio, body: Any) -> None:
    transcriber, _ = make(lambda _: (200, body))

    assert transcriber.transcribe(jfk, options=TranscribeOptions()).segments == ()


def test_an_endpoint_that_takes_too_long_is_given_up_and_asked_again_later(make: Make, jfk: Audio) -> None:
    end = threading.Event()

    def slow(_: object) -> tuple[int, Any]:
        end.wait(30)
        return 500, {}

    transcriber, _ = make(slow, openai_timeout_seconds=0.2)

    with pytest.raises(errors.EngineUnreachable, match="too long") as raised:
        transcriber.transcribe(jfk, options=ENGLISH)
    end.set()
    assert raised.value.retryable


def test_an_endpoint_that_is_not_there_is_asked_again_later(jfk: Audio) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings = Settings(_env_file=None, openai_base_url=f"http://127.0.0.1:{port}/v1")
    transcriber = RemoteTranscriber(ENGINE, settings)

    with pytest.raises(errors.EngineUnreachable, match="cannot be reached"):
        transcriber.transcribe(jfk, options=ENGLISH)
    transcriber.close()


def test_without_an_address_the_server_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(errors.SettingInvalid, match="ECHOIC_OPENAI_BASE_URL"):
        Engines(Settings(_env_file=None, data_dir=tmp_path, transcriber="openai"))


def test_the_settings_name_the_endpoint_and_its_model(tmp_path: Path) -> None:
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path,
        transcriber="openai",
        openai_base_url="http://localhost/v1",
        openai_model="large",
    )
    engines = Engines(settings)

    assert engines.transcriber.id.label == "openai/large@1"
    with engines.transcriber.use() as transcriber:
        assert isinstance(transcriber, RemoteTranscriber)
    engines.close()
