r"""The rule for names, whoever gives them: something of them can be seen. Pure.

Blanks, control characters, joiners, marks of direction, selectors of variants and fillers show nothing: the characters
that Unicode calls default ignorable (https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point), the empty
pattern of Braille, and the null notehead.
"""

import re

UNSEEN = (
    r"\s\u0000-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
)
"""Characters that show nothing, as the inner part of a class of JSON Schema's and Python's expressions."""
# Beyond the first 65,536 characters those expressions differ.
_SEEN = re.compile(rf"[^{UNSEEN}\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]")


def is_visible(text: str) -> bool:
    """Return whether a text has a character that can be seen."""
    return _SEEN.search(text) is not None
