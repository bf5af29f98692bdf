"""Which names are found in the other places of a text, and which words never are."""

from tests.names.refined import found


def test_a_word_at_the_end_of_a_name_is_not_found_wherever_it_stands() -> None:
    text = "Ask Ludo Zabriskie. Please go on. Please wait. Thanks."

    names = found(text, ("Ludo Zabriskie. Please", "person"))

    assert names == [("Ludo Zabriskie", "person")]


def test_greetings_and_thanks_around_a_name_are_no_part_of_it() -> None:
    assert found("Thanks Ludo Zabriskie Please come.", ("Thanks Ludo Zabriskie Please", "person")) == [
        ("Ludo Zabriskie", "person")
    ]


def test_a_word_that_the_text_writes_in_small_letters_is_not_spread() -> None:
    text = "Sales of Umbra rose. Then we saw umbra and more Umbra."

    assert [name for name, _ in found(text, ("Umbra", "person"))] == ["Umbra"]


def test_a_word_that_the_text_uses_as_a_word_is_no_organization() -> None:
    assert found("Our Umbra grew. Any umbra grows.", ("Umbra", "organization")) == []


def test_a_word_that_stands_with_a_capital_only_is_spread() -> None:
    text = "Sales of Umbrax rose. Then we saw more of Umbrax's cups."

    assert found(text, ("Umbrax", "organization")) == [("Umbrax", "organization")] * 2


def test_a_first_name_alone_is_its_owners() -> None:
    text = "Peter Zabriskie is here. Over to you, Peter, and later Peter again."

    assert found(text, ("Peter Zabriskie", "person"))[1:] == [("Peter", "person")] * 2
