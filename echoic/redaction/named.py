"""People by the names that the tagger found in a recording, and the words of a dataset's own list."""

import re
from collections.abc import Iterable, Iterator

from echoic.redaction.digits import Found
from echoic.redaction.policy import Kind

_TITLES = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "mister",
        "dr",
        "prof",
        "professor",
        "sir",
        "lady",
        "lord",
        "madam",
        "herr",
        "frau",
        "señor",
        "señora",
        "monsieur",
        "madame",
    ]
)
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
"""Scripts that put no blanks between words, or whose particles cling to them."""
MIN_PART_CHARACTERS = 2
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def find_people(text: str, names: Iterable[str]) -> Iterator[Found]:
    """Yield where a text says one of these names, whole or a part of it that begins with a capital."""
    whole: set[str] = set()
    parts: set[str] = set()
    for name in names:
        words = [word for word in re.split(r"\s+", name.strip()) if word]
        if len(words) > 1:
            whole.add(r"\W+".join(map(re.escape, words)))
        for word in words:
            bare = word.strip(".,;:!?\"'’").removesuffix("'s").removesuffix("’s")
            if len(words) > 1 and not bare[:1].isupper() and not _UNSPACED.search(bare):
                continue
            if len(bare) >= MIN_PART_CHARACTERS and bare.lower() not in _TITLES:
                parts |= {re.escape(form) for form in (bare, bare.upper(), bare.capitalize())}
    yield from _matches(text, whole, "person", re.IGNORECASE)
    yield from _matches(text, parts, "person", re.NOFLAG)


def written_names(corrected: Iterable[tuple[str, str]], *, all_text: str) -> set[str]:
    """Return the words with a capital that people wrote into a text, as the names they may be.

    ``corrected`` are texts before and after. A word that ``all_text`` has in small letters too is none.
    """
    small = {word for word in _WORD.findall(all_text) if word.islower()}
    return {
        word
        for before, after in corrected
        for word in {*_WORD.findall(after)} - {*_WORD.findall(before)}
        if word[0].isupper() and word.lower() not in small
    }


def find_words(text: str, listed: Iterable[str]) -> Iterator[Found]:
    """Yield where a text says a word or a phrase of the list, in any case; signs and blanks between words are passed over."""
    wanted = {r"\W+".join(map(re.escape, one.split())) for one in listed if one.strip()}
    yield from _matches(text, wanted, "word", re.IGNORECASE)


def _matches(text: str, patterns: Iterable[str], kind: Kind, flags: re.RegexFlag) -> Iterator[Found]:
    # The longest first: of two names that begin alike, the longer is meant.
    ordered = sorted(patterns, key=lambda pattern: (-len(pattern), pattern))
    bounded = [one for one in ordered if not _UNSPACED.search(one)]
    free = [one for one in ordered if _UNSPACED.search(one)]
    alternatives = ([rf"(?<!\w)(?:{'|'.join(bounded)})(?!\w)"] if bounded else []) + free
    if alternatives:
        # Looked ahead for, so that the next may begin within: of "Blue Falcon Nine", two phrases may be listed.
        for match in re.finditer(f"(?=({'|'.join(alternatives)}))", text, flags):
            yield Found(match.start(1), match.end(1), kind)
