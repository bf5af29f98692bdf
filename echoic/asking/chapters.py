"""Has a language model write titles and sentences of a recording's chapters, checks them, and keeps those that are supported.

Only members who read the original may ask for it, only where the dataset allows it, and only where nothing is redacted for anybody.
"""

from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from echoic import access
from echoic.access import Caller
from echoic.asking.answers import Asking, Ended
from echoic.asking.checks import Sentence, checked, fault_of
from echoic.asking.moments import Moment
from echoic.asking.prompts import to_title
from echoic.asking.sentences import Written, plain
from echoic.db.aside import Aside
from echoic.db.connect import Database
from echoic.db.transcripts.written_chapters import TextVersion, keep_written
from echoic.errors import ChaptersNotWritten, ChatUnavailable, NotPublished
from echoic.reading.chapters import Chapter, load_chapters
from echoic.reading.lookup import readable_item
from echoic.records import JsonObject, Segment
from echoic.search.answer import FoundItem, Said

MAX_CHAPTER_CHARACTERS = 12_000
"""Of a longer chapter, stretches of it are sent that are spread evenly."""
MOMENT_CHARACTERS = 600
MAX_SENTENCES = 3
MAX_TITLE_CHARACTERS = 80
TITLE_MARK = "title:"


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenText:
    """The supported part of what was written of a chapter."""

    start: float
    end: float
    title: str | None
    sentences: tuple[Sentence, ...]
    written_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ToWrite:
    """The chapters that are to be written about, and the text that they are of."""

    text: TextVersion
    language: str | None
    chapters: tuple[Chapter, ...]


class Overviews:
    """Writes of chapters with the language model of the settings."""

    def __init__(self, database: Database, aside: Aside, asking: Asking) -> None:
        self._database = database
        self._aside = aside
        self._asking = asking

    async def prepare(self, item_id: int, caller: Caller, *, again: bool) -> ToWrite:
        """Return the chapters without anything written of them, or all of them to be written ``again``.

        Raises ItemNotFound, Forbidden, NotPublished, and ChaptersNotWritten with the reason.
        """
        language = await self._require_allowed(item_id, caller)
        found = await self._aside.run(lambda database: load_chapters(database, item_id, caller))
        if found.text is None:
            raise NotPublished
        wanted = tuple(one for one in found.chapters if again or one.written is None)
        return ToWrite(text=found.text, language=language, chapters=wanted)

    async def write(self, wanted: ToWrite, caller: Caller) -> AsyncGenerator[WrittenText | Ended, None]:
        """Yield what was written of each chapter and kept; the last one is an end.

        It ends early where the model fails, the text is changed meanwhile, or it may no longer be sent.
        """
        try:
            with self._asking.a_turn(caller.account_id):
                for chapter in wanted.chapters:
                    # Minutes may have gone by since the one before.
                    await self._require_allowed(wanted.text.item_id, caller)
                    title, sentences = await self._written(wanted, chapter)
                    if title is None and not sentences:
                        continue
                    at = await self._kept(wanted.text, chapter, title, sentences)
                    if at is None:
                        yield Ended(
                            code="transcript_changed", message="The transcript was changed meanwhile; ask again."
                        )
                        return
                    yield WrittenText(
                        start=chapter.start, end=chapter.end, title=title, sentences=sentences, written_at=at
                    )
        except (ChatUnavailable, ChaptersNotWritten) as error:
            yield Ended(code=error.code, message=error.message)
            return
        yield Ended()

    async def _require_allowed(self, item_id: int, caller: Caller) -> str | None:
        """Return the recording's language where what is said may be sent. Raises as ``prepare``."""
        async with self._database.transaction() as session:
            view = await readable_item(session, item_id, caller)
            access.require_item_change(visibility=view.library.visibility, role=view.role, status=view.item.status)
            if self._asking.model is None:
                raise ChaptersNotWritten("No language model is set up on this server.")
            if not view.chapters_by_model:
                raise ChaptersNotWritten(
                    "The dataset does not let a language model write of it; its setting 'chapters_by_model' does."
                )
            if view.redaction is not None:
                raise ChaptersNotWritten("The dataset redacts what is said; nothing of it is sent to a language model.")
            return view.item.language

    async def _written(self, wanted: ToWrite, chapter: Chapter) -> tuple[str | None, tuple[Sentence, ...]]:
        moments = tuple(_moments(chapter.said, wanted))
        written = [one async for one in self._asking.written(*to_title(moments))] if moments else []
        title, sentences = _title(written[:1], moments), [checked(one, moments) for one in written]
        return title, tuple(one for one in sentences if one.fault is None)[:MAX_SENTENCES]

    async def _kept(
        self, text: TextVersion, chapter: Chapter, title: str | None, sentences: Iterable[Sentence]
    ) -> datetime | None:
        assert self._asking.model is not None  # noqa: S101 -- it has just written
        async with self._database.transaction() as session:
            return await keep_written(
                session,
                text,
                start=chapter.start,
                end=chapter.end,
                title=title,
                sentences=[_object(one) for one in sentences],
                model=self._asking.model.name,
            )


def _moments(said: Iterable[Segment], wanted: ToWrite) -> Iterator[Moment]:
    """Yield what is said in a chapter as moments of some sentences, so many as may be sent; doubtful text is left out."""
    item = FoundItem(wanted.text.item_id, wanted.text.transcript_id, "", "", "", wanted.language, None, 0, "", "")
    groups: list[list[Said]] = []
    for one in said:
        if one.quality == "doubtful":
            continue
        if not groups or sum(len(each.text) for each in groups[-1]) + len(one.text) > MOMENT_CHARACTERS:
            groups.append([])
        groups[-1].append(Said(one.start, one.end, one.text[:MOMENT_CHARACTERS], None, one.confidence, one.quality))
    most = MAX_CHAPTER_CHARACTERS // MOMENT_CHARACTERS
    step = max(1.0, len(groups) / most)
    for number in range(min(len(groups), most)):
        group = tuple(groups[int(number * step)])
        yield Moment(number=number + 1, item=item, said=group, found=group[0])


def _title(first: Iterable[Written], moments: tuple[Moment, ...]) -> str | None:
    """Return the title, where it is one and the chapter says its words."""
    for line in first:
        if not line.text.lower().startswith(TITLE_MARK):
            return None
        title = plain(line.text[len(TITLE_MARK) :]).strip(" \"'“”.")
        if title and len(title) <= MAX_TITLE_CHARACTERS and fault_of(title, moments) is None:
            return title
    return None


def _object(sentence: Sentence) -> JsonObject:
    return {
        "text": sentence.text,
        "citations": [{"start": one.said.start, "end": one.said.end, "quote": one.quote} for one in sentence.citations],
    }
