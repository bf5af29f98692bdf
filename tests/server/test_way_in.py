"""The link that the server gives its owner at the start."""

import pytest

from echoic.server.way_in import page_address
from echoic.settings import Settings


@pytest.mark.parametrize(
    ("host", "public_url", "address"),
    [
        ("127.0.0.1", None, "http://127.0.0.1:8080"),
        ("::1", None, "http://[::1]:8080"),
        ("0.0.0.0", None, "http://localhost:8080"),  # noqa: S104 - where a browser on the machine finds it
        ("192.168.1.20", None, None),
        ("192.168.1.20", "https://audio.example.org/", "https://audio.example.org"),
    ],
)
def test_a_browser_is_led_to_an_address_under_which_people_may_sign_in(
    host: str, public_url: str | None, address: str | None
) -> None:
    assert page_address(host, 8080, Settings(_env_file=None, public_url=public_url)) == address
