"""Transcribes by posting pieces of audio to an endpoint that speaks OpenAI's protocol; the border to httpx.

Audio goes as 16-bit WAV: at most 19.2 MB for the longest piece, below the 25 MB that such endpoints take.
"""

import io
import json
import wave
from collections.abc import Callable

import httpx
import numpy as np

from echoic import errors, wording
from echoic.engines.answers import AnswerMalformed, to_transcription
from echoic.engines.protocols import TranscribeOptions
from echoic.engines.silero import find_speech, leveled
from echoic.records import Audio, EngineId, Transcription
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE

CONNECT_SECONDS = 10.0
MAX_MESSAGE_CHARACTERS = 300
PASSING_STATUSES = frozenset({408, 409, 425, 429})
"""Statuses, in addition to 5xx, after which the same request may succeed later."""
KEY_STATUSES = frozenset({401, 403})
"""The key is missing or wrong."""
FORM_STATUSES = frozenset({400, 422})
"""A field of the request is not understood."""
FORMATS: tuple[dict[str, str | list[str]], ...] = (
    {"response_format": "verbose_json", "timestamp_granularities[]": ["segment", "word"]},
    {"response_format": "json"},
)
"""The forms of answer: with all details or, for an endpoint that does not know that form, the text alone."""
FORMAT_WORDS = ("response_format", "verbose_json", "timestamp_granularities")


class RemoteTranscriber:
    """An endpoint and one of its models."""

    def __init__(self, engine_id: EngineId, settings: Settings) -> None:
        self.id = engine_id
        key = settings.openai_api_key
        self._client = httpx.Client(
            base_url=(settings.openai_base_url or "").rstrip("/") + "/",
            headers={"Authorization": f"Bearer {key.get_secret_value()}"} if key else {},
            timeout=httpx.Timeout(settings.openai_timeout_seconds, connect=CONNECT_SECONDS),
        )

    def transcribe(
        self, audio: Audio, *, options: TranscribeOptions, on_progress: Callable[[float], None] | None = None
    ) -> Transcription:
        duration_seconds = len(audio) / SAMPLE_RATE
        audio = leveled(audio)
        speech = find_speech(audio)
        # Such models find something to say even in silence: they are not asked.
        answer = self._ask(to_wav(audio), options) if speech else {}
        try:
            transcription = to_transcription(
                answer, speech=speech, duration_seconds=duration_seconds, language=options.language
            )
        except AnswerMalformed as error:
            raise errors.EngineFailed(f"The transcription endpoint's answer cannot be used: {error}.") from error
        if on_progress is not None:
            on_progress(duration_seconds)
        return transcription

    def close(self) -> None:
        self._client.close()

    def _ask(self, wav: bytes, options: TranscribeOptions) -> object:
        fields: dict[str, str | list[str]] = {"model": self.id.model, "temperature": "0"}
        fields |= {"language": options.language} if options.language else {}
        fields |= {"prompt": prompt} if (prompt := _prompt(options)) else {}
        for form in FORMATS:
            answer = self._post(wav, fields | form)
            if not _is_unknown_format(answer):
                break
        if answer.is_success:
            try:
                parsed: object = answer.json()
            except ValueError as error:
                raise errors.EngineFailed("The transcription endpoint did not answer with JSON.") from error
            return parsed
        raise _refusal(answer)

    def _post(self, wav: bytes, fields: dict[str, str | list[str]]) -> httpx.Response:
        try:
            return self._client.post(
                "audio/transcriptions", data=fields, files={"file": ("audio.wav", wav, "audio/wav")}
            )
        except httpx.TimeoutException as error:
            raise errors.EngineUnreachable("The transcription endpoint took too long.") from error
        except httpx.HTTPError as error:
            raise errors.EngineUnreachable(
                f"The transcription endpoint cannot be reached: {wording.in_one_line(error)}."
            ) from error


def to_wav(audio: Audio) -> bytes:
    """Mono samples as a WAV file of 16 bits."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((np.clip(audio, -1.0, 1.0) * 32767).astype("<i2").tobytes())
    return content.getvalue()


def _prompt(options: TranscribeOptions) -> str:
    # The protocol has no field for words that are likely; a prompt that names them sets their spelling.
    return " ".join(part for part in (options.initial_prompt, ", ".join(options.hotwords)) if part)


def _is_unknown_format(answer: httpx.Response) -> bool:
    return answer.status_code in FORM_STATUSES and any(word in answer.text for word in FORMAT_WORDS)


def _refusal(answer: httpx.Response) -> errors.EngineFailed:
    said = f"The transcription endpoint answered {answer.status_code}{_said(answer)}."
    if answer.is_server_error or answer.status_code in PASSING_STATUSES:
        return errors.EngineUnreachable(said)
    if answer.status_code in KEY_STATUSES:
        return errors.EngineRefused(f"{said} Check ECHOIC_OPENAI_API_KEY.")
    return errors.EngineRefused(said)


def _said(answer: httpx.Response) -> str:
    """Return the message of an error, which endpoints put into several places."""
    try:
        body = json.loads(answer.content)
    except ValueError:
        return ""
    error = body.get("error", body) if isinstance(body, dict) else None
    message = (error.get("message") or error.get("detail")) if isinstance(error, dict) else error
    return f": {message.strip().rstrip('.')[:MAX_MESSAGE_CHARACTERS]}" if isinstance(message, str) and message else ""
