"""The text of a transcript for agents: paragraphs with the time and the speaker of each."""

from dataclasses import replace

from echoic.db.items.items import Item
from echoic.db.transcripts.transcripts import SelectedTranscript, Selection
from echoic.mcp_server.asking import Asking
from echoic.reading.transcripts import load_readable
from echoic.records import Segment, Transcript
from echoic.text.clock import clock
from echoic.text.paragraphs import Paragraph, make_paragraphs


async def load(who: Asking, item_id: int, selected: Selection | None = None) -> tuple[Item, SelectedTranscript]:
    """Return an item and what the caller may be shown of its transcript. Raises ItemNotFound and NotPublished."""
    wanted = selected or Selection()
    # Hours of speech take seconds to load; others are served meanwhile.
    return await who.components.aside.read(lambda database: load_readable(database, item_id, who.caller, None, wanted))


def text_of(transcript: Transcript, max_characters: int) -> tuple[str, bool]:
    """Return paragraphs of at most so many characters in all, and whether more was said."""
    count = fitting(transcript.segments, max_characters)
    shown = replace(transcript, segments=transcript.segments[:count]).with_names()
    text = "\n".join(_line(paragraph) for paragraph in make_paragraphs(shown.segments))
    return text, count < len(transcript.segments)


def fitting(segments: tuple[Segment, ...], max_characters: int) -> int:
    """Return how many segments from the first on have about so many characters; at least one."""
    characters = 0
    for count, segment in enumerate(segments):
        characters += len(segment.text) + 1
        if characters > max_characters and count:
            return count
    return len(segments)


def _line(paragraph: Paragraph) -> str:
    speaker = f"{paragraph.speaker}: " if paragraph.speaker else ""
    return f"[{clock(paragraph.start)}] {speaker}{paragraph.text}"
