"""The file in which a server leaves its address for the commands of its machine."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from echoic.server.own_address import keep_address, kept_address


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:8181"),
        ("0.0.0.0", "http://127.0.0.1:8181"),  # noqa: S104 -- what a server may listen on
        ("::", "http://[::1]:8181"),
        ("192.0.2.7", "http://192.0.2.7:8181"),
    ],
)
def test_a_server_leaves_an_address_at_which_it_is_reached(tmp_path: Path, host: str, shown: str) -> None:
    file = tmp_path / "data" / "address"
    keep_address(file, host, 8181)
    assert kept_address(file) == shown
    assert list(file.parent.iterdir()) == [file]
    keep_address(file, "127.0.0.1", 8282)
    assert kept_address(file) == "http://127.0.0.1:8282"


def test_a_server_starts_where_the_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "address" / "in the way").mkdir(parents=True)
    with capture_logs() as logs:
        keep_address(tmp_path / "address", "127.0.0.1", 8181)
    assert [line["event"] for line in logs] == ["address_not_kept"]
    assert kept_address(tmp_path / "address") is None
