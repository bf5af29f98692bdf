"""Cuts text into words as they are written, with capitals and punctuation, and compares such words. Pure.

``text.words`` has the folded words of the search index.
"""

import re
from collections.abc import Iterable, Sequence

from echoic.text.unspaced import SPACELESS, SPACELESS_CLUSTER

_SPACELESS = re.compile(f"[{SPACELESS}]")
_WRITTEN = re.compile(rf"(\s*)({SPACELESS_CLUSTER}[^\w\s]*|[^\s{SPACELESS}]+)")
_WORD = re.compile(r"\w+")


def written_words(text: str, known: Iterable[str] = ()) -> list[str]:
    """Cut a text into words, each with the space before it and the punctuation after it.

    In scripts that are written without spaces, the words are those that are ``known`` and, between them, single
    characters.
    """
    spaceless = {word for word in known if _SPACELESS.search(word)}
    longest = max(map(len, spaceless), default=0)
    words: list[str] = []
    end = 0
    while (match := _WRITTEN.match(text, end)) is not None:
        begin, end = match.span(2)
        size = next((size for size in range(longest, 0, -1) if text[begin : begin + size] in spaceless), 0)
        end = begin + size if size else end
        words.append(match[1] + text[begin:end])
    return words


def letters(text: str) -> str:
    """Return the letters and digits of a text in small letters."""
    return "".join(_WORD.findall(text.casefold()))


def comparable(word: str) -> str:
    """Return the form by which two written words are compared: the letters, or the word itself if it has none."""
    return letters(word) or word


def says(texts: Iterable[str], phrase: str) -> bool:
    """Return whether running text holds a phrase as whole words; case and punctuation do not count.

    ``texts`` are consecutive pieces of the text. Text and phrase may be cut into words in different ways, such as
    ``Rolls-Royce`` and ``Rolls Royce``.
    """
    said, wanted = [word for text in texts for word in _WORD.findall(text.casefold())], letters(phrase)
    return bool(wanted) and any(_begins_with(said[first : first + len(wanted)], wanted) for first in range(len(said)))


def _begins_with(said: Sequence[str], wanted: str) -> bool:
    joined = ""
    for word in said:
        joined += word
        if joined == wanted or not wanted.startswith(joined):
            break
    return joined == wanted
