from collections import Counter
from typing import get_args

from echoic.names.known import GIVEN_NAMES, entries, find_known
from echoic.records import EntityType


def test_the_list_has_each_name_once_and_only_kinds_there_are() -> None:
    kinds = {*get_args(EntityType), *GIVEN_NAMES}

    assert {entry.kind for entry in entries()} <= kinds
    typed = Counter(entry.name for entry in entries() if entry.kind not in GIVEN_NAMES)
    assert [name for name, times in typed.items() if times > 1] == []
    assert all(entry.name.strip() for entry in entries())


def test_only_whole_words_are_names_and_the_longest_wins() -> None:
    text = "AT&T's iPhones are not an iPhone; Googled, Mac OS, New York City, the U.S. and AT&TX."

    assert [span.text for span in find_known(text)] == ["AT&T", "iPhone", "Mac OS", "New York City", "U.S."]
