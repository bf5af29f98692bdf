"""The table of tools: the scope that each takes, and what it is asked with about somebody's things."""

from collections.abc import Callable
from typing import Any

from tests.api.route_table import Ids

Arguments = Callable[[Ids], dict[str, Any]]


def _named(ids: Ids) -> dict[str, Any]:
    return {"name": ids["entity"], "library": ids["slug"], "dataset_id": ids["dataset_id"]}


def _found(ids: Ids) -> dict[str, Any]:
    filters = {
        "libraries": [ids["slug"]],
        "dataset_ids": [ids["dataset_id"]],
        "item_ids": [ids["item_id"]],
        "entities": [ids["entity"]],
    }
    return {"query": "here OR hidden OR card", "filters": filters, "include_context": True}


TOOLS: dict[str, tuple[str, Arguments]] = {
    "search_audio": ("read", _found),
    "search_audio_content": ("read", _found),
    "search": ("read", lambda _: {"query": "here OR hidden OR card"}),
    "fetch": ("read", lambda ids: {"id": str(ids["item_id"])}),
    "get_episode_overview": ("read", lambda ids: {"item_id": ids["item_id"]}),
    "list_recent_transcripts": ("read", lambda ids: {"dataset_id": ids["dataset_id"]}),
    "get_transcription_status": ("read", lambda ids: {"item_id": ids["item_id"]}),
    "create_share_link": ("read", lambda ids: {"item_id": ids["item_id"], "start_seconds": 5}),
    "get_transcript": ("read", lambda ids: {"item_id": ids["item_id"]}),
    "transcribe_audio": ("upload", lambda ids: {"dataset_id": ids["dataset_id"]}),
    "list_my_datasets": ("read", lambda ids: {"library": ids["slug"]}),
    "search_speakers": ("read", lambda ids: {"library": ids["slug"]}),
    "get_speaker": ("read", lambda ids: {"library": ids["slug"], "speaker_id": ids["speaker_id"]}),
    "search_entities": ("read", lambda ids: {"library": ids["slug"], "dataset_id": ids["dataset_id"]}),
    "get_entity": ("read", _named),
    "get_entity_graph": ("read", _named),
    "get_trending": ("read", lambda ids: {"library": ids["slug"], "dataset_id": ids["dataset_id"]}),
}
"""Named as the protocol lists them, in its order."""
WITHOUT_IDS = ("search",)
"""Tools that look at everything the caller may read, whatever they are asked with."""
