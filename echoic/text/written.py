"""Words as a text writes them, with capitals and punctuation; and how written words are compared. Pure.

The words of ``text.words`` are folded ones, for the search index.
"""

import re
from collections.abc import Iterable, Sequence

from echoic.text.unspaced import SPACELESS, SPACELESS_CLUSTER

_SPACELESS = re.compile(f"[{SPACELESS}]")
_WRITTEN = re.compile(rf"(\s*)({SPACELESS_CLUSTER}[^\w\s]*|[^\s{SPACELESS}]+)")
_WORD = re.compile(r"\w+")


def written_words(text: str, known: Iterable[str] = ()) -> list[str]:
    """The words of a text, each with the space before it and the marks after it.

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
    """The letters and digits of a text, in small letters: written words are the same where these are."""
    return "".join(_WORD.findall(text.casefold()))


def comparable(word: str) -> str:
    """What a written word is compared by: its letters, or for a word of punctuation alone the word itself."""
    return letters(word) or word


def says(texts: Iterable[str], phrase: str) -> bool:
    """Whether the phrase is said in the running text, as whole words; case and punctuation do not count.

    How text and phrase are cut into words does not matter, as long as the phrase begins and ends with a word.
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
