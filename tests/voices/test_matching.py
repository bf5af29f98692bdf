"""Whose voice it is, whose it may be, and whose it is not."""

import numpy as np
import pytest

from echoic.records import Voiceprint
from echoic.voices.matching import COHORT_PEOPLE, MARKS, Match, match_voices

BETWEEN = MARKS.same - MARKS.possible / 2


def voice(*parts: float, seconds: float = 20.0) -> Voiceprint:
    vector = np.zeros(200, dtype=np.float32)
    vector[: len(parts)] = parts
    return Voiceprint(vector=vector / np.float32(np.linalg.norm(vector)), seconds=seconds)


def alike(cosine: float, *, seconds: float = 20.0) -> Voiceprint:
    """A voice with that cosine to the person whose voice is ``voice(1)``, and with none to anybody else."""
    vector = np.zeros(200, dtype=np.float32)
    vector[0], vector[199] = cosine, np.sqrt(1 - cosine**2)
    return Voiceprint(vector=vector, seconds=seconds)


def sure(found: dict[str, Match]) -> dict[str, int]:
    return {label: match.speaker_id for label, match in found.items() if match.sure}


def possible(found: dict[str, Match]) -> dict[str, int]:
    return {label: match.speaker_id for label, match in found.items() if not match.sure}


def test_the_nearest_person_is_found_with_how_near_they_are() -> None:
    found = match_voices({"SPEAKER_00": voice(1, 0.2)}, {7: voice(1, 0), 8: voice(0, 1)})
    assert sure(found) == {"SPEAKER_00": 7}
    assert found["SPEAKER_00"].similarity == pytest.approx(0.981, abs=1e-3)


def test_a_voice_like_nobodys_stays_without_a_name_and_one_between_two_people_is_asked_about() -> None:
    people = {7: voice(1, 0), 8: voice(0, 1)}
    assert match_voices({"SPEAKER_00": voice(0.2, 0.1, 1)}, people) == {}
    between = match_voices({"SPEAKER_00": voice(1, 0.98)}, people)
    assert (sure(between), possible(between)) == ({}, {"SPEAKER_00": 7})
    assert match_voices({"SPEAKER_00": voice(1)}, {}) == {}


def test_a_voice_that_is_rather_alike_is_asked_about() -> None:
    people = {7: voice(1)}
    assert possible(match_voices({"SPEAKER_00": alike(BETWEEN)}, people)) == {"SPEAKER_00": 7}
    assert sure(match_voices({"SPEAKER_00": alike(MARKS.same + 0.01)}, people)) == {"SPEAKER_00": 7}
    assert match_voices({"SPEAKER_00": alike(BETWEEN - MARKS.possible)}, people) == {}


def test_the_less_is_said_and_the_more_people_are_known_the_nearer_a_voice_must_be() -> None:
    brief, heard = alike(MARKS.same + 0.01, seconds=3.0), alike(MARKS.same + 0.01, seconds=6.0)
    assert sure(match_voices({"A": brief}, {0: voice(1)})) == {}
    assert sure(match_voices({"A": heard}, {0: voice(1)})) == {"A": 0}
    ten = {person: voice(*[0] * person, 1) for person in range(10)}
    assert (sure(match_voices({"A": heard}, ten)), possible(match_voices({"A": heard}, ten))) == ({}, {"A": 0})
    assert sure(match_voices({"A": alike(MARKS.same + MARKS.tenfold + 0.01)}, ten)) == {"A": 0}


def test_among_many_people_a_voice_must_lead_before_those_who_are_next() -> None:
    apart = {person: voice(*[0] * person, 1) for person in range(COHORT_PEOPLE)}
    alike_people = {0: voice(1)} | {person: voice(1, *[0] * person, 1) for person in range(1, COHORT_PEOPLE)}
    heard = alike(0.7)
    assert sure(match_voices({"A": heard}, apart)) == {"A": 0}
    near = match_voices({"A": heard}, alike_people)
    assert (sure(near), possible(near)) == ({}, {}), "everybody in the library is nearly as much like this voice"
    assert sure(match_voices({"A": alike(0.4)}, apart)) == {}, "a lead before nobody is no name"


def test_a_person_is_found_once_in_a_recording_where_they_are_nearest_and_not_where_they_speak_already() -> None:
    voices = {"SPEAKER_00": voice(1, 0.5), "SPEAKER_01": voice(1, 0.1)}
    people = {7: voice(1, 0)}
    assert list(match_voices(voices, people)) == ["SPEAKER_01"]
    assert match_voices(voices, people, taken=[7]) == {}
    both = {"SPEAKER_00": alike(BETWEEN), "SPEAKER_01": alike(BETWEEN)}
    assert possible(match_voices(both, people)) == {"SPEAKER_00": 7, "SPEAKER_01": 7}, "a yes makes them one"
