"""The rows that go with an item, counted by kinds, for the receipt of its deletion."""

from collections.abc import Collection, Mapping

from sqlalchemy import BigInteger, Text, column, text
from sqlalchemy.ext.asyncio import AsyncSession

OF_ITEM = "{table}.item_id FROM {table} WHERE {table}.item_id = ANY(:ids)"
OF_TRANSCRIPT = (
    "transcripts.item_id FROM {table} JOIN transcripts ON transcripts.id = {table}.transcript_id "
    "WHERE transcripts.item_id = ANY(:ids)"
)
OF_RUN = (
    "pipeline_queue.item_id FROM {table} JOIN pipeline_queue ON pipeline_queue.id = {table}.run_id "
    "WHERE pipeline_queue.item_id = ANY(:ids)"
)
KINDS: Mapping[str, str] = {
    "transcripts": OF_ITEM,
    "segments": OF_TRANSCRIPT,
    "transcript_edits": OF_TRANSCRIPT,
    "segment_edits": "transcripts.item_id FROM segment_edits JOIN transcript_edits ON transcript_edits.id = segment_edits.edit_id "
    "JOIN transcripts ON transcripts.id = transcript_edits.transcript_id WHERE transcripts.item_id = ANY(:ids)",
    "diarizations": OF_TRANSCRIPT,
    "speaker_turns": "transcripts.item_id FROM speaker_turns "
    "JOIN diarizations ON diarizations.id = speaker_turns.diarization_id "
    "JOIN transcripts ON transcripts.id = diarizations.transcript_id WHERE transcripts.item_id = ANY(:ids)",
    "item_speakers": OF_ITEM,
    "voiceprints": "item_speakers.item_id FROM voiceprints "
    "JOIN item_speakers ON item_speakers.id = voiceprints.item_speaker_id WHERE item_speakers.item_id = ANY(:ids)",
    "entities": OF_ITEM,
    "mentions": "entities.item_id FROM mentions JOIN entities ON entities.id = mentions.entity_id "
    "WHERE entities.item_id = ANY(:ids)",
    "search_entries": OF_ITEM,
    "segment_embeddings": OF_TRANSCRIPT,
    "written_chapters": OF_ITEM,
    "published_texts": OF_ITEM,
    "item_peaks": OF_ITEM,
    "pipeline_queue": OF_ITEM,
    "stage_results": OF_RUN,
    "stage_checkpoints": OF_RUN,
    "shared_moments": OF_ITEM,
}
"""By the names of the tables."""
UNCOUNTED = frozenset(
    {
        "alert_checks",
        "alert_pending",
        "alert_told",
        "label_states",
        "minute_reservations",
        "run_events",
        "stale_meanings",
        "subject_aliases",
        "upload_parts",
        "uploads",
        "voice_suggestions",
    }
)
"""Tables whose rows go with an item as well and that hold nothing of it but its id, or orders to look at it."""

_COUNTS = text(
    " UNION ALL ".join(
        f"SELECT '{table}' AS kind, item_id, count(*) FROM (SELECT {of.format(table=table)}) AS of_items GROUP BY item_id"  # noqa: S608 - of the table above
        for table, of in KINDS.items()
    )
).columns(column("kind", Text()), column("item_id", BigInteger()), column("count", BigInteger()))


async def count_rows(session: AsyncSession, item_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """Return how many rows of each kind items have, by their ids; kinds of which there is none are left out."""
    found: dict[int, dict[str, int]] = {item_id: {} for item_id in item_ids}
    for kind, item_id, count in await session.execute(_COUNTS, {"ids": list(item_ids)}):
        found[item_id][kind] = count
    return found
