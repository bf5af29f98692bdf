"""``echoic stage-process``: the child process that runs stages for a worker. Started by workers, never by hand."""

import asyncio
import os

from echoic.cli.start import read_settings, reported
from echoic.pipeline.child import take_standard_output
from echoic.processes import PARENT_VARIABLE, end_with_parent
from echoic.server.database import found_database
from echoic.server.stage_process import serve_table
from echoic.stages import STAGES


def stage_process() -> None:
    """Run stages that arrive on standard input."""
    end_with_parent(int(os.environ[PARENT_VARIABLE]))
    protocol = take_standard_output()
    with reported():
        settings = read_settings()
        asyncio.run(serve_table(STAGES, settings, found_database(settings), protocol))
