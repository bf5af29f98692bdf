"""How many files the server may open, and how many connections that leaves room for."""

import io
import json
import resource
import subprocess
import sys

import pytest

from echoic.errors import SettingInvalid
from echoic.logs import configure_logging
from echoic.metrics import Metrics
from echoic.server.open_files import KEPT_BACK, Watch, connections_allowed
from echoic.settings import Settings

RAISING = """
import resource
from echoic.server.open_files import raise_limit
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(raise_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(("soft", "hard", "most"), [(256, 1024, 1024), (700, 700, 700)])
def test_the_limit_on_open_files_is_raised_as_far_as_the_system_lets_us(soft: int, hard: int, most: int) -> None:
    own = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert own == resource.RLIM_INFINITY or own >= hard
    ended = subprocess.run(
        [sys.executable, "-c", RAISING.format(soft=soft, hard=hard)], capture_output=True, text=True, check=True
    )
    assert [int(part) for part in ended.stdout.split()] == [most, most, hard]


def test_connections_leave_files_for_the_rest() -> None:
    assert connections_allowed(1000, 65_536) == 1000
    assert connections_allowed(1000, 1024) == (1024 - KEPT_BACK) // 2
    with pytest.raises(SettingInvalid, match=r"lets this process open 256 files; .*ulimit -n"):
        connections_allowed(1000, 256)


async def test_near_a_limit_the_log_says_so_once_until_it_is_over() -> None:
    lines = io.StringIO()
    configure_logging(Settings(_env_file=None, log_format="json"), lines)
    metrics, held = Metrics(), [0] * 8
    watch = Watch(held, max_connections=10, max_files=100_000, metrics=metrics)

    await watch.look()
    assert lines.getvalue() == ""
    held.append(0)
    await watch.look()
    await watch.look()
    (told,) = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert (told["event"], told["of"], told["count"], told["limit"]) == ("limit_near", "connections", 9, 10)
    shown = metrics.render([]).decode()
    assert 'echoic_held{what="connections"} 9.0' in shown
    assert 'echoic_held_at_most{what="open_files"} 100000.0' in shown
