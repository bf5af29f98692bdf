"""Fetch a small document from a URL that a stranger gave, with the guard of audio URLs and without following redirects."""

import asyncio
from dataclasses import dataclass

from echoic.errors import UrlAnswerUnusable, UrlStatusUnusable, UrlTimedOut
from echoic.intake.audio_url import parse_audio_url
from echoic.intake.body import media_type
from echoic.intake.egress import Egress, targets_of
from echoic.intake.fetch import FileAhead, answer_of, header, read_head


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A document that was fetched whole."""

    body: bytes
    media_type: str
    """In lower case, without parameters; empty where none was named."""
    cache_control: str


async def fetch_document(text: str, egress: Egress, *, max_bytes: int, timeout_seconds: float) -> Document:
    """Return what the URL answers.

    Raises AudioUrlInvalid, a subclass of SourceUnusable, and FetchProxyUnavailable; their messages speak of audio.
    """
    url = parse_audio_url(text)
    try:
        async with (
            asyncio.timeout(timeout_seconds),
            answer_of(url, await targets_of(url, egress), egress) as answer,
        ):
            if not isinstance(read_head(answer), FileAhead):
                raise UrlStatusUnusable("The address redirects.")
            body = b""
            async for chunk in answer.aiter_stream():
                body += chunk
                if len(body) > max_bytes:
                    raise UrlAnswerUnusable(f"The document has more than {max_bytes:,} bytes.")
            return Document(
                body=body,
                media_type=media_type(header(answer, b"content-type") or ""),
                cache_control=(header(answer, b"cache-control") or "").lower(),
            )
    except TimeoutError as error:
        raise UrlTimedOut(f"The document did not come within {timeout_seconds:g} seconds.") from error
