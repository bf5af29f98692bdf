import pytest

from echoic.corrections.learned_terms import CorrectedText, Substitution, is_safe, learned_terms, substitutions


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("We run Cooper Netties here.", "We run Kubernetes here.", [("Cooper Netties", "Kubernetes")]),
        ("So the cube cuddle tool", "So the kubectl tool", []),
        ("We use Cube CTL daily", "We use kubeCTL daily", [("Cube CTL", "kubeCTL")]),
        # The neighbors that changed with it are told apart.
        ("the Cooper Netties cluster run", "the Kubernetes clusters ran", [("Cooper Netties", "Kubernetes")]),
        # First and last name are one term.
        ("I met Sara Conor today", "I met Sarah Connor today", [("Sara Conor", "Sarah Connor")]),
        # Only capitals differ.
        ("with post gres, or kubernetes.", "with post gres, or Kubernetes.", [("kubernetes", "Kubernetes")]),
        # The capital of a sentence's beginning is no sign of a name.
        ("their is a way. So we go", "There is a way. Go we do", []),
        # Another statement, and ordinary words.
        ("He said nothing at all", "The Bundesbank raised its rates", []),
        ("We wont do that", "We want to do that", []),
        ("I think i know", "I think I know", []),
        ("no change", "no change", []),
        ("", "Kubernetes", []),
    ],
)
def test_a_correction_teaches_a_term_where_the_texts_sound_alike(
    before: str, after: str, expected: list[tuple[str, str]]
) -> None:
    assert list(substitutions(before, after)) == [Substitution(*pair) for pair in expected]


def corrected(item_id: int, before: str, after: str) -> CorrectedText:
    return CorrectedText(item_id=item_id, before=before, after=after)


CALLS = [
    corrected(1, "So Cooper Netties is up, and Cooper Netties stays.", "So Kubernetes is up, and Kubernetes stays."),
    corrected(2, "We like cuban eighties.", "We like Kubernetes."),
    corrected(2, "Ask Mr. Tare.", "Ask Mr. Thayer."),
]


def test_terms_are_counted_with_what_they_were_heard_as() -> None:
    kubernetes, thayer = learned_terms(CALLS)

    assert (kubernetes.term, kubernetes.times, kubernetes.items) == ("Kubernetes", 3, 2)
    assert [(heard.text, heard.times) for heard in kubernetes.heard_as] == [
        ("Cooper Netties", 2),
        ("cuban eighties", 1),
    ]
    assert (thayer.term, thayer.times) == ("Thayer", 1)


def test_known_terms_and_rare_ones_are_left_out() -> None:
    assert [term.term for term in learned_terms(CALLS, known=["kubernetes"])] == ["Thayer"]
    assert [term.term for term in learned_terms(CALLS, min_times=2)] == ["Kubernetes"]


def test_an_ordinary_word_and_one_that_people_let_stand_are_not_replaced_everywhere() -> None:
    assert [is_safe(heard) for heard in ("there", "There", "Ted", "cuban eighties", "Tayler")] == [
        *(False, True, False, True, True)
    ]
    (term,) = learned_terms(
        [corrected(1, "Ask Tare now", "Ask Thayer now"), corrected(1, "the Tare one", "that Tare two")]
    )
    assert [(heard.text, heard.is_safe) for heard in term.heard_as] == [("Tare", False)]
