"""The transcript of an item: all of it or a part, in one format or several."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from echoic import __version__
from echoic.api.auth import Reader
from echoic.api.context import ComponentsDep
from echoic.api.document.headers import CONDITIONAL
from echoic.api.downloads import disposition, file_name
from echoic.api.items import Failure, NoticeBody
from echoic.api.parameters import MAX_ID, Id, Offset
from echoic.api.patterns import NO_NUL
from echoic.api.problems import Problem
from echoic.api.ranges import is_unchanged
from echoic.db.items.items import Item
from echoic.db.transcripts.transcripts import SelectedTranscript, Selection
from echoic.errors import FieldInvalid
from echoic.formats import FORMATS, WORD_TYPE, FormatName
from echoic.formats.archive import pack
from echoic.formats.doubt import Doubtful, with_doubt, without_doubtful
from echoic.formats.json_out import in_parts
from echoic.formats.options import USUAL, TurnSource, WriteOptions
from echoic.reading.transcripts import load_readable
from echoic.records import Quality

STATUS_HEADER = "X-Item-Status"
TOTAL_HEADER = "X-Total-Segments"
VERSION_HEADER = "X-Transcript-Version"
NOTICES_HEADER = "X-Item-Notices"
"""Codes with commas between them: some formats have no place for notices."""
ZIP_TYPE = "application/zip"
MAX_SEGMENTS = 10_000
"""Most segments one page may hold; without a limit all of them come."""
OPTION_NAMES = tuple(field.name for field in fields(WriteOptions))

router = APIRouter(tags=["transcripts"], responses={"default": {"model": Problem}})


class WordBody(BaseModel):
    """A word and when it was said."""

    word: str = Field(description="The word as it is written.")
    start: float
    end: float
    score: float = Field(description="The engine's probability, 0 to 1; 1 where a person wrote it.")
    speaker: str | None


class SegmentBody(BaseModel):
    """A stretch of the transcript."""

    id: int = Field(description="Its place in the transcript, from 0.")
    start: float = Field(description="Seconds from the start of the recording.")
    end: float
    speaker: str | None = Field(description="The label of who speaks, `SPEAKER_00` and so on.")
    speaker_name: str | None = Field(description="The person, where known.")
    text: str
    confidence: float | None = Field(description="Mean probability of its words, 0 to 1.")
    no_speech_probability: float | None = Field(description="That nobody speaks there, by the transcriber, 0 to 1.")
    compression_ratio: float | None = Field(description="Of its text when packed; above 2.4 it repeats itself.")
    quality: Quality | None = Field(
        description="`ok`; `doubtful`: likely wrong; `repaired`: found or mended by a second decoding; "
        "`corrected`: written by a person."
    )
    language: str | None = Field(
        default=None, description="ISO 639-1 code, where it is another than the transcript's; else null."
    )
    words: list[WordBody] = Field(description="Its words, with their times.")


class EngineBody(BaseModel):
    """The engine that made the transcript."""

    name: str = Field(description="The engine's name.", examples=["faster-whisper"])
    model: str = Field(description="The name of its model.")
    version: str = Field(description="The version of the engine's program.", examples=["1.2.0"])


class TranscriptBody(BaseModel):
    """The transcript of an item."""

    item_id: int
    status: str = Field(
        description="That of the item: published, or failed or cancelled after it was transcribed.",
        examples=["published"],
    )
    error: Failure | None = Field(
        description="The error of the item, where it failed after it was transcribed; else null."
    )
    version: int = Field(description="0 as the engines made it; every correction makes the next one.")
    notices: list[NoticeBody] = Field(
        description="As those of the item, and `nothing_selected` where no segment is of the speaker or the time asked for."
    )
    title: str
    language: str | None
    language_probability: float | None = Field(description="1 where the language was given, else how sure it is.")
    duration_seconds: float | None
    engine: EngineBody | None = Field(description="The engine that transcribed it.")
    speakers: list[str] = Field(
        description="All labels in order of appearance, whatever was selected.", examples=[["SPEAKER_00", "SPEAKER_01"]]
    )
    speaker_names: dict[str, str] = Field(description="The names of those labels whose speaker is known.")
    segments: list[SegmentBody] = Field(description="The segments of this page.")
    total_segments: int = Field(description="The number of segments selected; `segments` is the page asked for.")
    offset: int = Field(description="The segments that were passed over before this page.")


_BYTES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_CONTENTS: dict[str, Any] = {
    # JSON comes first, since some generated clients read no other; its schema is the model's.
    "application/json": {},
    **{
        how.media_type.split(";")[0]: _BYTES if how.media_type == WORD_TYPE else {"schema": {"type": "string"}}
        for name, how in FORMATS.items()
        if name != "json"
    },
    ZIP_TYPE: _BYTES,
}

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": TranscriptBody, "content": _CONTENTS, "description": "The transcript in the format asked for."},
    304: {"description": "The client's copy is still good."},
    409: {"model": Problem, "description": "`not_published`: there is no transcript yet, or it may still change."},
}

Seconds = Annotated[float | None, Query(ge=0, allow_inf_nan=False)]


async def selection(
    *,
    speaker: Annotated[
        str | None, Query(pattern=NO_NUL, description="Only what this speaker said: a label, or a name.")
    ] = None,
    start: Annotated[Seconds, Query(description="Seconds; only what ends after it.")] = None,
    end: Annotated[Seconds, Query(description="Seconds; only what starts before it.")] = None,
    offset: Offset = 0,
    limit: Annotated[int | None, Query(ge=1, le=MAX_SEGMENTS, description="Segments a page; all if left out.")] = None,
) -> Selection:
    """The part of a transcript that is asked for. Raises FieldInvalid for a window that ends before it starts."""
    if start is not None and end is not None and end <= start:
        raise FieldInvalid("end: must be greater than start.")
    return Selection(speaker=speaker, start=start, end=end, offset=offset, limit=limit)


async def write_options(
    *,
    speakers: Annotated[bool | None, Query(description="Whether speakers are named: txt, srt, vtt, csv, docx.")] = None,
    max_line_columns: Annotated[
        int, Query(ge=16, le=200, description="Width of a line of subtitles: srt, vtt.")
    ] = USUAL.max_line_columns,
    max_cue_seconds: Annotated[
        float, Query(ge=1, le=60, allow_inf_nan=False, description="Longest time a subtitle is shown: srt, vtt.")
    ] = USUAL.max_cue_seconds,
    formulas: Annotated[
        bool,
        Query(description="Leave cells that begin like a formula as they are, without an apostrophe before them: csv."),
    ] = USUAL.formulas,
    turns: Annotated[
        TurnSource,
        Query(
            description="Turns of `speech` as the diarizer heard it, overlap included, or of the `words`, one speaker at a "
            "time: rttm. Where there are none of the diarizer, they are made of the words, and a comment says so."
        ),
    ] = USUAL.turns,
    doubtful: Annotated[
        Doubtful | None,
        Query(
            description="Text that is likely wrong: marked by [?], left_out or unmarked; marked unless said, and in srt"
            " and vtt unmarked, without what has a confidence below 0.3. In json, whose segments say their `quality`,"
            " it can only be left out."
        ),
    ] = USUAL.doubtful,
) -> WriteOptions:
    """Collect the query parameters that say how a transcript is written."""
    return WriteOptions(
        speakers=speakers,
        max_line_columns=max_line_columns,
        max_cue_seconds=max_cue_seconds,
        formulas=formulas,
        turns=turns,
        doubtful=doubtful,
    )


def wants_turns(options: WriteOptions, forms: Sequence[FormatName]) -> bool:
    """Return whether the diarizer's turns are written in one of the formats."""
    return options.turns == "speech" and any("turns" in FORMATS[form].options for form in forms)


@router.get(
    "/api/items/{item_id}/transcript",
    response_class=Response,
    responses=ANSWERS,
    openapi_extra=CONDITIONAL,
    operation_id="getTranscript",
)
async def get(
    request: Request,
    item_id: Id,
    *,
    caller: Reader,
    components: ComponentsDep,
    selected: Annotated[Selection, Depends(selection)],
    options: Annotated[WriteOptions, Depends(write_options)],
    forms: Annotated[
        list[FormatName] | None,
        Query(alias="format", description="The format, json unless said; several come in one zip file."),
    ] = None,
    version: Annotated[
        int | None,
        Query(
            ge=0,
            le=MAX_ID,
            description="As it was in this version, for members of the library; the newest unless said.",
        ),
    ] = None,
) -> Response:
    """The transcript of an item; also of one that failed, or was cancelled, after it had been transcribed."""
    wanted: tuple[FormatName, ...] = tuple(dict.fromkeys(forms or ("json",)))
    check_options(options, wanted)
    # Hours of speech take seconds to load and to write; others are served meanwhile.
    item, found = await components.aside.read(
        lambda database: load_readable(
            database, item_id, caller, version, selected, with_turns=wants_turns(options, wanted)
        )
    )
    headers = _headers(found, item)
    whole, headers["ETag"] = await asyncio.to_thread(_to_json, found, item, selected, wanted, options)
    if is_unchanged(request.headers, etag=headers["ETag"]):
        return Response(status_code=304, headers=headers)
    extension, media_type = ("zip", ZIP_TYPE) if len(wanted) > 1 else (str(wanted[0]), FORMATS[wanted[0]].media_type)
    content = await asyncio.to_thread(_written, wanted, whole, found, item, options=options)
    headers["Content-Disposition"] = disposition(found.transcript.title, extension, otherwise=otherwise_named(item_id))
    return Response(content, media_type=media_type, headers=headers)


def _headers(found: SelectedTranscript, item: Item) -> dict[str, str]:
    headers = {
        STATUS_HEADER: item.status,
        TOTAL_HEADER: str(found.total_segments),
        VERSION_HEADER: str(found.version),
        "Cache-Control": "private, no-cache",
    }
    if found.transcript.notices:
        headers[NOTICES_HEADER] = ", ".join(notice.code for notice in found.transcript.notices)
    return headers


def check_options(options: WriteOptions, forms: Sequence[FormatName]) -> None:
    """Refuse a choice that makes no difference to any of the formats asked for: somebody expects one."""
    known = frozenset[str]().union(*(FORMATS[form].options for form in forms))
    for name in OPTION_NAMES:
        if getattr(options, name) != getattr(USUAL, name) and name not in known:
            having = ", ".join(form for form in FORMATS if name in FORMATS[form].options)
            raise FieldInvalid(f"{name}: is no option of {', '.join(forms)}; the formats that have it are {having}.")


def whole_json(found: SelectedTranscript, item: Item, *, options: WriteOptions = USUAL, offset: int = 0) -> bytes:
    """Return the transcript as JSON; ``offset`` is the place of its first segment among those selected."""
    failure = Failure.of(item)
    state = {
        "status": item.status,
        "error": None if failure is None else failure.model_dump(),
        "version": found.version,
        "total_segments": found.total_segments,
        "offset": offset,
    }
    transcript = found.transcript
    return in_parts(without_doubtful(transcript) if options.doubtful == "left_out" else transcript, state)


def in_formats(
    forms: Sequence[FormatName], whole: bytes, found: SelectedTranscript, options: WriteOptions
) -> dict[FormatName, str | bytes]:
    """Return the transcript in each of the formats; ``whole`` is it as JSON."""
    named = found.transcript.with_names()

    def written(form: FormatName) -> str | bytes:
        how = FORMATS[form]
        if form == "json":
            return whole
        if "doubtful" not in how.options:
            return how.write(named, options)
        return how.write(with_doubt(named, options.doubtful, is_subtitles=how.is_subtitles), options)

    return {form: written(form) for form in forms}


def _to_json(
    found: SelectedTranscript, item: Item, selected: Selection, forms: Sequence[FormatName], options: WriteOptions
) -> tuple[bytes, str]:
    """The transcript as JSON, and the ETag of the answer."""
    whole = whole_json(found, item, options=options, offset=selected.offset)
    return whole, _etag(whole, forms, options, made_at(item) if len(forms) > 1 else None)


def _etag(whole: bytes, forms: Sequence[FormatName], options: WriteOptions, made_at: datetime | None) -> str:
    """Changes with what is said, with how it is asked for, with the version of what writes it, and with the time in a zip file."""
    digest = hashlib.sha256(f"{__version__} {forms} {options} {made_at} ".encode())
    digest.update(whole)
    return f'"{digest.hexdigest()[:32]}"'


def _written(
    forms: Sequence[FormatName], whole: bytes, found: SelectedTranscript, item: Item, *, options: WriteOptions
) -> str | bytes:
    """The transcript in the format asked for; in several, the zip file."""
    files = in_formats(forms, whole, found, options)
    if len(files) == 1:
        return files[forms[0]]
    title, otherwise = found.transcript.title, otherwise_named(found.transcript.item_id)
    named = {file_name(title, form, otherwise=otherwise): text for form, text in files.items()}
    return pack(named, made_at(item))


def made_at(item: Item) -> datetime:
    """Return the time of an item's files in a zip file: when it was published, or else uploaded."""
    return item.published_at or item.created_at


def otherwise_named(item_id: int) -> str:
    """Return the name of a file whose title gives none."""
    return f"item-{item_id}"
