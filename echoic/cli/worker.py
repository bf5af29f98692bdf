"""``echoic worker``: work on the pipeline's stages, on this machine or on as many as there are."""

import os
import signal

from echoic.cli.start import read_settings, reported
from echoic.processes import PARENT_VARIABLE, end_with_parent
from echoic.server.choosing import with_chosen_transcriber
from echoic.server.worker import work


def worker() -> None:
    """Work on the queues named in the settings until stopped; needs the database of a running server."""
    has_server = PARENT_VARIABLE in os.environ
    if has_server:
        end_with_parent(int(os.environ[PARENT_VARIABLE]), by=signal.SIGTERM)
    with reported():
        work(with_chosen_transcriber(read_settings()), has_server=has_server)
