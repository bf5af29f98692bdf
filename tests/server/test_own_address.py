"""The file in which a server leaves its address for the commands of its machine."""

from pathlib import Path

import pytest

from echoic.server.own_address import address_kept, kept_address


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:8181"),
        ("0.0.0.0", "http://127.0.0.1:8181"),  # noqa: S104 -- what a server may listen on
        ("::", "http://[::1]:8181"),
        ("192.0.2.7", "http://192.0.2.7:8181"),
    ],
)
def test_the_address_is_there_while_the_server_runs(tmp_path: Path, host: str, shown: str) -> None:
    file = tmp_path / "data" / "address"
    with address_kept(file, host, 8181):
        assert kept_address(file) == shown
    assert list(file.parent.iterdir()) == []
    assert kept_address(file) is None


def test_a_file_that_was_left_by_a_killed_server_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "address").write_text("http://127.0.0.1:7\n", encoding="utf-8")
    with address_kept(tmp_path / "address", "127.0.0.1", 8181):
        assert kept_address(tmp_path / "address") == "http://127.0.0.1:8181"


def test_a_server_that_stops_leaves_the_address_of_one_that_came_since(tmp_path: Path) -> None:
    with address_kept(tmp_path / "address", "127.0.0.1", 8181):
        (tmp_path / "address").write_text("http://127.0.0.1:8282\n", encoding="utf-8")
    assert kept_address(tmp_path / "address") == "http://127.0.0.1:8282"


def test_a_server_runs_where_the_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "address" / "in the way").mkdir(parents=True)
    with address_kept(tmp_path / "address", "127.0.0.1", 8181):
        assert kept_address(tmp_path / "address") is None
