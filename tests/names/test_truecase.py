from echoic.names.truecase import lacks_capitals, with_capitals


def test_known_names_and_what_follows_a_title_get_capitals_and_offsets_stay() -> None:
    text = "so i told mister zabriskie that margaret flew from san francisco with her iphone"

    written = with_capitals(text)

    assert written == "so I told mister Zabriskie that Margaret flew from San Francisco with her iPhone"
    assert len(written) == len(text)


def test_names_that_are_ordinary_words_stay_small() -> None:
    text = "open the windows and eat an apple the doctor said she was in the subway"

    assert with_capitals(text) == text


def test_text_lacks_capitals_only_where_it_has_next_to_none() -> None:
    assert lacks_capitals("and then we went to london and it rained")
    assert not lacks_capitals("And then we went to London and it rained.")
    assert not lacks_capitals("12 345 !")
    assert not lacks_capitals("")


def test_a_surname_after_a_given_name_gets_its_capital_and_a_verb_does_not() -> None:
    text = "then gary cooper met laura who asked peter what susan told him and mary's cat moved"

    assert with_capitals(text) == "then Gary Cooper met Laura who asked Peter what Susan told him and Mary's cat moved"
