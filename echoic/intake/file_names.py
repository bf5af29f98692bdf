"""File names: the extension they give, and a title where nobody gave one. Pure.

One rule says which names are taken, whichever way a file comes in: form, resumable upload or URL. All that people write
passes, joiners, marks of direction and wide or narrow blanks included; control characters do not.
"""

import unicodedata
from collections.abc import Iterable

from echoic.errors import FormatNotAllowed
from echoic.text.visible import is_visible

MAX_FILE_NAME_CHARACTERS = 1000
"""File systems hold 255 bytes; URLs may be longer."""
MAX_DEFAULT_TITLE_CHARACTERS = 500
UNTITLED = "Untitled"
HOW_TO_ALLOW = "The dataset's setting 'allowed_formats' can allow others."

CONTROL, SURROGATE = "Cc", "Cs"
"""General categories of Unicode (https://www.unicode.org/reports/tr44/#General_Category_Values)."""
LINE_ENDS = ("Zl", "Zp")


def fault_of_name(file_name: str) -> str | None:
    """Why a name is not taken, as the end of a sentence that begins with the name; None for a good one."""
    if len(file_name) > MAX_FILE_NAME_CHARACTERS:
        return f"has {len(file_name):,} characters; at most {MAX_FILE_NAME_CHARACTERS:,} are taken"
    for character in file_name:
        category = unicodedata.category(character)
        if category == CONTROL:
            return f"holds the control character U+{ord(character):04X}"
        if category == SURROGATE:
            return "holds half of a surrogate pair, which is no character"
    return None


def title_of_file(file_name: str) -> str:
    """Return what a file is called when nobody said: its name without extension."""
    stem, _ = split_extension(file_name)
    return title_of_segment(stem)


def title_of_segment(segment: str) -> str:
    """Name a recording fetched from a URL, where nobody named it, by the last segment of its path, decoded."""
    title = "".join(_in_one_line(character) for character in segment).strip()
    # What is left of '..wav' are dots, which name nothing.
    return title[:MAX_DEFAULT_TITLE_CHARACTERS].rstrip() if is_visible(title.strip(".")) else UNTITLED


def _in_one_line(character: str) -> str:
    category = unicodedata.category(character)
    if category in LINE_ENDS:
        return " "
    return "" if category in (CONTROL, SURROGATE) else character


def check_extension(file_name: str, allowed: Iterable[str]) -> str:
    """Return the extension in lower case, without dot, when it is in the list (any case). Raises FormatNotAllowed."""
    formats = [extension.lower().lstrip(".") for extension in allowed]
    _, extension = split_extension(file_name)
    if extension in formats:
        return extension
    found = f"'.{extension[:20]}' files are" if extension else "A file without an extension is"
    raise FormatNotAllowed(f"{found} not accepted here; allowed formats: {', '.join(formats)}. {HOW_TO_ALLOW}")


def split_extension(file_name: str) -> tuple[str, str]:
    """Stem and extension (lower case, no dot; empty where there is none) of a file name without folders."""
    stem, dot, extension = file_name.strip().rpartition(".")
    return (stem, extension.lower()) if dot else (extension, "")


def base_name(file_name: str) -> str:
    """Return the name without folders, of either kind: some browsers send a whole path."""
    return file_name.replace("\\", "/").rpartition("/")[2].strip()
