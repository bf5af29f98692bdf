"""Titles and descriptions as they are shown to readers from whose role the dataset hides something.

They are short, and no tagger reads them. So where people are to be hidden, each word with a capital counts as a name unless
it is listed as an ordinary one; in a text without capitals, each word does.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cache

from echoic.db.connect import Database
from echoic.db.items.shown_items import ShownItem
from echoic.db.transcripts import entities
from echoic.names.common import common_words
from echoic.redaction.policy import Policy, mark
from echoic.redaction.spans import hide

LANGUAGES = ("en", "de")
"""Whose common words are ordinary in titles."""
_TITLE_WORDS = """
account accounts agenda anruf appointment arbeit arrangements audio aufnahme aufzeichnung beratung bericht
besprechung board budget business channel chapter chat check class clip committee company contract conversation
course daily debate december demo department dienstag discussion donnerstag draft earnings episode event february
file finance flac fortbildung freitag friday gruppe hearing history interview interviews intro introduction invoice
item january july kapitel keynote kickoff konferenz lecture legal lesson march marketing meeting meetings memo
message minutes mittwoch mkv monday mondays montag monthly mov mp3 nachricht negotiation notes notiz november number
october office ogg opus order part planning planung podcast presentation probe product project projekt protokoll
prototype quartal quarter quarterly question questions radio recording recordings rede release report research
results retro review sales samstag saturday school schulung season section seminar sendung september session show
sitzung sonntag sound speech sprint standup status stereo stunde sunday support symposium talk talks team teil
telefonat telephone termin test thursday training transcript treffen trial tuesday tutorial unterricht update
version vertrag video voice vorlesung vortrag wav webinar webm wednesday weekly woche workshop yearly
"""
TITLE_WORDS = frozenset(_TITLE_WORDS.split())
"""Ordinary words of titles, in small letters. Words that are names of people, too (*May*, *Mark*), are not here."""
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_PARTS = re.compile(r"['’-]")
_SEVERAL = re.compile(rf"(?:{re.escape(mark('person'))}[\s,]*){{2,}}(?<!\s)")


def shown_text(text: str, policy: Policy, people: Collection[str]) -> str:
    """Return a title or a description with marks in place of what the policy hides.

    ``people`` are the names of persons in the recording. An underscore, as file names have them, parts words.
    """
    spaced = text.replace("_", " ")
    names = people
    if "person" in policy.kinds:
        # In titles, people write names in small letters, too.
        small = {word.lower() for name in people for word in _WORD.findall(name) if not _is_ordinary(word)}
        names = {*people, *small, *_possible_names(spaced)}
    hidden = hide(spaced, policy, names)
    return text if hidden == spaced else _SEVERAL.sub(mark("person"), hidden)


async def with_shown_titles(database: Database, items: Sequence[tuple[ShownItem, Policy | None]]) -> list[ShownItem]:
    """Return items with title and description as somebody is shown them who reads each by the policy beside it."""
    asked = [item.id for item, policy in items if policy is not None and "person" in policy.kinds]
    people = await entities.people_of(database, asked) if asked else {}
    return [
        item if policy is None else _hidden(item, policy, people.get(item.id, frozenset())) for item, policy in items
    ]


async def shown_title(database: Database, item_id: int, title: str, policy: Policy) -> str:
    """Return an item's title as somebody is shown it who reads by this policy."""
    people = await entities.people_of(database, [item_id]) if "person" in policy.kinds else {}
    return shown_text(title, policy, people.get(item_id, frozenset()))


def _hidden(item: ShownItem, policy: Policy, people: Collection[str]) -> ShownItem:
    description = None if item.description is None else shown_text(item.description, policy, people)
    return replace(item, title=shown_text(item.title, policy, people), description=description)


def _possible_names(text: str) -> set[str]:
    """Return the words that may be names: those with a capital, or in a text without capitals all, but ordinary ones."""
    words = set(_WORD.findall(text))
    has_capitals = any(not word.islower() for word in words)
    return {word for word in words if not (has_capitals and word.islower()) and not _is_ordinary(word)}


def _is_ordinary(word: str) -> bool:
    return word.lower() in _ordinary() or all(
        len(part) == 1 or part.lower() in _ordinary() for part in _PARTS.split(word)
    )


@cache
def _ordinary() -> frozenset[str]:
    return TITLE_WORDS.union(*map(common_words, LANGUAGES))
