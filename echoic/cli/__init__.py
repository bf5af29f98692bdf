"""The command line: one module per verb."""

import typer

from echoic.cli import database, demo, serve, stage_process, worker

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help="Recordings in, searchable transcripts out."
)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("demo")(demo.demo)
app.add_typer(database.app, name="db")
app.command("stage-process", hidden=True)(stage_process.stage_process)
