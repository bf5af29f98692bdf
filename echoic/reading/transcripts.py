"""The transcript of an item as a caller may be shown it: the original, or redacted, or a version of before."""

from dataclasses import replace

from echoic import access
from echoic.access import Caller
from echoic.db.connect import Database
from echoic.db.items import parts
from echoic.db.items.items import Item
from echoic.db.transcripts import corrections, transcripts
from echoic.db.transcripts.transcripts import SelectedTranscript, Selection
from echoic.errors import NotPublished, TranscriptRemoved
from echoic.notices import Notice
from echoic.reading.item_states import READABLE_STATUSES, is_on_hold, shown_status
from echoic.reading.lookup import readable_item
from echoic.reading.redacted import load_shown, policy_for, require_original
from echoic.voices.said_turns import turns_of_selection

MAX_NAMED_SPEAKERS = 20


async def load_readable(
    database: Database,
    item_id: int,
    caller: Caller,
    version: int | None,
    selected: Selection,
    *,
    with_turns: bool = False,
) -> tuple[Item, SelectedTranscript]:
    """The item and what the caller may be shown of its transcript.

    Raises NotPublished where there is nothing to read yet, TranscriptRemoved where it was removed, and OriginalWithheld where what is asked for is never redacted.
    """
    async with database.snapshot() as session:
        view = await readable_item(session, item_id, caller)
        if version is not None:
            access.require_item_history(visibility=view.library.visibility, role=view.role, status=view.item.status)
            require_original(view, "Earlier versions are not redacted, and your role may not read the original.")
        found, policy = None, policy_for(view)
        if policy is not None:
            found, with_labels = await load_shown(session, view.item, policy, selected)
            # Turns are selected by the labels that people wrote, also where these are hidden.
            with_turns = with_turns and with_labels
        elif view.item.status in READABLE_STATUSES and version is None:
            found = await transcripts.load_transcript(session, view.item, selected)
        elif view.item.status in READABLE_STATUSES and version is not None:
            found = await corrections.load_version(session, view.item, version, selected)
        if found is not None and with_turns:
            turns = await turns_of_selection(session, view.item, found, selected)
            found = replace(found, transcript=replace(found.transcript, turns=turns))
    if found is None:
        raise no_transcript(view.item)
    if (empty := _why_empty(found, selected)) is not None:
        found = replace(found, transcript=replace(found.transcript, notices=(*found.transcript.notices, empty)))
    return view.item, found


def _why_empty(found: SelectedTranscript, selected: Selection) -> Notice | None:
    """Return why a selection has nothing; None where it has, or where all was asked for. Only what is shown is told."""
    speaker, start = selected.speaker, selected.start
    if found.total_segments or (speaker is None and start is None and selected.end is None):
        return None
    shown = found.transcript
    length = shown.duration_seconds
    names = [shown.names.get(label, label) for label in shown.speakers]
    message = "Nothing is said there."
    if speaker is not None and speaker.lower() not in {name.lower() for name in (*shown.speakers, *names)}:
        others = ", ".join(dict.fromkeys(names[:MAX_NAMED_SPEAKERS])) or "nobody that is told apart"
        message = f"No speaker has that name here; there is {others}."
    elif start is not None and length is not None and start >= length:
        message = f"The recording ends after {length:g} seconds, before the start that was asked for."
    elif speaker is not None:
        message = "The speaker says nothing there."
    return Notice(code="nothing_selected", message=message)


def no_transcript(item: Item) -> NotPublished | TranscriptRemoved:
    """Return the error for an item without a transcript that can be read."""
    if item.transcript_id is None and item.transcript_removed_at is not None:
        return parts.transcript_removed(item.transcript_removed_at)
    return NotPublished(why_not_published(item))


def why_not_published(item: Item) -> str:
    """Return a sentence on why an item is not published: its status, its error, and what starts it if on hold."""
    message = f"The item is not published: its status is '{shown_status(item.status)}'"
    if is_on_hold(item.status):
        message += f", and nothing starts by itself; POST /api/items/{item.id}/transcribe starts it"
    if item.error_code is not None:
        message += f" ({item.error_stage}: {item.error_code})"
    return f"{message}."
