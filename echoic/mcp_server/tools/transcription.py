"""The tool that takes a recording in: from an address, or by a link to which a program uploads the file."""

import json
import shlex
from datetime import datetime
from typing import Annotated, Any

from mcp_types import CallToolResult
from pydantic import BaseModel, Field

from echoic.access import READ
from echoic.db.catalog.datasets import list_datasets
from echoic.errors import DatasetNotFound, FieldInvalid
from echoic.intake.fields import FileMetadata, clean_description, clean_title
from echoic.intake.receive import JSON, RequestHead
from echoic.intake.run_options import options_of_json, text_field
from echoic.intake.upload_links import PATH, make_link
from echoic.mcp_server.answers import Link, answer
from echoic.mcp_server.asking import UPLOAD, Asking
from echoic.mcp_server.parameters import MAX_ID
from echoic.mcp_server.registry import Tool
from echoic.mcp_server.tool_context import ToolContext, asking
from echoic.mcp_server.tools.catalog import may_upload
from echoic.records import Tier

MAX_NAMED = 20
"""Datasets that are named where one has to be chosen."""


class UploadOffer(BaseModel):
    """A link to which one file can be uploaded."""

    url: str = Field(description="Takes one multipart form with the file in the field `audio`; no key is needed.")
    command: str = Field(description="Put the file's name in place of FILE and run it where the file is.")
    expires_at: datetime
    max_bytes: int
    allowed_formats: list[str]


class Submitted(BaseModel):
    """A recording that was taken in, or the link by which it can be."""

    item_id: int | None = Field(description="For get_transcription_status; null where an upload is still to come.")
    dataset_id: int
    message: str
    notices: list[str]
    url: str | None = Field(description="Of the recording's page.")
    upload: UploadOffer | None = Field(description="Where no audio_url was given.")
    next_step: str


async def transcribe_audio(
    ctx: ToolContext,
    *,
    audio_url: Annotated[
        str | None,
        Field(description="An https address that everybody can reach. Leave it out for a file on the user's machine."),
    ] = None,
    title: Annotated[str | None, Field(description="Without one the name of the file is the title.")] = None,
    description: str | None = None,
    dataset_id: Annotated[
        int | None,
        Field(
            ge=1, le=MAX_ID, description="Where to put it: see list_my_datasets. Not needed where there is only one."
        ),
    ] = None,
    language: Annotated[
        str | None, Field(description="The language spoken, as its ISO 639 code; else found out.")
    ] = None,
    tier: Annotated[
        Tier | None, Field(description="More speed, or more accuracy; the dataset's own if left out.")
    ] = None,
    num_speakers: Annotated[int | None, Field(ge=1, description="How many speak, where that is known.")] = None,
) -> Annotated[CallToolResult, Submitted]:
    """Have a recording transcribed into one of the user's datasets, from an address or from a local file.

    With audio_url the server fetches it before it answers. Without, it answers with a link that takes one file for an
    hour: upload the file with the command given. The transcription goes on afterwards; follow it with
    get_transcription_status.
    """
    who = asking(ctx, UPLOAD)
    chosen = dataset_id or await _only_dataset(who)
    options = {"title": title, "description": description, "language": language, "tier": tier}
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if num_speakers is not None:
        given["num_speakers"] = num_speakers
    if audio_url is None:
        return answer(await _offer(who, chosen, given))
    body = await _fetched(who, chosen, {"audio_url": audio_url, **given})
    return answer(body, [] if body.url is None else [Link(uri=body.url, name=title or "The recording")])


async def _fetched(who: Asking, dataset_id: int, fields: dict[str, Any]) -> Submitted:
    """Take a recording in as the upload route does: by the same function, with the same body."""
    content = json.dumps(fields).encode()
    sent = False

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": content, "more_body": False}

    head = RequestHead(content_type=JSON, content_length=str(len(content)))
    accepted = await who.components.intake.receiver.receive(who.caller, dataset_id, head, receive)
    return Submitted(
        item_id=accepted.item_id,
        dataset_id=dataset_id,
        message=accepted.message,
        notices=[notice.message for notice in accepted.notices],
        url=who.page_of(accepted.item_id),
        upload=None,
        next_step=f"Call get_transcription_status with item_id {accepted.item_id} and wait_seconds.",
    )


async def _offer(who: Asking, dataset_id: int, fields: dict[str, Any]) -> Submitted:
    metadata = FileMetadata(
        file_name="",
        title=clean_title(text_field(fields, "title")),
        description=clean_description(text_field(fields, "description")),
        options=options_of_json(fields),
    )
    made = await make_link(who.database, who.components.intake.admissions, who.caller, dataset_id, metadata=metadata)
    url = f"{who.base}{PATH}/{made.token}"
    parts = [f"-F {shlex.quote(f'{name}={value}')}" for name, value in fields.items()]
    offer = UploadOffer(
        url=url,
        command=" ".join(["curl", *parts, "-F audio=@FILE", shlex.quote(url)]),
        expires_at=made.expires_at,
        max_bytes=made.max_bytes,
        allowed_formats=list(made.allowed_formats),
    )
    return Submitted(
        item_id=None,
        dataset_id=dataset_id,
        message="Upload the file to the link.",
        notices=[],
        url=None,
        upload=offer,
        next_step="Run the command; its answer has the item_id for get_transcription_status.",
    )


async def _only_dataset(who: Asking) -> int:
    """Return the dataset where the caller may upload. Raises DatasetNotFound without one, FieldInvalid with several."""
    async with who.database.transaction() as session:
        page = await list_datasets(session, account_id=who.caller.account_id, limit=None, offset=0)
        found = [(view.dataset.id, view.dataset.name) for view in page.views if may_upload(view)]
    if not found:
        raise DatasetNotFound("There is no dataset that the user may upload to.")
    if len(found) > 1:
        reads = READ in who.caller.scopes  # a key that only uploads is not told how things are called
        named = ", ".join(f"{number} ({name})" if reads else str(number) for number, name in found[:MAX_NAMED])
        raise FieldInvalid(f"dataset_id: say which of the datasets it is for: {named}.")
    return found[0][0]


TOOLS = (
    Tool(function=transcribe_audio, title="Transcribe a recording", scope=UPLOAD, reads_only=False, reaches_out=True),
)
