"""Run a command with an OpenSearch of its own, whose address it finds in TESTS_OPENSEARCH_URL; the server ends with it.

    python -m scripts.with_opensearch make test
    python -m scripts.with_opensearch --measured python -m bench.search --engine opensearch

A server that is `measured` gets 2 GB of memory and compiles its code for speed, which takes a while.

Where Maven or Java is missing the command runs without it, and its tests leave out what needs OpenSearch.
"""

import os
import signal
import subprocess
import sys
from types import FrameType

from tests.opensearch.cluster import MEASURED, SHORT_LIVED, Missing, cluster, require


def main(command: list[str]) -> int:
    """Run the command; returns its exit status."""
    options: tuple[str, ...] = SHORT_LIVED
    if command[:1] == ["--measured"]:
        options, command = MEASURED, command[1:]
    try:
        require()
    except Missing as error:
        print(f"opensearch: left out, {error}", flush=True)
        return subprocess.run(command, check=False).returncode
    signal.signal(signal.SIGTERM, _end)
    with cluster(options=options) as (node,):
        environment = {**os.environ, "TESTS_OPENSEARCH_URL": node.url}
        return subprocess.run(command, env=environment, check=False).returncode


def _end(number: int, _: FrameType | None) -> None:
    """Leave by all blocks, so that the server ends with us."""
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
