"""A language model at an endpoint: what is asked, what is read, and every way in which it can fail."""

import json
import socket
import threading
from typing import Any

import pytest

from echoic.engines.protocols import ChatMessage
from echoic.engines.registry import Engines
from echoic.engines.remote.chat import MAX_ANSWER_BYTES
from echoic.errors import (
    ChatAnswerCut,
    ChatFailed,
    ChatRefused,
    ChatUnavailable,
    SettingInvalid,
)
from echoic.settings import Settings
from tests.chat_endpoint import MODEL, Writes, Wrote, chat_endpoint, text

MESSAGES = (ChatMessage(role="system", content="Rules"), ChatMessage(role="user", content="Question"))


def settings(url: str, **more: Any) -> Settings:
    return Settings(
        _env_file=None, transcriber="fake", entity_tagger="fake", text_encoder="fake", diarizer="fake",
        chat_url=url, chat_model=MODEL, **more,
    )  # fmt: skip


async def written(url: str, **more: Any) -> tuple[str, Exception | None]:
    """What is written, and how it ends."""
    model = Engines(settings(url, **more)).chat
    assert model is not None
    found = ""
    try:
        async for piece in model.write(MESSAGES):
            found += piece
    except ChatUnavailable as error:
        return found, error
    return found, None


async def test_what_is_asked_is_the_protocol_without_tools_and_what_is_written_comes_whole() -> None:
    with chat_endpoint(text("The har", "bor ", "", "closes.")) as model:
        assert await written(model.url + "/", chat_key="secret", chat_max_tokens=77) == ("The harbor closes.", None)
    (body,) = model.asked
    assert body == {
        "model": MODEL,
        "messages": [{"role": "system", "content": "Rules"}, {"role": "user", "content": "Question"}],
        "stream": True,
        "max_tokens": 77,
        "temperature": 0,
    }
    assert model.keys == ["Bearer secret"]


async def test_an_endpoint_that_does_not_stream_or_wants_other_fields_is_understood() -> None:
    def writes(body: dict[str, Any], before: int) -> Wrote:
        if "max_tokens" in body:
            return Wrote(status=400, body=b'{"error": {"message": "Unsupported parameter: \'max_tokens\'"}}')
        whole = {"choices": [{"message": {"content": "Whole."}, "finish_reason": "stop"}]}
        return Wrote(body=json.dumps(whole).encode(), content_type="application/json; charset=utf-8")

    with chat_endpoint(writes) as model:
        assert await written(model.url) == ("Whole.", None)
    assert [body.get("max_completion_tokens") for body in model.asked] == [None, 1000]


REFUSED = b'{"error": {"message": "No such key."}}'


@pytest.mark.parametrize(
    ("wrote", "read", "error", "says"),
    [
        (Wrote(status=401, body=REFUSED), "", ChatRefused, "401: No such key. The server's operator has to look at ECHOIC"),
        (Wrote(status=404, body=b'{"detail": "no model"}'), "", ChatRefused, "404"),
        (Wrote(status=302, body=b""), "", ChatRefused, "302"),
        (Wrote(status=429, body=b'{"error": "slow down"}'), "", ChatUnavailable, "429: slow down."),
        (Wrote(status=500, body=b"<html>" * 9000), "", ChatUnavailable, "500."),
        (Wrote(pieces=["It clo"], ends_with=None), "It clo", ChatUnavailable, "broke off"),
        (Wrote(pieces=["It clo"], ends_with="length"), "It clo", ChatAnswerCut, "most tokens"),
        (Wrote(pieces=["It clo"], ends_with="content_filter"), "It clo", ChatRefused, "filter"),
        (Wrote(body=b"data: {oops\n\n"), "", ChatFailed, "not answer with JSON"),
        (Wrote(body=b"data: " + b"[" * 100_000 + b"\n\n"), "", ChatFailed, "JSON"),
        (Wrote(body=b'data: ["choices"]\n\n'), "", ChatFailed, "no object"),
        (Wrote(body=b'data: {"choices": 5}\n\n'), "", ChatFailed, "OpenAI's protocol"),
        (Wrote(body=b'data: {"choices": [{"delta": {"content": 5}}]}\n\n'), "", ChatFailed, "OpenAI's protocol"),
        (Wrote(body=b'data: {"error": {"message": "out of memory"}}\n\n'), "", ChatUnavailable, "gave up: out of memory"),
        (Wrote(body=b"<html>It works!</html>", content_type="text/html"), "", ChatUnavailable, "broke off"),
        (Wrote(body=b"x" * 2_000_000), "", ChatFailed, "too long"),
        (Wrote(body=b": padding\n" * (MAX_ANSWER_BYTES // 10 + 9)), "", ChatFailed, "too large"),
    ],
)  # fmt: skip
async def test_each_failure_is_told_apart_and_keeps_what_was_written(
    wrote: Wrote, read: str, error: type[ChatUnavailable], says: str
) -> None:
    writes: Writes = lambda _body, _before: wrote  # noqa: E731
    with chat_endpoint(writes) as model:
        found, raised = await written(model.url)
    assert found == read
    assert type(raised) is error
    assert says in str(raised)


async def test_an_endpoint_that_is_away_or_silent_or_slow_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        _, raised = await written(url, chat_silence_seconds=0.1)
        assert "took too long" in str(raised)
    _, raised = await written(url)
    assert "cannot be reached" in str(raised)
    never = threading.Event()
    # It sends something all the time, and never comes to its end.
    with chat_endpoint(lambda _body, _before: Wrote(pieces=["It", "goes"], goes_on_when=never)) as model:
        found, raised = await written(model.url, chat_timeout_seconds=0.3)
        assert (found, type(raised)) == ("It", ChatUnavailable)
        assert model.left.wait(5)
    _, raised = await written("http://[broken")
    assert isinstance(raised, ChatUnavailable)


def test_an_address_without_a_model_is_a_fault_of_the_settings_and_none_is_none() -> None:
    with pytest.raises(SettingInvalid, match="ECHOIC_CHAT_MODEL"):
        Engines(settings("http://127.0.0.1:1/v1").model_copy(update={"chat_model": None}))
    assert Engines(settings("http://x").model_copy(update={"chat_url": None})).chat is None
