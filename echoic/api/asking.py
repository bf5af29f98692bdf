"""Questions about recordings: the moments that answer them, and an answer where a language model is set up."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Annotated, Self, cast

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from echoic.api.auth import Reader
from echoic.api.bodies import WHOLE, Body, read_json
from echoic.api.context import ComponentsDep, base_url
from echoic.api.document.streams import EVENT_STREAM, stream_of
from echoic.api.events import HEADERS
from echoic.api.openapi import json_body
from echoic.api.page import item_link
from echoic.api.problems import Problem
from echoic.api.search_bodies import FiltersBody
from echoic.api.slow_streams import event, events_of
from echoic.asking.answers import Asking, Ended, Question
from echoic.asking.checks import Citation, Fault, Sentence
from echoic.asking.moments import Moment
from echoic.search.question import MAX_QUERY_CHARACTERS

MAX_MOMENTS = 20
DEFAULT_MOMENTS = 8

router = APIRouter(tags=["search"], responses={"default": {"model": Problem}})


class AskBody(Body):
    """A question about recordings."""

    question: Annotated[str, StringConstraints(max_length=MAX_QUERY_CHARACTERS)] = Field(
        description="In your own words, in any language.", examples=["When does the harbor close?"]
    )
    filters: FiltersBody = Field(
        default_factory=FiltersBody, description="The part that is asked about, as in `POST /api/search`."
    )
    moments: Annotated[int, Field(ge=1, le=MAX_MOMENTS), WHOLE] = Field(
        default=DEFAULT_MOMENTS, description="Most moments that are looked for, and given to the language model."
    )
    stream: bool = Field(default=False, description="Answer with server-sent events, each sentence when it is written.")


class SaidInMomentBody(BaseModel):
    """A segment of a moment."""

    start: float
    end: float
    speaker: str | None = Field(description="Name, or label.", examples=["Ruth Sander"])
    text: str


class MomentBody(BaseModel):
    """A stretch of a recording that fits the question."""

    number: int = Field(description="Its number in this answer, from 1.", examples=[1])
    item_id: int
    title: str
    start: float
    end: float
    segments: list[SaidInMomentBody] = Field(description="What is said, in order.")
    url: str = Field(
        description="The page of the recording at this moment.",
        examples=["https://echoic.example.org/items/7?t=125.4"],
    )

    @classmethod
    def of(cls, moment: Moment, base: str) -> Self:
        """Return the moment as clients are told of it."""
        return cls(
            number=moment.number,
            item_id=moment.item.id,
            title=moment.item.title,
            start=moment.start,
            end=moment.end,
            segments=[SaidInMomentBody.model_validate(one, from_attributes=True) for one in moment.said],
            url=item_link(base, moment.item.id, moment.found.start),
        )


class CitationBody(BaseModel):
    """A place on which a sentence rests; it was checked that the words are said there."""

    moment: int = Field(description="The `number` of the moment.", examples=[1])
    item_id: int
    segment_id: str = Field(description="As in the results of a search.", examples=["7_125.4"])
    start: float
    end: float
    quote: str = Field(description="Words that are said there.", examples=["we will close the harbor in May"])
    url: str = Field(
        description="The page of the recording at this segment.",
        examples=["https://echoic.example.org/items/7?t=125.4"],
    )

    @classmethod
    def of(cls, citation: Citation, base: str) -> Self:
        """Return the citation as clients are told of it."""
        item_id, said = citation.moment.item.id, citation.said
        return cls(
            moment=citation.moment.number,
            item_id=item_id,
            segment_id=f"{item_id}_{said.start}",
            start=said.start,
            end=said.end,
            quote=citation.quote,
            url=item_link(base, item_id, said.start),
        )


class AnswerSentenceBody(BaseModel):
    """A sentence of an answer, in plain text."""

    text: str = Field(examples=["The harbor closes in May."])
    supported: bool = Field(description="Whether its words are said in the places that it names.")
    unsupported_because: Fault | None = Field(
        description="`no_moment`: it names none that was given; `quote_not_said`, `number_not_said`, `name_not_said`, "
        "`words_not_said`: that is not said there. null where it is supported."
    )
    citations: list[CitationBody] = Field(description="The places on which it rests.")

    @classmethod
    def of(cls, sentence: Sentence, base: str) -> Self:
        """Return the sentence as clients are told of it."""
        return cls(
            text=sentence.text,
            supported=sentence.fault is None,
            unsupported_because=sentence.fault,
            citations=[CitationBody.of(one, base) for one in sentence.citations],
        )


class NoAnswerBody(BaseModel):
    """Why there is no answer, or only a part of one."""

    code: str = Field(
        description="`chat_off`: no language model is set up; `nothing_found`; `not_said`: the moments do not tell; or the "
        "code of an error of the language model, such as `chat_unavailable`, `chat_refused` and `chat_answer_cut`.",
        examples=["chat_off"],
    )
    message: str

    @classmethod
    def of(cls, ended: Ended) -> Self | None:
        """Return why; None where the answer is whole."""
        return None if ended.code is None else cls(code=ended.code, message=ended.message or "")


class AnswerBody(BaseModel):
    """An answer that a language model wrote, sentence by sentence, checked against the text."""

    model: str = Field(description="The model that wrote it.", examples=["llama3.1:8b"])
    sentences: list[AnswerSentenceBody] = Field(description="In order.")


class AskAnswer(BaseModel):
    """The moments that fit a question best, and an answer made of them."""

    question: str = Field(description="As it was asked.", examples=["When does the harbor close?"])
    answer: AnswerBody | None = Field(description="null where nothing was written; `incomplete` says why.")
    incomplete: NoAnswerBody | None = Field(
        description="Why there is no answer, or only its beginning; null where it is whole."
    )
    moments: list[MomentBody] = Field(description="The best first. Doubtful text is left out.")


class AskMomentsEvent(BaseModel):
    """The moments that fit the question best."""

    moments: list[MomentBody] = Field(description="The best first.")


class AskEndEvent(BaseModel):
    """Nothing more will come."""

    model: str | None = Field(description="The model that wrote the sentences; null where there are none.")
    incomplete: NoAnswerBody | None = Field(description="Why there is no answer, or only its beginning.")


_STREAM = stream_of({"moments": AskMomentsEvent, "sentence": AnswerSentenceBody, "end": AskEndEvent})[200]["content"]


@router.post(
    "/api/ask",
    openapi_extra=json_body(AskBody),
    response_model=AskAnswer,
    responses={200: {"description": "The answer, or its events as they come.", "content": _STREAM}},
    operation_id="ask",
)
async def ask(request: Request, caller: Reader, components: ComponentsDep) -> AskAnswer | Response:
    """Answer a question from what is said in the recordings that you may read, each sentence with the places it rests on.

    The moments are found by words and by meaning; recordings in which something is redacted for you are left out. Where the
    server has a language model (docs/ask.md), it is given these moments and nothing else, without tools. Each sentence is checked:
    the places that it names were given, and what it says is said there; others are marked. Without one, `answer` is null.

    With `stream`, the events are `moments`, `sentence` for each sentence and `end`. A failure of the language model is told in
    `incomplete`; what there is stays. 400 `query_invalid` where the question holds no word.
    """
    wanted = await read_json(request, AskBody)
    question = Question(
        account_id=caller.account_id, text=wanted.question, filters=wanted.filters.to_filters(), count=wanted.moments
    )
    moments = await components.asking.moments(question)
    asking, base = components.asking, base_url(request, components)
    if wanted.stream:
        stopping = cast("asyncio.Event", request.app.state.stopping)
        frames = _frames(asking, question, moments, base, stopping)
        return StreamingResponse(frames, media_type=EVENT_STREAM, headers=HEADERS)
    sentences, ended = [], Ended()
    async for one in asking.answer(question, moments):
        if isinstance(one, Ended):
            ended = one
        else:
            sentences.append(AnswerSentenceBody.of(one, base))
    return AskAnswer(
        question=wanted.question,
        answer=AnswerBody(model=asking.model.name, sentences=sentences) if asking.model and sentences else None,
        incomplete=NoAnswerBody.of(ended),
        moments=[MomentBody.of(one, base) for one in moments],
    )


async def _frames(
    asking: Asking, question: Question, moments: Sequence[Moment], base: str, stopping: asyncio.Event
) -> AsyncGenerator[bytes, None]:
    yield event("moments", AskMomentsEvent(moments=[MomentBody.of(one, base) for one in moments]))
    has_written = False

    def told(one: Sentence | Ended) -> bytes:
        nonlocal has_written
        if isinstance(one, Ended):
            model = asking.model.name if asking.model and has_written else None
            return event("end", AskEndEvent(model=model, incomplete=NoAnswerBody.of(one)))
        has_written = True
        return event("sentence", AnswerSentenceBody.of(one, base))

    async with aclosing(events_of(asking.answer(question, moments), told, stopping)) as events:
        async for one in events:
            yield one
