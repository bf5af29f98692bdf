"""OpenAI's audio routes. The form is read by ``intake``, as it comes; the request is held on a durable run."""

import asyncio
import time
from typing import Annotated, Any, cast

from fastapi import APIRouter, Path, Query
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from echoic.access import Caller, tells_of_its_own
from echoic.compose import Components
from echoic.errors import ClientDisconnected, EchoicError, ServerStopping
from echoic.intake.held_requests import Begun
from echoic.metrics import Metrics
from echoic.openai_api import streaming
from echoic.openai_api.answers import TYPES, json_answer, remarks, text_answer
from echoic.openai_api.auth import ComponentsDep, Reader, Uploader
from echoic.openai_api.documents import (
    ERRORS,
    ITEM_HEADER,
    MODEL_HEADER,
    NOTICES_HEADER,
    REPEATED_HEADER,
    RESPONSES,
    TRANSCRIPTION_FIELDS,
    TRANSLATION_FIELDS,
    UNKNOWN_MODEL_HEADER,
    form_of,
)
from echoic.openai_api.failures import OpenAiRoute, unknown_answer
from echoic.openai_api.fields import Asked
from echoic.openai_api.models import ModelBody, ModelList, find_model, list_models
from echoic.openai_api.requests import SpeechRequest
from echoic.reading import held
from echoic.reading.held import HeldTranscript
from echoic.records import Task

ROOT = "/v1"
MAX_ID = 2**63 - 1
LISTEN_SECONDS = 1.0
"""Time between two looks at whether the client is still there."""

router = APIRouter(tags=["openai"], route_class=OpenAiRoute, responses=ERRORS)

Dataset = Annotated[
    int | None,
    Query(ge=1, le=MAX_ID, description="The dataset that the recording goes into; the first of your own unless said."),
]
Keep = Annotated[
    bool | None,
    Query(description="Whether the recording stays as an item, or is deleted some time after its transcription."),
]


@router.post(
    "/v1/audio/transcriptions",
    operation_id="createTranscription",
    openapi_extra=form_of("TranscriptionForm", TRANSCRIPTION_FIELDS),
    responses=RESPONSES,
)
@tells_of_its_own
async def transcribe(
    request: Request, *, caller: Uploader, components: ComponentsDep, dataset: Dataset = None, keep: Keep = None
) -> Response:
    """Transcribe a recording, as OpenAI's route does, and answer once its words are known.

    The recording is safe before the work begins: a client that goes away and sends the same again gets the result.
    """
    return await _answer(request, caller, components, task="transcribe", dataset=dataset, keep=keep)


@router.post(
    "/v1/audio/translations",
    operation_id="createTranslation",
    openapi_extra=form_of("TranslationForm", TRANSLATION_FIELDS),
    responses=RESPONSES,
)
@tells_of_its_own
async def translate(
    request: Request, *, caller: Uploader, components: ComponentsDep, dataset: Dataset = None, keep: Keep = None
) -> Response:
    """Write in English what is said in a recording; 400 `translation_not_offered` where the transcriber cannot."""
    return await _answer(request, caller, components, task="translate", dataset=dataset, keep=keep)


@router.get("/v1/models", operation_id="listModels")
async def models(caller: Reader, components: ComponentsDep) -> ModelList:  # noqa: ARG001 - a key is needed
    """The names that `model` may have: the server's own transcribers, and OpenAI's names, which mean the dataset's."""
    return list_models(components.settings)


@router.get("/v1/models/{model}", operation_id="getModel")
async def model(
    model: Annotated[str, Path(description="The name of the model.", examples=["whisper-1"])],
    caller: Reader,  # noqa: ARG001 - a key is needed
    components: ComponentsDep,
) -> ModelBody:
    """One model by its name; that of a transcriber of this server has a slash in it."""
    return find_model(components.settings, model)


@router.get("/v1/models/{engine}/{model}", include_in_schema=False)
async def model_of_engine(
    engine: str,
    model: str,
    caller: Reader,  # noqa: ARG001 - a key is needed
    components: ComponentsDep,
) -> ModelBody:
    """The same for a name with a slash, which reaches the server as one however a client writes it."""
    return find_model(components.settings, f"{engine}/{model}")


def is_below(path: str) -> bool:
    """Return whether a path is of this door, whether or not there is a route."""
    return path == ROOT or path.startswith(f"{ROOT}/")


def unknown(request: Request, status: int, *, allow: str | None) -> Response:
    """Return the answer to a path or a method that is not there; ``allow`` are the methods of the path."""
    routes = [
        f"{method} {route.path}"
        for route in router.routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in sorted(route.methods or ())
    ]
    return unknown_answer(request, status, routes, {} if allow is None else {"Allow": allow})


async def _answer(
    request: Request, caller: Caller, components: Components, *, task: Task, dataset: int | None, keep: bool | None
) -> Response:
    metrics = cast("Metrics", request.app.state.metrics)
    speech = SpeechRequest(components, caller, task=task, keep=keep)
    try:
        begun = await speech.begin(request, dataset)
    except EchoicError as error:
        metrics.upload_ended(error.code)
        raise
    metrics.upload_ended("replayed" if begun.is_repeated else "accepted", speech.size_bytes)
    asked = speech.asked
    headers = {ITEM_HEADER: str(begun.item_id)}
    if not speech.model.is_known:
        headers[UNKNOWN_MODEL_HEADER] = "true"
    if begun.is_repeated:
        headers[REPEATED_HEADER] = "true"
    waiting = _Waiting(request, listens=not asked.stream)
    if asked.stream:
        frames = streaming.events(components, begun, asked, _stage(asked), waiting.pause)
        return StreamingResponse(frames, media_type="text/event-stream", headers=headers | streaming.HEADERS)
    found = await _found(components, begun, asked, waiting)
    return _written(found, asked, headers)


async def _found(components: Components, begun: Begun, asked: Asked, waiting: "_Waiting") -> HeldTranscript:
    async for _ in held.watch(components.database, begun.run_id, _stage(asked), waiting.pause):
        pass
    return await components.aside.run(
        lambda database: held.load(database, begun.run_id, with_speakers=asked.tells_speakers)
    )


def _stage(asked: Asked) -> str:
    """Return the stage after which the answer is known."""
    if not asked.tells_speakers:
        return held.TRANSCRIBE
    return held.IDENTIFY if asked.speaker_names else held.ATTRIBUTE


def _written(found: HeldTranscript, asked: Asked, headers: dict[str, str]) -> Response:
    transcript = found.transcript
    if transcript.engine is not None:
        headers[MODEL_HEADER] = f"{transcript.engine.name}/{transcript.engine.model}"
    if told := remarks(transcript, asked.notices):
        headers[NOTICES_HEADER] = ", ".join(dict.fromkeys(notice["code"] for notice in told))
    if asked.response_format in TYPES:
        content = text_answer(transcript, asked.response_format)
        return Response(content, media_type=TYPES[asked.response_format], headers=headers)
    body: dict[str, Any] = json_answer(found, asked)
    return JSONResponse(body, headers=headers)


class _Waiting:
    """The pauses between two looks at a run: the end of the server ends them, and that of the client."""

    def __init__(self, request: Request, *, listens: bool) -> None:
        self._request = request
        self._stopping = cast("asyncio.Event", request.app.state.stopping)
        self._listens = listens
        self._listened_at = time.monotonic()

    async def pause(self, seconds: float) -> None:
        """Wait. Raises ServerStopping, and ClientDisconnected where nobody waits any more; the run goes on."""
        if self._stopping.is_set():
            raise ServerStopping
        if self._listens and time.monotonic() - self._listened_at > LISTEN_SECONDS:
            self._listened_at = time.monotonic()
            if await self._request.is_disconnected():
                raise ClientDisconnected
        await asyncio.sleep(seconds)
