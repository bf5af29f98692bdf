"""Who can reach the server, as its log tells."""

import io
import json

import pytest

from echoic.logs import configure_logging
from echoic.server.exposure import warn_of_strangers
from echoic.settings import Settings


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("127.0.0.1", None),
        ("127.8.0.1", None),
        ("::1", None),
        ("0.0.0.0", "every address of this machine"),  # noqa: S104 - what is warned of
        ("::", "every address of this machine"),
        ("192.168.1.20", "the address 192.168.1.20"),
        ("203.0.113.9", "the address 203.0.113.9"),
        ("fe80::1%eth0", "the address fe80::1"),
    ],
)
def test_where_strangers_can_reach_it_a_warning_says_what_to_do(host: str, named: str | None) -> None:
    lines = io.StringIO()
    configure_logging(Settings(_env_file=None, log_format="json"), lines)
    warn_of_strangers(host)
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert len(told) == (named is not None)
    for line in told:
        assert (line["level"], line["event"]) == ("warning", "open_to_the_network")
        assert named in line["why"]
        assert "ECHOIC_HOST=127.0.0.1" in line["advice"]
        assert "docs/deploy.md" in line["advice"]
