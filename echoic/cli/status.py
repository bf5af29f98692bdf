"""``echoic status``: tells whether the server can work, and which account the key belongs to."""

import httpx

from echoic.cli.connection import (
    Answer,
    CommandFailed,
    Connection,
    ExitCode,
    JsonOption,
    ServerOption,
    connected,
    parsed,
    sentence_of,
)
from echoic.cli.output import console, print_json
from echoic.cli.queue import NO_WORKER, look_at_queue
from echoic.wording import counted


def status(server: ServerOption = None, as_json: JsonOption = False) -> None:
    """Ask the server how it is; exit code 3 where it is away or cannot work."""
    with connected(server) as connection:
        try:
            answer = connection.send("GET", "/health/ready")
        except httpx.RequestError as error:
            raise connection.unreachable(error) from error
        checks = parsed(answer)["checks"]
        account, usage = connection.get("/api/account"), connection.get("/api/usage")
        queue, confinement = look_at_queue(connection), _look_at_confinement(connection)
        installation = _look_at_installation(connection)
        transcriber = None if installation is None else _engine_of("transcriber", installation)
        if as_json:
            print_json(
                {
                    "server": connection.access.server,
                    "checks": checks,
                    "queue": queue,
                    "confinement": confinement,
                    "transcriber": transcriber,
                    "embeddings": None if installation is None else installation.get("embeddings"),
                    "account": account,
                    "usage": usage,
                }
            )
        else:
            minutes = usage["minutes"]
            _print("server", connection.access.server)
            for part, state in checks.items():
                _print(part, state)
            if queue is not None:
                working = counted(queue["working"], "recording is", "recordings are")
                _print("queue", f"{working} being worked on, {counted(queue['waiting'], 'waits', 'wait')}")
                _print("workers", str(queue["workers"]) if queue["workers"] else f"none: {NO_WORKER}")
            if confinement is not None:
                _print_confinement(confinement)
            if transcriber is not None:
                _print("words by", f"{transcriber['name']} {transcriber['model']}")
                if transcriber.get("chosen_because"):
                    _print("", f"chosen for this machine: {transcriber['chosen_because']}")
            if installation is not None:
                print_embeddings(installation)
            _print("account", f"{account['name']} (id {account['id']}, plan {account['plan']})")
            _print("minutes", f"{minutes['used']} used in {usage['month']}, {minutes['reserved']} under way")
            _print("left", "no limit" if minutes["left"] is None else f"{minutes['left']} of {minutes['limit']}")
        if not answer.is_success:
            raise CommandFailed(ExitCode.UNREACHABLE, sentence_of(answer))


def _look_at_confinement(connection: Connection) -> Answer | None:
    """Return the layers that confine the decoder; None from an older server, which does not tell them."""
    try:
        return connection.get("/api/confinement")
    except CommandFailed:
        return None


def _look_at_installation(connection: Connection) -> Answer | None:
    """Return what the server tells of itself; None to those who are no administrators."""
    try:
        return connection.get("/api/installation")
    except CommandFailed:
        return None


def _engine_of(task: str, installation: Answer) -> Answer | None:
    return next((engine for engine in installation["engines"] if engine["task"] == task), None)


def print_embeddings(installation: Answer) -> None:
    """Print how far embeddings are made again; nothing where all are of the present model, or the server is older."""
    embeddings = installation.get("embeddings")
    if embeddings is not None and embeddings["by_present_model"] < embeddings["segments"]:
        encoder = _engine_of("text_encoder", installation)
        _print(
            "meaning",
            f"{embeddings['by_present_model']} of {counted(embeddings['segments'], 'segment is', 'segments are')} embedded by"
            f" {encoder['name'] if encoder else 'the present encoder'}; the others are made again in the background",
        )


def _print_confinement(confinement: Answer) -> None:
    """Print the layers that hold and those that the machine lacks, with what each would do."""
    held = [layer["name"] for layer in confinement["decoder"] if layer["holds"]]
    _print("confined", ", ".join(held))
    for layer in confinement["decoder"]:
        if not layer["holds"]:
            _print("", f"not {layer['name']} ({layer['meaning']})")
    role = confinement["database"]
    beyond = ", a superuser, which it need not be" if role["is_superuser"] else ", no superuser"
    _print("role", f"{role['name']}{beyond}")


def _print(name: str, value: str) -> None:
    console.print(f"{name:<10}{value}", markup=False)
