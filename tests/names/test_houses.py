"""Houses called by their owner's name."""

from tests.names.refined import found


def test_a_name_that_never_stands_without_its_s_and_owns_nothing_is_a_house() -> None:
    text = "We sell at Zabriskie's and online. At Zabriskie's stores it grew."

    assert found(text, ("Zabriskie", "person")) == [("Zabriskie's", "organization")] * 2


def test_a_person_who_owns_something_stays_a_person() -> None:
    text = "It was Zabriskie's idea, and Zabriskie's money."

    assert found(text, ("Zabriskie", "person")) == [("Zabriskie", "person")] * 2


def test_a_name_that_also_stands_alone_is_no_house() -> None:
    text = "We met at Zabriskie's. Then Zabriskie came."

    assert found(text, ("Zabriskie", "person")) == [("Zabriskie", "person")] * 2
