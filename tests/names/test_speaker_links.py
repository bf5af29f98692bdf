"""People who are named and speak."""

from echoic.names.speaker_links import speakers_named


def test_a_named_person_who_speaks_is_the_speaker_however_much_of_the_name_is_said() -> None:
    speakers = {7: "Anna Weber", 9: "Dr. John F. Kennedy"}
    assert speakers_named(["Weber", "John Kennedy", "Ben Hale"], speakers) == {"Weber": 7, "John Kennedy": 9}


def test_a_name_that_two_speakers_could_be_is_nobodys() -> None:
    assert speakers_named(["Hale"], {1: "Margaret Hale", 2: "John Hale"}) == {}
    assert speakers_named(["Anna Weber"], {1: "Anna Weber", 2: "Anna Weber"}) == {}


def test_nobody_speaks_where_nobody_is_known() -> None:
    assert speakers_named(["Anna"], {}) == {}
    assert speakers_named([], {1: "Anna"}) == {}
