"""Asks a language model by OpenAI's protocol for chat completions, streamed; the border to httpx.

The endpoint is the operator's choice: it may be on this machine. It is asked for text alone, without tools, and what it sends is
bounded in time and in bytes.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import httpx

from echoic import errors, wording
from echoic.engines.protocols import ChatMessage
from echoic.settings import Settings

CONNECT_SECONDS = 10.0
MAX_ANSWER_BYTES = 8_000_000
"""Of a whole answer; each token comes within some 300 bytes of JSON."""
MAX_LINE_BYTES = 1_000_000
MAX_REFUSAL_BYTES = 20_000
MAX_MESSAGE_CHARACTERS = 300
PASSING_STATUSES = frozenset({408, 409, 425, 429})
"""Statuses, in addition to 5xx, after which the same request may succeed later."""
KEY_STATUSES = frozenset({401, 403})
FORM_STATUSES = frozenset({400, 422})
FORMS: tuple[tuple[str, Mapping[str, Any]], ...] = (("max_tokens", {"temperature": 0}), ("max_completion_tokens", {}))
"""The field for the most tokens, and what goes with it: some models of OpenAI take the second form alone."""
FORM_WORDS = ("max_tokens", "temperature")
DATA = b"data:"
DONE = "[DONE]"


class ChatEndpoint:
    """An endpoint and one of its models."""

    def __init__(self, settings: Settings, *, url: str, model: str) -> None:
        self.name = model
        key = settings.chat_key
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        self._max_tokens = settings.chat_max_tokens
        self._whole_seconds = settings.chat_timeout_seconds
        self._silence_seconds = settings.chat_silence_seconds

    async def write(self, messages: Sequence[ChatMessage]) -> AsyncGenerator[str, None]:
        ends_at = time.monotonic() + self._whole_seconds
        timeout = httpx.Timeout(self._silence_seconds, connect=CONNECT_SECONDS)
        try:
            async with httpx.AsyncClient(headers=self._headers, timeout=timeout) as client:
                answer = await self._asked(client, messages, ends_at)
                try:
                    async with aclosing(_pieces(answer, ends_at)) as pieces:
                        async for piece in pieces:
                            yield piece
                finally:
                    await answer.aclose()
        except (httpx.TimeoutException, TimeoutError) as error:
            raise errors.ChatUnavailable("The language model took too long.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise errors.ChatUnavailable(
                f"The language model cannot be reached: {wording.in_one_line(error)}."
            ) from error

    async def _asked(
        self, client: httpx.AsyncClient, messages: Sequence[ChatMessage], ends_at: float
    ) -> httpx.Response:
        """Return an answer that is no refusal, its body unread. Raises ChatUnavailable and ChatRefused."""
        told = [{"role": one.role, "content": one.content} for one in messages]
        for most, more in FORMS:
            body = {"model": self.name, "messages": told, "stream": True, most: self._max_tokens, **more}
            request = client.build_request("POST", self._url, json=body)
            async with asyncio.timeout(_left(ends_at)):
                answer = await client.send(request, stream=True)
                if answer.is_success:
                    return answer
                said = await _refusal_of(answer)
            if answer.status_code not in FORM_STATUSES or not any(word in said for word in FORM_WORDS):
                break
        raise _refused(answer, said)


async def _pieces(answer: httpx.Response, ends_at: float) -> AsyncGenerator[str, None]:
    """Yield what is written in an answer, whether it is a stream of events or one object."""
    if "json" in answer.headers.get("Content-Type", ""):
        whole = b"".join([part async for part in _bytes(answer, ends_at)])
        text, reason = _said(_object(whole), "message")
        yield text
        _require_whole(reason)
        return
    reason = None
    async for line in _lines(_bytes(answer, ends_at)):
        if not line.startswith(DATA):
            continue
        data = line.removeprefix(DATA).strip()
        if data == DONE.encode():
            _require_whole(reason)
            return
        text, ended = _said(_object(data), "delta")
        reason = ended or reason
        if text:
            yield text
    if reason is None:
        raise errors.ChatUnavailable("The answer of the language model broke off.")
    _require_whole(reason)


async def _bytes(answer: httpx.Response, ends_at: float) -> AsyncGenerator[bytes, None]:
    read = answer.aiter_bytes()
    size = 0
    while True:
        try:
            async with asyncio.timeout(_left(ends_at)):
                part = await anext(read)
        except StopAsyncIteration:
            return
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise errors.ChatFailed("The answer of the language model is too large.")
        yield part


async def _lines(parts: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    begun = b""
    async for part in parts:
        *lines, begun = (begun + part).split(b"\n")
        for line in lines:
            yield line.rstrip(b"\r")
        if len(begun) > MAX_LINE_BYTES:
            raise errors.ChatFailed("The answer of the language model has a line that is too long.")
    yield begun.rstrip(b"\r")


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise errors.ChatFailed("The language model did not answer with JSON.") from error
    if not isinstance(found, dict):
        raise errors.ChatFailed("The language model answered with JSON that is no object.")
    if found.get("error"):
        raise errors.ChatUnavailable(f"The language model gave up{_message_of(found)}.")
    return found


def _said(found: Mapping[str, Any], field: str) -> tuple[str, str | None]:
    """Return the text of a piece, and why the model ended with it; None: it goes on."""
    choices = found.get("choices")
    if choices == []:
        return "", None  # what was used of the account's tokens
    try:
        choice: Any = choices[0] if isinstance(choices, list) else None
        text, reason = choice[field].get("content"), choice.get("finish_reason")
    except (TypeError, KeyError, IndexError, AttributeError) as error:
        raise errors.ChatFailed("The language model's endpoint does not speak OpenAI's protocol.") from error
    if not isinstance(text, str | None) or not isinstance(reason, str | None):
        raise errors.ChatFailed("The language model's endpoint does not speak OpenAI's protocol.")
    return text or "", reason


def _require_whole(reason: str | None) -> None:
    """Raise where the model ended for another reason than that it was done."""
    if reason == "length":
        raise errors.ChatAnswerCut
    if reason == "content_filter":
        raise errors.ChatRefused("The language model's endpoint withheld the answer by its own filter.")


async def _refusal_of(answer: httpx.Response) -> str:
    body = b""
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > MAX_REFUSAL_BYTES:
            break
    await answer.aclose()
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return _message_of(found) if isinstance(found, dict) else ""


def _refused(answer: httpx.Response, said: str) -> errors.ChatUnavailable:
    told = f"The language model's endpoint answered {answer.status_code}{said}."
    if answer.is_server_error or answer.status_code in PASSING_STATUSES:
        return errors.ChatUnavailable(told)
    if answer.status_code in KEY_STATUSES:
        return errors.ChatRefused(f"{told} The server's operator has to look at ECHOIC_CHAT_KEY.")
    return errors.ChatRefused(told)


def _message_of(body: Mapping[str, Any]) -> str:
    """Return the message of an error, which endpoints put into several places, after a colon."""
    error = body.get("error") or body
    message = (error.get("message") or error.get("detail")) if isinstance(error, dict) else error
    return f": {message.strip().rstrip('.')[:MAX_MESSAGE_CHARACTERS]}" if isinstance(message, str) and message else ""


def _left(ends_at: float) -> float:
    return max(0.0, ends_at - time.monotonic())
