"""Joins the mentions in one recording that mean the same organization, place or product, and chooses its name. Pure.

Two names of one type are the same where they differ only in case, accents, punctuation, article, possessive, or the
ending of a company (``Inc.``). An acronym is joined to the only organization or place with these initials. Where two could
be meant, nothing is joined, and two different full names never are. ``people`` has the rules for people.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from echoic.names.known import listed
from echoic.records import EntityType
from echoic.text.words import without_accents

Key: TypeAlias = tuple[str, ...]
"""The words of a name in small letters, without accents, punctuation and article: equal keys are equal names."""
GroupT = TypeVar("GroupT", bound=Hashable)

COMPANY_ENDINGS = frozenset(listed("inc incorporated corp corporation co company ltd limited llc plc gmbh ag"))
SMALL_WORDS = frozenset(listed("of the and for in on de &"))
SAME_PLACES: dict[Key, Key] = {
    ("us",): ("united", "states"),
    ("usa",): ("united", "states"),
    ("united", "states", "of", "america"): ("united", "states"),
    ("uk",): ("united", "kingdom"),
}
MAX_ACRONYM_LETTERS = 6

_POSSESSIVE = re.compile(r"['’]s?$")
_BETWEEN = re.compile(r"[\s.,\"“”‐-―-]+")


@dataclass(frozen=True, slots=True)
class Name:
    """A mention: its type, its text, and the title before it in small letters."""

    type: EntityType
    text: str
    title: str | None = None


def key_of(text: str) -> Key:
    """Return the key of a name.

    ``The I.B.M.'s`` has (i, b, m), ``Citroën`` has (citroen,), ``Hewlett-Packard`` has (hewlett, packard).
    """
    plain = without_accents(_POSSESSIVE.sub("", text.strip())).casefold()
    parts = tuple(part for part in _BETWEEN.split(plain) if part) or (plain,)
    return parts[1:] if len(parts) > 1 and parts[0] in {"the", "a", "an"} else parts


def things(names: Sequence[Name]) -> list[str]:
    """Return for each mention the name of the thing it means; all mentions are of one type."""
    keys = [_thing_key(name) for name in names]
    written_out = [key for key in dict.fromkeys(keys) if len(key) > 1]
    meant: dict[Key, Key] = {}
    for key, name in zip(keys, names, strict=True):
        if name.type != "product" and _is_acronym(name.text) and len(key) == 1:
            long = [other for other in written_out if key[0] in _initials(other)]
            meant[key] = long[0] if len(long) == 1 else key
    return shown([meant.get(key, key) for key in keys], [name.text for name in names])


def _thing_key(name: Name) -> Key:
    parts = _letters_joined(key_of(name.text))
    while name.type == "organization" and len(parts) > 1 and parts[-1] in COMPANY_ENDINGS:
        parts = parts[:-1]
    key = tuple(parts)
    return SAME_PLACES.get(key, key) if name.type == "place" else key


def _letters_joined(parts: Iterable[str]) -> list[str]:
    """Join single letters to one word: ``i b m`` becomes ``ibm``."""
    joined: list[str] = []
    spelled = False
    for part in parts:
        if len(part) == 1 and spelled:
            joined[-1] += part
        else:
            joined.append(part)
        spelled = len(part) == 1
    return joined


def _is_acronym(text: str) -> bool:
    letters = text.replace(".", "")
    return letters.isalpha() and letters.isupper() and 1 < len(letters) <= MAX_ACRONYM_LETTERS


def _initials(key: Key) -> set[str]:
    return {"".join(part[0] for part in key), "".join(part[0] for part in key if part not in SMALL_WORDS)}


def shown(groups: Sequence[GroupT], texts: Sequence[str]) -> list[str]:
    """Return for each mention the most used form of its group; a form with capitals, then the first, wins a tie."""
    forms: defaultdict[GroupT, Counter[str]] = defaultdict(Counter)
    for group, text in zip(groups, texts, strict=True):
        forms[group][_POSSESSIVE.sub("", " ".join(text.split()))] += 1
    best = {
        group: max(counts, key=lambda form: (counts[form], any(map(str.isupper, form))))
        for group, counts in forms.items()
    }
    return [best[group] for group in groups]
