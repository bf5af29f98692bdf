"""What the stages of the work on a recording are called to people."""

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
"""In the order of the work."""
UNKNOWN = "working"
"""A stage of a server that is newer than this program."""


def words_for(stage: str) -> str:
    """What is done in a stage."""
    return WORDS.get(stage, UNKNOWN)


def number_of(stage: str) -> int:
    """How many stages come before it."""
    return list(WORDS).index(stage) if stage in WORDS else 0
