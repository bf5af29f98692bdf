"""Which of the people named in a recording are the ones who speak in it. Pure."""

from collections.abc import Mapping, Sequence

from echoic.names.people import people
from echoic.names.things import Name


def speakers_named(persons: Sequence[str], speakers: Mapping[int, str]) -> dict[str, int]:
    """For each of the named persons who speak, the id of the speaker, by the rules for names that are one person's.

    ``speakers`` has each one's name by id. A name that two speakers could be is nobody's.
    """
    ids = list(speakers)
    called = people([Name("person", text) for text in [*speakers.values(), *persons]])
    by_name: dict[str, set[int]] = {}
    for speaker_id, name in zip(ids, called, strict=False):
        by_name.setdefault(name, set()).add(speaker_id)
    return {
        person: min(by_name[name])
        for person, name in zip(persons, called[len(ids) :], strict=True)
        if len(by_name.get(name, ())) == 1
    }
