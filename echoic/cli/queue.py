"""The length of the server's queue and its workers, in words."""

from echoic.cli.connection import Answer, CommandFailed, Connection
from echoic.wording import counted

NO_WORKER = "no worker is running, so everything waits; 'echoic worker' on the server's machine starts one"


def look_at_queue(connection: Connection) -> Answer | None:
    """Return the queue of the server; None from an older server, which does not tell it."""
    try:
        return connection.get("/api/queue")
    except CommandFailed:
        return None  # no reason to disturb the user, and the next request notices that the server is away


def queue_words(queue: Answer) -> str:
    """Return the queue in half a sentence."""
    if not queue["workers"]:
        return NO_WORKER
    waiting = counted(queue["waiting"], "recording waits", "recordings wait")
    return f"{waiting}, {counted(queue['workers'], 'worker')}"
