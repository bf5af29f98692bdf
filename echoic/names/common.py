"""Tells which words of a text are no names: words of a list, and words that the text itself also writes in small letters."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib import resources

from echoic.names.known import TOKEN, known

LIST = "common_words.txt"
ENGLISH = "en"
NOUNS_IN_CAPITALS = frozenset({"de", "lb"})
"""Languages that write every noun with a capital: there a capital, and the lack of small letters, tells nothing."""

_WORDS_IN_SMALL_LETTERS = frozenset({"US", "WHO"})
"""Acronyms of names that are words in small letters."""


@cache
def common_words(language: str = ENGLISH) -> frozenset[str]:
    """Return the listed common words of a language in small letters; none for a language without a list."""
    text = resources.files(__package__).joinpath(LIST).read_text(encoding="utf-8")
    lines = (line.partition(":") for line in text.splitlines() if line and not line.startswith("#"))
    return frozenset(word for name, _, words in lines if name == language for word in words.split())


@dataclass(frozen=True, slots=True)
class Usage:
    """The words of a text, as it uses them."""

    common: frozenset[str]
    """Words that are never names, in small letters."""
    small: frozenset[str]
    """Words that the text writes in small letters somewhere."""

    @classmethod
    def of(cls, text: str, *, common: Collection[str] = (), capitals_matter: bool = True) -> "Usage":
        """Read a text. ``common`` are its language's words that are no names; without capitals, the text tells nothing."""
        small = {_plain(token[0]) for token in TOKEN.finditer(text) if token[0][0].islower()} if capitals_matter else ()
        return cls(common=frozenset(common), small=frozenset(small))

    def is_common(self, word: str) -> bool:
        """Return whether a word is never a name by itself."""
        return _plain(word) in self.common and not _is_known_acronym(word)

    def may_be_name(self, word: str) -> bool:
        """Return whether a word with a capital is a name wherever this text has it. ``US`` is another word than *us*."""
        return _is_known_acronym(word) or (_plain(word) not in self.common and _plain(word) not in self.small)


def _is_known_acronym(word: str) -> bool:
    return word.isupper() and (word in _WORDS_IN_SMALL_LETTERS or word in known("place", "organization", "product"))


def _plain(word: str) -> str:
    return word.lower().replace("’", "'").strip(".")
