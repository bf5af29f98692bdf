"""Finds which of the people named in a recording also speak in it. Pure."""

from collections.abc import Mapping, Sequence

from echoic.names.people import people
from echoic.names.things import Name


def speakers_named(persons: Sequence[str], speakers: Mapping[int, str]) -> dict[str, int]:
    """Map the named persons who speak to the ids of their speakers, by the rules of ``people``.

    ``speakers`` maps ids to names. A name that fits two speakers is left out.
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
