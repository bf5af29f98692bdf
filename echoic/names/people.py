"""Joins the mentions in one recording that mean the same person, and chooses the person's name. Pure.

- Titles matter only where they tell people of one surname apart: ``Mr. Hale`` and ``Mrs. Hale`` are two people. Where both
  are mentioned, ``Hale`` alone is neither.
- Two full names are one person where the surnames agree, the first names agree or one is the other's initial, and the
  middle names do likewise or are missing: ``John Kennedy``, ``John F. Kennedy``. A name that fits two names which do not
  fit each other is joined to neither.
- A single name is joined to the only full name that it begins or ends, unless a title contradicts: ``Mr. Hale`` is not
  ``Margaret Hale``.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

from echoic.names.boundaries import TITLES
from echoic.names.known import MENS_NAME, WOMENS_NAME, known, listed
from echoic.names.things import Key, Name, key_of, shown

Gender: TypeAlias = Literal["m", "f"]

FORMS_OF_ADDRESS: Mapping[str, tuple[str, Gender]] = {
    "mr": ("Mr.", "m"),
    "mister": ("Mr.", "m"),
    "lord": ("Lord", "m"),
    "mrs": ("Mrs.", "f"),
    "missus": ("Mrs.", "f"),
    "ms": ("Ms.", "f"),
    "miss": ("Miss", "f"),
    "lady": ("Lady", "f"),
}
SUFFIXES = frozenset(listed("jr sr junior senior ii iii iv phd md"))

_TITLE_WORDS = frozenset(title.lower() for title in TITLES)
_GENDERS: Mapping[str, Gender] = dict(FORMS_OF_ADDRESS.values())


@dataclass(frozen=True, slots=True)
class Person:
    """A person, by the words of the name."""

    parts: Key
    form: str | None = None
    """The form of address, such as ``Mr.``, if it is needed to tell people of one surname apart."""


def people(names: Sequence[Name]) -> list[str]:
    """Return for each mention the name of the person it means."""
    keys = [_person_key(name.text) for name in names]
    forms: defaultdict[Key, set[str]] = defaultdict(set)
    for key, name in zip(keys, names, strict=True):
        form = _form_of_address(name)
        if form is not None:
            forms[key].add(form)
    called = [_called(key, name, forms) for key, name in zip(keys, names, strict=True)]
    full = _joined(Counter(key for key in keys if len(key) > 1))
    genders = _genders(full, forms)
    meant = {one: _meant(one, full, forms[one.parts], genders) for one in dict.fromkeys(called)}
    persons = [meant[one] for one in called]
    # Only mentions in the fullest form decide how the name is written.
    voters = [place for place, key in enumerate(keys) if key == persons[place].parts]
    spelled = shown([persons[place] for place in voters], [_without_title(names[place].text) for place in voters])
    by_person = dict(zip((persons[place] for place in voters), spelled, strict=True))
    return [f"{person.form} {by_person[person]}" if person.form else by_person[person] for person in persons]


def _without_title(text: str) -> str:
    parts = text.split()
    while len(parts) > 1 and parts[0].rstrip(".,").lower() in _TITLE_WORDS:
        parts = parts[1:]
    return " ".join(parts)


def _person_key(text: str) -> Key:
    return key_of(_without_title(text))


def _called(key: Key, name: Name, forms: Mapping[Key, set[str]]) -> Person:
    apart = len(key) == 1 and len(forms.get(key, ())) > 1
    return Person(key, _form_of_address(name) if apart else None)


def _form_of_address(name: Name) -> str | None:
    form, _ = FORMS_OF_ADDRESS.get(name.title or "", (None, None))
    return form


def _joined(times: Mapping[Key, int]) -> dict[Key, Key]:
    """Map each full name to the fullest name of the same person."""
    fitting = {key: [other for other in times if _fit(key, other)] for key in times}
    meant = {}
    for key, others in fitting.items():
        agreed = all(_fit(one, other) for one, other in combinations(others, 2))
        meant[key] = max(others, key=lambda other: (len("".join(other)), times[other])) if agreed else key
    return meant


def _fit(one: Key, other: Key) -> bool:
    (first, *middle), (other_first, *other_middle) = _given(one), _given(other)
    suffixes = {key[-1] for key in (one, other) if key[-1] in SUFFIXES}
    return (
        _surname(one) == _surname(other)
        and _agree(first, other_first)
        and (not middle or not other_middle or _all_agree(middle, other_middle))
        and len(suffixes) <= 1
    )


def _surname(key: Key) -> str:
    return key[-2] if key[-1] in SUFFIXES and len(key) > 1 else key[-1]


def _given(key: Key) -> Key:
    return (key[:-2] if key[-1] in SUFFIXES else key[:-1]) or key[:1]


def _all_agree(names: Sequence[str], others: Sequence[str]) -> bool:
    return len(names) == len(others) and all(map(_agree, names, others))


def _agree(name: str, other: str) -> bool:
    return name == other or (min(len(name), len(other)) == 1 and name[0] == other[0])


def _genders(full: Mapping[Key, Key], forms: Mapping[Key, set[str]]) -> dict[Key, Gender | None]:
    said: defaultdict[Key, set[Gender]] = defaultdict(set)
    for key, person in full.items():
        said[person] |= {_GENDERS[form] for form in forms.get(key, ())}
    return {person: _only(said[person] or _usual_genders(person[0])) for person in full.values()}


def _usual_genders(first_name: str) -> set[Gender]:
    name = first_name.capitalize()
    genders: set[Gender] = {"m"} if name in known(MENS_NAME) else set()
    return genders | {"f"} if name in known(WOMENS_NAME) else genders


def _only(genders: Iterable[Gender]) -> Gender | None:
    found = [*genders]
    return found[0] if len(found) == 1 else None


def _meant(one: Person, full: Mapping[Key, Key], forms: set[str], genders: Mapping[Key, Gender | None]) -> Person:
    if len(one.parts) > 1:
        return Person(full[one.parts])
    several = len(forms) > 1
    if several and one.form is None:
        return one
    gender = _only({_GENDERS[form] for form in ({one.form} if one.form else forms)})
    (name,) = one.parts
    fitting = {
        person
        for key, person in full.items()
        if name in {key[0], _surname(key)}
        and (gender is None or genders[person] == gender or (genders[person] is None and not several))
    }
    return Person(fitting.pop()) if len(fitting) == 1 else one
