"""The prefixes that e5 wants before its texts, and the floor of its cosines (Wang et al., arXiv:2402.05672)."""

from echoic.engines.protocols import TextKind

DIMENSIONS = 384
MAX_TOKENS = 512
"""The longest text that the model was trained on; the rest of a longer text does not count."""
SIMILARITY_FLOOR = 0.78
"""The cosines of this model lie between 0.7 and 1 whatever the texts are; docs/search.md says what this leaves out."""


def with_prefix(text: str, kind: TextKind) -> str:
    """Say before a text whether it is searched for or searched in, as the model was trained."""
    return f"{kind}: {text}"
