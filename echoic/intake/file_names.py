"""What the name of a file says: its extension, and a title where nobody gave one. Pure."""

from collections.abc import Iterable

from echoic.errors import FormatNotAllowed

MAX_DEFAULT_TITLE_CHARACTERS = 500
UNTITLED = "Untitled"


def default_title(file_name: str) -> str:
    """What a file is called when nobody said: its name without extension, for a URL that of its last path segment."""
    stem, _ = split_extension(file_name)
    title = "".join(character for character in stem if character.isprintable()).strip()
    return title[:MAX_DEFAULT_TITLE_CHARACTERS].rstrip() or UNTITLED


def judge_extension(file_name: str, allowed: Iterable[str]) -> str:
    """The extension in lower case, without dot, when it is in the list (any case). Raises FormatNotAllowed."""
    formats = [extension.lower().lstrip(".") for extension in allowed]
    _, extension = split_extension(file_name)
    if extension in formats:
        return extension
    found = f"'.{extension[:20]}' files are" if extension else "A file without an extension is"
    raise FormatNotAllowed(f"{found} not accepted here; allowed formats: {', '.join(formats)}.")


def split_extension(file_name: str) -> tuple[str, str]:
    """Stem and extension (lower case, no dot; empty where there is none) of a file name without folders."""
    stem, dot, extension = file_name.strip().rpartition(".")
    return (stem, extension.lower()) if dot else (extension, "")


def base_name(file_name: str) -> str:
    """The name without folders, of either kind: some browsers send a whole path."""
    return file_name.replace("\\", "/").rpartition("/")[2].strip()
