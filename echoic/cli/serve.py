"""``echoic serve``: start the server and print where it listens."""

from functools import partial
from typing import Annotated

import typer

from echoic.cli.greeting import greet
from echoic.cli.start import read_settings, reported
from echoic.server.choosing import with_chosen_transcriber
from echoic.server.serve import run_server


def serve(
    *, with_worker: Annotated[bool, typer.Option(help="Also work on the pipeline's stages here.")] = True
) -> None:
    """Start everything on this machine: the embedded database unless DATABASE_URL is set, the API, a worker."""
    with reported():
        settings = with_chosen_transcriber(read_settings())
        run_server(settings, with_worker=with_worker, on_listening=partial(greet, settings=settings))
