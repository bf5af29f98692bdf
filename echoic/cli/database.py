"""``echoic db``: bring the database to this version's schema, or check that it is there."""

import typer

from echoic.cli.start import read_settings, reported
from echoic.db import migrate
from echoic.server.database import any_database, found_database, owner_url

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The database's schema.")


@app.command()
def upgrade() -> None:
    """Apply the migrations that are missing; starts the embedded database where no server runs."""
    with reported():
        settings = read_settings()
        with any_database(settings) as url:
            migrate.upgrade(owner_url(settings, url))
        typer.echo("The database has this version's schema.")


@app.command()
def check() -> None:
    """Say whether the running database has this version's schema."""
    with reported():
        url = found_database(read_settings())
        migrate.verify(url)
        typer.echo("The database has this version's schema.")
