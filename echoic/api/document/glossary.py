"""Fields and parameters that mean the same wherever they stand: a sentence and an example for each.

The document takes them where a field has none of its own. A field that means something else says so itself.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import JsonValue

MOMENT = "2026-01-31T12:00:00Z"


class Word(NamedTuple):
    """The meaning of a name, and a value of it."""

    meaning: str
    example: JsonValue = None
    """None where it is put together from the fields within."""


WORDS: Mapping[str, Word] = {
    "account_id": Word("The account's id.", 1),
    "accounts": Word("The accounts of this page."),
    "appearances": Word("The labels of this page under which the speaker speaks."),
    "audio_seconds": Word("Seconds of audio.", 754.2),
    "checks": Word("Each part that requests need, with its state.", {"database": "ok", "storage": "ok"}),
    "chosen_because": Word("The reason for the choice.", "It is installed."),
    "code": Word("The error's code, as in docs/errors.md.", "media_unreadable"),
    "confidence": Word("How sure the engine is, 0 to 1; null where it does not say.", 0.93),
    "created_at": Word("The time when it was made, in UTC.", MOMENT),
    "dataset_count": Word("The number of its datasets that you may see.", 2),
    "dataset_id": Word("The dataset's id.", 1),
    "datasets": Word("The datasets of this page."),
    "description": Word("A text about it, for people; null where there is none.", "Recorded in her workshop."),
    "duration_seconds": Word("Length of the recording in seconds; null until it was decoded.", 754.2),
    "end": Word("Seconds from the start of the recording at which it ends.", 4.5),
    "entities": Word("The names of this page."),
    "expires_at": Word(
        "The time from which it no longer works, in UTC; null where it never ends.", "2026-03-02T12:00:00Z"
    ),
    "format": Word("The format of a file.", "srt"),
    "has_more": Word("Whether another page follows.", False),
    "id": Word("Its id, by which other calls name it.", 1),
    "invitation_id": Word("The invitation's id.", 1),
    "invitations": Word("The invitations of this page."),
    "is_admin": Word("Whether the account administers the installation.", False),
    "is_locked": Word("Whether the account is locked: nobody gets in by it.", False),
    "item_count": Word("The number of items in it.", 12),
    "item_id": Word("The item's id.", 1),
    "items": Word("The items of this page."),
    "key": Word("The key itself, which is shown once.", "ek_0123456789abcdef"),
    "key_id": Word("The key's id.", 1),
    "keys": Word("The keys of this page."),
    "label": Word("The label of a speaker within one item.", "SPEAKER_00"),
    "language": Word("The language spoken, as its ISO 639 code; null where it is not known.", "en"),
    "last_heartbeat_at": Word("The time when it was last heard of, in UTC.", MOMENT),
    "last_used_at": Word("The time of its last use, in UTC; null before the first.", MOMENT),
    "library": Word("The library's slug.", "my-library"),
    "limit": Word("Most entries of one page.", 20),
    "members": Word("The members of this page."),
    "mentions": Word("The places of this page."),
    "message": Word("The same in a sentence for people.", "The file could not be decoded."),
    "name": Word("Its name, for people.", "Ruth Sander"),
    "neighbors": Word("The names of this page."),
    "number": Word("The version's number; 0 is the transcript as the engines made it.", 1),
    "offset": Word("Entries that are passed over before this page.", 0),
    "original_bytes": Word("Bytes of the recordings as they were uploaded.", 48_210_334),
    "plan": Word("The name of the account's plan.", "unlimited"),
    "plans": Word("The plans."),
    "podcasts": Word("The datasets of this page."),
    "position": Word("The segment's place in the transcript, from 0.", 0),
    "prefix": Word("The beginning of the key, to know it by.", "ek_01234567"),
    "progress_seconds": Word("Seconds of audio that are done.", 120.0),
    "published_at": Word("The time when it was published, in UTC; null before.", MOMENT),
    "refused": Word("Items that stayed as they were, each with the reason."),
    "replacements": Word("The number of places that were replaced.", 3),
    "request_id": Word("The name of the request in the server's log.", "5f0c6c1d2b7e4a0c9a3e1f7d8b6a4c2e"),
    "results": Word("The results of this page, in their order."),
    "role": Word("The role in the library.", "editor"),
    "segment": Word("The segment's place in the transcript, from 0.", 0),
    "segments_changed": Word("The number of segments that were changed.", 1),
    "program_id": Word("The connected program's id.", 1),
    "programs": Word("The programs of this page."),
    "session_id": Word("The session's id.", 1),
    "sessions": Word("The sessions of this page."),
    "sha256": Word("The SHA-256 of the file as it was uploaded, 64 hexadecimal digits.", "9f86d081884c7d65" * 4),
    "sign_in_name": Word("The name to sign in with.", "ruth"),
    "since": Word("The time when it began, in UTC.", MOMENT),
    "size_bytes": Word("Bytes of the file as it was uploaded.", 48_210_334),
    "slug": Word("The library's name in addresses, unique in the installation.", "my-library"),
    "source_type": Word("The way it came in: `upload` or `podcast_episode`.", "upload"),
    "speaker": Word("The label or the name of who speaks; null where nobody knows.", "SPEAKER_00"),
    "speaker_id": Word("The id of the person whom the library knows; null where nobody is named.", 1),
    "speakers": Word("The speakers of this page."),
    "stage": Word("The stage of the pipeline.", "transcribe"),
    "start": Word("Seconds from the start of the recording at which it begins.", 1.2),
    "started_at": Word("The time when it started, in UTC.", MOMENT),
    "stored_bytes": Word("Bytes of its recordings that are kept.", 48_210_334),
    "text": Word("The text that is said there.", "The deadline is in May."),
    "title": Word("The title of the recording.", "Interview with Ruth Sander"),
    "total": Word("The number of all entries, whatever the page.", 1),
    "token": Word("The one-time token.", "it_0123456789abcdef"),
    "upload_id": Word(
        "The upload's id: the last part of the address in `Location`.", "0123456789abcdef0123456789abcdef"
    ),
    "url": Word("The address to open in a browser.", "https://echoic.example.org/sign-in#token"),
    "version": Word("The version of the transcript; 0 is as the engines made it, every correction makes the next.", 1),
    "versions": Word("The versions of this page."),
    "workers": Word("The workers."),
}

EXAMPLES: Mapping[str, JsonValue] = {
    "account": "Ruth Sander",
    "after": "We met Joan.",
    "allowed_formats": ["mp3", "wav", "m4a", "ogg", "flac"],
    "audio_url": "https://echoic.example.org/api/items/1/audio",
    "before": "We met June.",
    "chore": "recognize",
    "curator": "Ruth Sander",
    "echoic": "0.1.0",
    "engine": "faster-whisper",
    "episode": "/api/items/1",
    "error": "Not Found",
    "find": "June",
    "highlighted_text": "The <mark>deadline</mark> is in May.",
    "initial_prompt": "A talk with Joan on pottery.",
    "issuer": "https://login.example.org",
    "meaning": "It reaches no file.",
    "model": "base",
    "name_after": "Ruth Sander",
    "name_before": "Joan Miller",
    "notices": [],
    "pgvector": "0.8.1",
    "postgresql": "18.6",
    "program": "Firefox on Linux",
    "provider": "Example",
    "python": "3.11.9",
    "queues": ["cpu", "gpu"],
    "query": "deadline",
    "replace": "Joan",
    "said": "Joan",
    "schema_version": "0001",
    "segment_id": "1_1.2",
    "sentence": "I am Ruth Sander.",
    "speaker_after": "SPEAKER_01",
    "speaker_before": "SPEAKER_00",
    "speaker_name": "Ruth Sander",
    "subject": "5b1c7e",
    "term": "Joan",
    "text_after": "We met Joan.",
    "text_before": "We met June.",
    "transcript_url": "https://echoic.example.org/api/items/1/transcript",
    "value": "SPEAKER_00",
    "vocabulary": ["Joan"],
    "word": "deadline",
    "words": ["Joan"],
}
"""Values for fields that say their meaning themselves, where every field of the name may have them."""
