"""Names that people sign in with."""

import unicodedata


def normal_name(name: str) -> str:
    """Return a sign-in name as it is kept and compared: without case, and composed in one way."""
    return unicodedata.normalize("NFKC", name.strip()).casefold()
