"""Which corrections find their place in another transcript of the same recording, and what becomes of the others."""

from dataclasses import replace

from echoic.corrections.carry_over import Pair, carry
from echoic.records import Segment, Word
from tests.factories import segment


def corrected(before: str, after: str, *, start: float = 0.0) -> Pair:
    machine = segment(before, start=start)
    return Pair(machine=machine, now=replace(machine, text=after))


def texts(pairs: list[Pair], *said: Segment) -> dict[int, str]:
    carried = carry(pairs, said)
    assert not carried.left, "every correction finds its place"
    return dict(carried.texts)


def left(pairs: list[Pair], *said: Segment) -> list[str]:
    carried = carry(pairs, said)
    assert not carried.texts
    return [pair.now.text for pair in carried.left]


def test_a_word_is_corrected_where_it_is_said_again_however_it_is_cut_into_segments() -> None:
    pair = corrected("We met jon yesterday.", "We met Joan yesterday.")
    assert texts([pair], segment("We met jon yesterday.")) == {0: "We met Joan yesterday."}
    assert texts([pair], segment("We met"), segment("Jon, yesterday, we said.", start=1.0)) == {
        1: "Joan yesterday, we said."
    }


def test_only_what_a_person_changed_is_changed() -> None:
    pair = corrected("We met jon yesterday.", "We met Joan yesterday.")
    assert texts([pair], segment("I met jon on Tuesday.")) == {0: "I met Joan on Tuesday."}


def test_the_same_word_elsewhere_is_not_touched() -> None:
    pair = corrected("We met jon", "We met Joan", start=20.0)
    assert texts([pair], segment("He met jon"), segment("We met jon", start=20.3)) == {1: "We met Joan"}
    assert left([pair], segment("He met jon"), segment("We met him", start=20.0)) == ["We met Joan"]


def test_of_two_places_nearby_the_nearer_is_taken_and_each_once() -> None:
    pairs = [corrected("no no", "now no"), corrected("no", "know", start=1.0)]
    assert texts(pairs, segment("no no no")) == {0: "now no know"}


def test_what_the_new_transcript_says_by_itself_needs_nothing() -> None:
    pair = corrected("We met jon yesterday.", "We met Joan yesterday.")
    assert texts([pair], segment("We met Joan yesterday.")) == {}


def test_words_that_were_added_are_added_between_the_same_neighbors() -> None:
    pair = corrected("I do like it", "I do not like it")
    assert texts([pair], segment("Well I do like it", start=-0.5)) == {0: "Well I do not like it"}
    assert texts([pair], segment("I do not like it")) == {}
    assert left([pair], segment("I would like it")) == ["I do not like it"]
    at_the_edges = corrected("do like it", "I do like it much")
    assert texts([at_the_edges], segment("do like it")) == {0: "I do like it much"}


def test_words_that_were_taken_away_are_taken_away_again_or_are_not_there_anyway() -> None:
    pair = corrected("I do do like it", "I do like it")
    assert texts([pair], segment("I do do like it")) == {0: "I do like it"}
    emptied = corrected("thank you for watching", "", start=30.0)
    assert texts([emptied], segment("so"), segment("thank you for watching", start=30.0)) == {1: ""}
    assert texts([emptied], segment("so")) == {}


def test_a_run_of_words_may_reach_into_the_next_segment() -> None:
    pair = corrected("the new yolk times wrote", "the New York Times wrote")
    assert texts([pair], segment("the new yolk"), segment("times wrote", start=1.5)) == {
        0: "the New York Times",
        1: "wrote",
    }


def test_a_sentence_written_by_a_person_is_carried_as_a_whole_or_not_at_all() -> None:
    pair = corrected("the cat sat on a mat", "a dog stood in the hall, on guard")
    assert texts([pair], segment("the cat sat on a mat")) == {0: "a dog stood in the hall, on guard"}
    assert left([pair], segment("the cat sat on the mat")) == ["a dog stood in the hall, on guard"]


def test_of_a_segment_with_two_corrections_one_may_find_its_place() -> None:
    pair = corrected("we met jon and mary in rome", "we met Joan and Marie in rome")
    carried = carry([pair], [segment("we met jon and Maria in rome")])
    assert dict(carried.texts) == {0: "we met Joan and Maria in rome"}
    assert carried.left == [pair]


def test_case_and_punctuation_alone_are_a_correction() -> None:
    pair = corrected("is it anna", "Is it Anna?")
    assert texts([pair], segment("is it anna")) == {0: "Is it Anna?"}


def test_scripts_without_blanks_are_corrected_by_their_words() -> None:
    words = tuple(
        Word(text=text, start=float(number), end=number + 1.0, score=0.9)
        for number, text in enumerate(("会議", "で", "預算", "を"))
    )
    machine = Segment(start=0.0, end=4.0, text="会議で預算を", words=words)
    pair = Pair(machine=machine, now=replace(machine, text="会議で予算を"))
    assert texts([pair], replace(machine, start=0.4)) == {0: "会議で予算を"}


def test_segments_without_words_are_corrected_by_the_share_of_their_time() -> None:
    pair = corrected("We met jon yesterday.", "We met Joan yesterday.")
    bare = replace(segment("We met jon yesterday."), words=())
    assert texts([Pair(machine=bare, now=replace(bare, text=pair.now.text))], bare) == {0: "We met Joan yesterday."}


def test_where_nothing_is_said_any_more_every_correction_is_left() -> None:
    pair = corrected("We met jon", "We met Joan")
    assert left([pair]) == ["We met Joan"]


def test_a_correction_that_would_make_a_segment_too_long_is_left_and_not_lost_without_a_word() -> None:
    pair = corrected("we met jon", "we met Joan and " + "so on " * 400)
    said = segment("we met jon " + "again and " * 400)
    carried = carry([pair], [said])
    assert (dict(carried.texts), carried.left) == ({}, [pair])
