"""The names of the stages, in words for people."""

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "decode": "reading the recording",
    "transcribe": "writing down what is said",
    "diarize": "telling voices apart",
    "attribute": "giving words to voices",
    "identify": "recognizing known voices",
    "entities": "finding names",
    "embed": "preparing search by meaning",
    "index": "preparing search by word",
    "publish": "publishing",
}
"""Words by the name of the stage, in the order of the work."""
UNKNOWN = "working"
"""The word for a stage of a server that is newer than this program."""


def words_for(stage: str) -> str:
    """Return the words for the work of a stage."""
    return WORDS.get(stage, UNKNOWN)


def number_of(stage: str) -> int:
    """Return the number of stages before this one; 0 for an unknown one."""
    return list(WORDS).index(stage) if stage in WORDS else 0
