"""Notices: remarks on an item that did not fail, such as that something was left out, guessed or cut.

A stage makes them and hands them back with its output; they are kept with its result and shown wherever the item is.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self, get_args

NoticeCode = Literal[
    "no_speech",
    "speech_unread",
    "tracks_left_out",
    "file_ends_early",
    "upload_abandoned",
    "sound_damaged",
    "bytes_not_read",
    "clock_jumped",
    "language_doubtful",
    "vocabulary_not_used",
    "word_times_estimated",
    "entities_not_available",
    "stage_left_out",
    "corrections_not_carried",
    "field_unknown",
    "redacted",
    "nothing_selected",
    "temporary",
]

MEANINGS: Mapping[NoticeCode, str] = {
    "no_speech": "Nobody was heard to speak: the transcript is empty.",
    "speech_unread": "Somebody seems to speak where the transcript has no words: too faint, too far away, or no speech after all.",
    "tracks_left_out": "The file has audio tracks that are not part of the transcript.",
    "file_ends_early": "The file holds less audio than it says: a copy or a recording probably broke off.",
    "upload_abandoned": "The upload was broken off and never taken up again: the item holds what had arrived.",
    "sound_damaged": "Stretches of the recording are damaged; nothing that was said there is in the transcript.",
    "bytes_not_read": "A part of the file could not be read as audio, and is not part of the transcript.",
    "clock_jumped": "The clock of the file jumps ahead by more than an hour. That was not taken for a pause: no silence stands there.",
    "language_doubtful": "The language of the recording, or of a part of it, is not certain; words may be invented there.",
    "vocabulary_not_used": "The transcriber takes no prompt and no vocabulary; replacements were made.",
    "word_times_estimated": "The transcriber gives no times of words: they were placed in their stretch of speech by their letters.",
    "entities_not_available": "No model that finds names knows the language: only well-known ones that are the same in every language were looked for.",
    "stage_left_out": "An optional stage failed for good, and the item was published without what it would have added.",
    "corrections_not_carried": "Corrections of the former transcript found no place in this one; the former one keeps them.",
    "field_unknown": "The upload had a field that is not known and was passed over; only the answer to the upload says so.",
    "redacted": "The dataset hides some kinds of things from your role: marks such as `[PHONE]` stand in their place.",
    "nothing_selected": "The transcript has nothing of what was asked for: no such speaker, or nothing said at that time.",
    "temporary": "The recording was sent to be transcribed only: nothing else was looked for, and it is deleted some time later.",
}
"""One sentence for each code; docs/notices.md repeats them."""

if MEANINGS.keys() != set(get_args(NoticeCode)):
    raise TypeError("Every code of a notice has a meaning.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """One remark on an item."""

    code: NoticeCode
    message: str
    """A sentence for people, with the figures of this item."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """The figures of the message for programs: a small JSON object."""

    def to_object(self) -> dict[str, Any]:
        """Return the notice as it is stored and shown: code, message, detail."""
        return asdict(self)

    @classmethod
    def from_object(cls, stored: Mapping[str, Any]) -> Self:
        """Return the notice of a stored object."""
        return cls(code=stored["code"], message=stored["message"], detail=stored["detail"])
