"""Corrections: people change what a transcript says and who said it; what it said before can be read and restored."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Path
from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from echoic.access import Caller
from echoic.api.auth import Uploader
from echoic.api.bodies import WHOLE, Body, read_json, read_optional_json, unset
from echoic.api.context import ComponentsDep
from echoic.api.names import Name, NamePart, without_nul
from echoic.api.openapi import json_body
from echoic.api.parameters import MAX_ID, Id
from echoic.api.patterns import NO_NUL
from echoic.api.problems import Problem
from echoic.api.transcripts import SegmentBody
from echoic.compose import Components
from echoic.corrections import edit
from echoic.corrections.edit import MAX_SEGMENT_CHARACTERS, Correction
from echoic.corrections.write import Edited
from echoic.db.connect import Database
from echoic.db.items.items import Item, ItemView
from echoic.db.transcripts import transcripts
from echoic.db.transcripts.transcripts import Selection, Transcript
from echoic.errors import FieldInvalid, TranscriptChanged
from echoic.formats.json_out import to_object
from echoic.reading.lookup import changeable_item
from echoic.reading.redacted import require_original
from echoic.reading.transcripts import no_transcript
from echoic.text.replacements import Replacement
from echoic.voices.recognition import recognize_later

MAX_CORRECTIONS = 1000
MAX_REPLACEMENT_CHARACTERS = 1000

router = APIRouter(tags=["corrections"], responses={"default": {"model": Problem}})

CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {
        "model": Problem,
        "description": "`not_published`, or `transcript_changed`: it is not at the version that was given.",
    }
}

Position = Annotated[int, Path(ge=0, le=MAX_ID, description="The segment's `id`.")]
NumberOrOriginal = Annotated[int, Path(ge=0, le=MAX_ID, description="0 is what the engines made.")]
ExpectedVersion = Annotated[int, Field(ge=0, le=MAX_ID), WHOLE]
Text = Annotated[str, StringConstraints(max_length=MAX_SEGMENT_CHARACTERS), AfterValidator(without_nul)]

EXPECTED = "Only if the transcript is at this version, else 409; null or left out: whatever it says now."
NEW_TEXT = "White space is made single blanks; empty: nothing is shown there. Left out: stays."
NEW_SPEAKER = "One of the transcript's speakers or a new name; null: nobody. Left out: stays."


class ExpectedBody(Body):
    """The version that the caller takes the transcript to be at."""

    version: ExpectedVersion | None = Field(default=None, description=EXPECTED)


class OneCorrection(ExpectedBody):
    """The new text of a segment."""

    text: Text = Field(default_factory=unset, description=NEW_TEXT, json_schema_extra={"pattern": NO_NUL})
    speaker: Name | None = Field(default=None, description=NEW_SPEAKER)


class SegmentCorrection(Body):
    """A segment and its new text."""

    id: Annotated[int, Field(ge=0, le=MAX_ID), WHOLE]
    text: Text = Field(default_factory=unset, description=NEW_TEXT, json_schema_extra={"pattern": NO_NUL})
    speaker: Name | None = Field(default=None, description=NEW_SPEAKER)


class Corrections(ExpectedBody):
    """Several segments that become one version."""

    segments: list[SegmentCorrection] = Field(min_length=1, max_length=MAX_CORRECTIONS, description="Each named once.")


class TextReplacement(Body):
    """A text, and what is to be in its place."""

    find: NamePart = Field(description="The text to look for; a blank in it is any white space.")
    replace: Annotated[str, StringConstraints(max_length=MAX_REPLACEMENT_CHARACTERS), AfterValidator(without_nul)] = (
        Field(description="The text written instead.", json_schema_extra={"pattern": NO_NUL})
    )
    match_case: bool = Field(default=False, description="Whether upper and lower case must be the same.")
    whole_words: bool = Field(default=False, description="Not within longer words.")

    def meant(self) -> Replacement:
        """Return it as the rules for texts take it."""
        return Replacement(
            find=self.find, replace=self.replace, match_case=self.match_case, whole_words=self.whole_words
        )


class TranscriptReplacement(TextReplacement, ExpectedBody):
    """A text to replace, wherever a segment says it."""


class EditedBody(BaseModel):
    """The transcript's state after an edit."""

    version: int = Field(description="The present one; the same as before where nothing changed.")
    segments_changed: int
    speakers_changed: int = Field(description="Labels under which somebody else is known to speak, or nobody any more.")

    @classmethod
    def of(cls, edited: Edited, **more: Any) -> Self:
        """Return the answer for an edit; ``more`` are the fields that a subclass adds."""
        return cls(
            version=edited.version,
            segments_changed=len(edited.positions),
            speakers_changed=len(edited.labels),
            **more,
        )


class CorrectedBody(EditedBody):
    """The same, with the segments that the call named as they are now."""

    segments: list[SegmentBody] = Field(description="The segments that the call named, as they are now.")


class ReplacedBody(EditedBody):
    """The same, with how often something was replaced."""

    replacements: int


@router.patch(
    "/api/items/{item_id}/transcript/segments",
    openapi_extra=json_body(Corrections),
    responses=CONFLICT,
    operation_id="correctSegments",
)
async def correct(item_id: Id, caller: Uploader, components: ComponentsDep, request: Request) -> CorrectedBody:
    """Change texts and speakers of several segments at once, as one version."""
    wanted = await read_json(request, Corrections)
    by_place = {one.id: _correction(one) for one in wanted.segments}
    if len(by_place) < len(wanted.segments):
        raise FieldInvalid("segments: a segment is named twice.")

    async def work(database: Database) -> CorrectedBody:
        async with database.transaction() as session:
            view, transcript = await correctable(session, item_id, caller, wanted)
            edited = await edit.correct(session, transcript, by_place, account_id=caller.account_id)
            await recognize_relabelled(session, components, view, edited)
            return await _corrected(session, view.item, edited, tuple(by_place))

    return await components.aside.run(work)


@router.patch(
    "/api/items/{item_id}/transcript/segments/{position}",
    openapi_extra=json_body(OneCorrection),
    responses=CONFLICT,
    operation_id="correctSegment",
)
async def correct_one(
    item_id: Id, position: Position, caller: Uploader, components: ComponentsDep, request: Request
) -> CorrectedBody:
    """Change the text or the speaker of a segment."""
    wanted = await read_json(request, OneCorrection)

    async def work(database: Database) -> CorrectedBody:
        async with database.transaction() as session:
            view, transcript = await correctable(session, item_id, caller, wanted)
            edited = await edit.correct(
                session, transcript, {position: _correction(wanted)}, account_id=caller.account_id
            )
            await recognize_relabelled(session, components, view, edited)
            return await _corrected(session, view.item, edited, (position,))

    return await components.aside.run(work)


@router.post(
    "/api/items/{item_id}/transcript/replace",
    openapi_extra=json_body(TranscriptReplacement),
    responses=CONFLICT,
    operation_id="replaceInTranscript",
)
async def replace(item_id: Id, caller: Uploader, components: ComponentsDep, request: Request) -> ReplacedBody:
    """Replace a text wherever the transcript says it, as one version. What is split between two segments is not found."""
    body = await read_json(request, TranscriptReplacement)

    async def work(database: Database) -> ReplacedBody:
        async with database.transaction() as session:
            _, transcript = await correctable(session, item_id, caller, body)
            edited, found = await edit.replace_text(session, transcript, body.meant(), account_id=caller.account_id)
        return ReplacedBody.of(edited, replacements=found.replacements)

    return await components.aside.run(work)


@router.post(
    "/api/items/{item_id}/transcript/versions/{number}/restore",
    openapi_extra=json_body(ExpectedBody, required=False),
    responses=CONFLICT,
    operation_id="restoreTranscriptVersion",
)
async def restore(
    item_id: Id, number: NumberOrOriginal, caller: Uploader, components: ComponentsDep, request: Request
) -> EditedBody:
    """Make texts and speakers again what they were in an earlier version; that, too, is a new version."""
    wanted = await read_optional_json(request, ExpectedBody)

    async def work(database: Database) -> EditedBody:
        async with database.transaction() as session:
            view, _ = await correctable(session, item_id, caller, wanted)
            edited = await edit.restore(session, view.item, number, account_id=caller.account_id)
            await recognize_relabelled(session, components, view, edited)
        return EditedBody.of(edited)

    return await components.aside.run(work)


def _correction(body: OneCorrection | SegmentCorrection) -> Correction:
    return Correction(text=body.text, speaker=body.speaker, reassigned="speaker" in body.model_fields_set)


async def correctable(
    session: AsyncSession, item_id: int, caller: Caller, wanted: ExpectedBody
) -> tuple[ItemView, Transcript]:
    """The item, locked, and its transcript. While the item may still be worked on, the work would undo corrections.

    Raises:
        ItemNotFound, Forbidden: the caller may not see, or not change it.
        OriginalWithheld: the caller may read it redacted only.
        NotPublished: it is not published.
        TranscriptRemoved: its transcript was removed.
        TranscriptChanged: it is at another version than is expected.
    """
    view = await changeable_item(session, item_id, caller)
    require_original(view)
    transcript = await transcripts.transcript_of(session, view.item)
    if view.item.status != "published" or transcript is None:
        raise no_transcript(view.item)
    require_version(transcript, wanted.version)
    return view, transcript


def require_version(transcript: Transcript, version: int | None) -> None:
    """Raise TranscriptChanged where the transcript is at another version than is expected; None expects nothing."""
    if version is not None and version != transcript.version:
        raise TranscriptChanged(transcript.version)


async def recognize_relabelled(session: AsyncSession, components: Components, view: ItemView, edited: Edited) -> None:
    """Queue the search for voices in the library's items where the edit gave voices to other speakers."""
    if edited.labels:
        await recognize_later(session, components.queue, view.library.id)


async def _corrected(session: AsyncSession, item: Item, edited: Edited, positions: tuple[int, ...]) -> CorrectedBody:
    found = await transcripts.load_transcript(session, item, Selection(positions=positions))
    segments: Any = [] if found is None else to_object(found.transcript)["segments"]
    return CorrectedBody.of(edited, segments=segments)
