"""The transcript of an item as a caller may be shown it: the original, or redacted, or a version of before."""

from dataclasses import replace

from echoic import access
from echoic.access import Caller
from echoic.db.connect import Database
from echoic.db.items.items import Item
from echoic.db.transcripts import corrections, transcripts
from echoic.db.transcripts.transcripts import SelectedTranscript, Selection
from echoic.errors import NotPublished
from echoic.reading.item_states import READABLE_STATUSES, is_on_hold, shown_status
from echoic.reading.lookup import readable_item
from echoic.reading.redacted import load_shown, policy_for, require_original
from echoic.voices.said_turns import turns_of_selection


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

    Raises NotPublished where there is nothing to read yet, and OriginalWithheld where what is asked for is never redacted.
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
        raise NotPublished(why_not_published(view.item))
    return view.item, found


def why_not_published(item: Item) -> str:
    """Return a sentence on why an item is not published: its status, its error, and what starts it if on hold."""
    message = f"The item is not published: its status is '{shown_status(item.status)}'"
    if is_on_hold(item.status):
        message += f", and nothing starts by itself; POST /api/items/{item.id}/transcribe starts it"
    if item.error_code is not None:
        message += f" ({item.error_stage}: {item.error_code})"
    return f"{message}."
