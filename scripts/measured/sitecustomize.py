"""Python imports this module at its start where this folder is on its path: it measures the process that decodes media.

coverage.py measures every other process by itself. A decoder is handed no environment variables, gives up its files
before it decodes, and is killed once it has sent its last message. So it writes what it ran, before that message, into
memory that it shares with a file made beforehand; scripts/measure_coverage.py reads the files.
"""

import io
import mmap
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

DECODER = "echoic.engines.media.child"
ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".coverage-data" / "decoders"

MONITORED = sys.version_info >= (3, 12)
"""Whether this Python has sys.monitoring, which says once that a line ran and then costs nothing."""
BRANCHES = sys.version_info >= (3, 14)
"""Whether it says of branches which way they took."""

LENGTH_BYTES = 4
MAX_DATA_BYTES = 1_048_576
"""The file is sparse: a decoder leaves about 10 kB."""


class Output(io.BufferedWriter):
    """The standard output, which calls ``at_last`` before the header of a decoder's last message."""

    def __init__(self, raw: io.FileIO, at_last: Callable[[], None]) -> None:
        super().__init__(raw)
        self._at_last = at_last

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        from echoic.engines.media import wire

        if len(data) == wire.HEADER.size and bytes(data[:1]) in (wire.DONE, wire.FAILED):
            self._at_last()
        return super().write(data)


def measure() -> None:
    """Measure this process from now on."""
    import coverage

    with tempfile.NamedTemporaryFile(dir=FOLDER, delete=False) as file:
        file.truncate(LENGTH_BYTES + MAX_DATA_BYTES)
        shared = mmap.mmap(file.fileno(), LENGTH_BYTES + MAX_DATA_BYTES)
    if MONITORED:
        os.environ["COVERAGE_CORE"] = "sysmon"
    measured = coverage.Coverage(data_file=None, config_file=str(ROOT / "pyproject.toml"), branch=BRANCHES)

    def leave_result() -> None:
        measured.stop()
        try:
            result = measured.get_data().dumps()
        except MemoryError:
            return  # The decoder is about to say that it has none left.
        shared[: LENGTH_BYTES + len(result)] = len(result).to_bytes(LENGTH_BYTES, "big") + result

    # What writing the result imports is imported now, while files can be opened.
    measured.get_data().dumps()
    sys.stdout = io.TextIOWrapper(Output(io.FileIO(sys.stdout.fileno(), "w", closefd=False), leave_result))
    measured.start()


if DECODER in sys.orig_argv and FOLDER.is_dir():
    measure()
