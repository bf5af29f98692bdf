"""The folders of a watched place that are looked into, by their names."""

import pytest

from echoic.sources.watched.names import is_looked_into


@pytest.mark.parametrize("name", ["@Recycle", "FOUND.001", "Temporary Items", "__MACOSX", "lost+found", ".hidden"])
def test_what_a_system_makes_is_not_looked_into(name: str) -> None:
    assert not is_looked_into(name, is_top=True)
    assert not is_looked_into(name, is_top=False)


@pytest.mark.parametrize("name", ["recycled-bikes", "FOUND.1", "snapshot", "Talks"])
def test_what_people_make_is_looked_into(name: str) -> None:
    assert is_looked_into(name, is_top=True)


def test_the_folder_of_taken_files_is_not_looked_into_where_echoic_makes_it() -> None:
    assert not is_looked_into("Done", is_top=True)
    assert is_looked_into("Done", is_top=False)
