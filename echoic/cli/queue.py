"""How long the server's queue is and whether anybody works on it, in words."""

from echoic.cli.connection import Answer, CommandFailed, Connection
from echoic.wording import counted

NO_WORKER = "no worker is running, so everything waits; 'echoic worker' on the server's machine starts one"


def look_at_queue(connection: Connection) -> Answer | None:
    """The queue of the server; None where it tells nothing of it, as an older one."""
    try:
        return connection.get("/api/queue")
    except CommandFailed:
        return None  # whoever waits is not to be disturbed for that; a server that is away is noticed elsewhere


def queue_words(queue: Answer) -> str:
    """The queue in half a sentence."""
    if not queue["workers"]:
        return NO_WORKER
    waiting = counted(queue["waiting"], "recording waits", "recordings wait")
    return f"{waiting}, {counted(queue['workers'], 'worker')}"
