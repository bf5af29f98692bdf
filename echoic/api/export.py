"""The transcripts of a dataset as one zip file, written as it is sent: one transcript at a time is in memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import StreamingResponse

from echoic import access
from echoic.access import Caller
from echoic.api.auth import Reader
from echoic.api.chapters import ChaptersFormat, in_format
from echoic.api.context import ComponentsDep
from echoic.api.downloads import disposition, file_name
from echoic.api.parameters import MAX_ID, Id
from echoic.api.problems import Problem
from echoic.api.transcripts import (
    ZIP_TYPE,
    check_options,
    in_formats,
    made_at,
    otherwise_named,
    wants_turns,
    whole_json,
    write_options,
)
from echoic.compose import Components
from echoic.db.items import items
from echoic.db.transcripts.transcripts import EVERYTHING
from echoic.errors import ItemNotFound, NotPublished, OriginalWithheld, TranscriptRemoved
from echoic.formats import FormatName
from echoic.formats.archive import EARLIEST, StreamedArchive
from echoic.formats.options import WriteOptions
from echoic.reading.chapters import load_chapters
from echoic.reading.lookup import readable_dataset
from echoic.reading.transcripts import load_readable

MAX_ITEMS = 500
"""Most items that one request may name: they have room in its URL."""
IDS_AT_ONCE = 500
CHAPTERS_ENDS: Mapping[ChaptersFormat, str] = {"vtt": "chapters.vtt", "podcast": "chapters.json"}
"""The ends of the names of files with chapters."""
CONTENTS = "contents.json"
"""Says what each file is, and what was left out and why."""

router = APIRouter(tags=["transcripts"], responses={"default": {"model": Problem}})

ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {ZIP_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        "description": f"The transcripts, and `{CONTENTS}`, which names for each item its files, version and notices, and for "
        "those that cannot be read yet the reason.",
    }
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wanted:
    """The items and formats of an export, and the caller."""

    caller: Caller
    dataset_id: int
    named: frozenset[int] | None
    """The items that the request names; None for all."""
    published_only: bool
    forms: tuple[FormatName, ...]
    chapters: tuple[ChaptersFormat, ...]
    options: WriteOptions


@dataclass(slots=True)
class _Contents:
    """The names in the archive so far."""

    items: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    names: set[str] = field(default_factory=lambda: {CONTENTS})
    """In small letters: some file systems do not tell the case of letters apart."""
    newest: datetime = EARLIEST
    """The time of the newest files, which is that of the list of them: the same export is the same archive."""

    def name(self, title: str, end: str, item_id: int) -> str:
        """Return the name of a new file; a second of the same title has the item's number in its name."""
        found = file_name(title, end, otherwise=otherwise_named(item_id))
        if found.lower() in self.names:
            found = f"{found.removesuffix(f'.{end}')} ({item_id}).{end}"
        self.names.add(found.lower())
        return found


@router.get(
    "/api/datasets/{dataset_id}/export",
    response_class=StreamingResponse,
    responses=ANSWER,
    operation_id="exportTranscripts",
)
async def export(
    dataset_id: Id,
    *,
    caller: Reader,
    components: ComponentsDep,
    options: Annotated[WriteOptions, Depends(write_options)],
    forms: Annotated[list[FormatName] | None, Query(alias="format", description="The format, txt unless said.")] = None,
    chapters: Annotated[
        list[ChaptersFormat] | None,
        Query(
            description="The chapters of each as a file, too: `vtt` (WebVTT), `podcast` (the JSON of Podcasting 2.0)."
        ),
    ] = None,
    named: Annotated[
        list[Annotated[int, Query(ge=1, le=MAX_ID)]] | None,
        Query(alias="item", max_length=MAX_ITEMS, description="Only these items; all of the dataset if left out."),
    ] = None,
) -> StreamingResponse:
    """The transcripts of a dataset's items in a zip file, each as `GET /api/items/{item_id}/transcript` writes it.

    With `chapters`, the chapters of each are in it as well, as `GET /api/items/{item_id}/chapters/file` writes them.

    404 `item_not_found` where a named item is not in the dataset.
    """
    wanted_forms: tuple[FormatName, ...] = tuple(dict.fromkeys(forms or ("txt",)))
    check_options(options, wanted_forms)
    async with components.database.transaction() as session:
        view = await readable_dataset(session, dataset_id, caller)
    wanted = _Wanted(
        caller=caller,
        dataset_id=dataset_id,
        named=None if named is None else frozenset(named),
        published_only=not access.sees_unpublished(view.role),
        forms=wanted_forms,
        chapters=tuple(dict.fromkeys(chapters or ())),
        options=options,
    )
    if wanted.named is not None and len(await _ids(components, wanted, 0)) < len(wanted.named):
        raise ItemNotFound
    headers = {
        "Content-Disposition": disposition(view.dataset.name, "zip", otherwise=f"dataset-{dataset_id}"),
        "Cache-Control": "private, no-cache",
    }
    return StreamingResponse(_pieces(components, wanted), headers=headers, media_type=ZIP_TYPE)


async def _pieces(components: Components, wanted: _Wanted) -> AsyncIterator[bytes]:
    archive, contents, last_id = StreamedArchive(), _Contents(), 0
    while ids := await _ids(components, wanted, last_id):
        for item_id in ids:
            yield await _item(components, wanted, archive, contents, item_id)
        last_id = ids[-1]
    listed = json.dumps({"items": contents.items, "left_out": contents.left_out}, ensure_ascii=False, indent=1)
    yield archive.add(CONTENTS, listed, contents.newest) + archive.end()


async def _ids(components: Components, wanted: _Wanted, after_id: int) -> Sequence[int]:
    async with components.database.transaction() as session:
        return await items.ids_in_dataset(
            session,
            wanted.dataset_id,
            after_id=after_id,
            limit=IDS_AT_ONCE,
            among_ids=wanted.named,
            published_only=wanted.published_only,
        )


async def _item(
    components: Components, wanted: _Wanted, archive: StreamedArchive, contents: _Contents, item_id: int
) -> bytes:
    """Add the files of one item and return what the archive has grown by."""
    try:
        item, found = await components.aside.read(
            lambda database: load_readable(
                database,
                item_id,
                wanted.caller,
                None,
                EVERYTHING,
                with_turns=wants_turns(wanted.options, wanted.forms),
            )
        )
        parted = None
        if wanted.chapters:
            parted = await components.aside.read(lambda database: load_chapters(database, item_id, wanted.caller))
    except (
        ItemNotFound,
        NotPublished,
        OriginalWithheld,
        TranscriptRemoved,
    ) as error:  # it was removed meanwhile, or cannot be read
        contents.left_out.append({"item_id": item_id, "code": error.code, "message": error.message})
        return b""

    def written() -> bytes:
        whole = whole_json(found, item, options=wanted.options)
        files: dict[str, str | bytes] = dict(in_formats(wanted.forms, whole, found, wanted.options).items())
        if parted is not None:
            files |= {CHAPTERS_ENDS[form]: in_format(parted, form) for form in wanted.chapters}
        title = found.transcript.title
        named = {contents.name(title, end, item_id): content for end, content in files.items()}
        entry = {"item_id": item_id, "title": title, "files": list(named), "status": item.status}
        notices = [{"code": notice.code, "message": notice.message} for notice in found.transcript.notices]
        contents.newest = max(contents.newest, made_at(item))
        contents.items.append(entry | {"version": found.version, "notices": notices})
        return b"".join(archive.add(name, content, made_at(item)) for name, content in named.items())

    return await asyncio.to_thread(written)
