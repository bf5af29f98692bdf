"""An Echoic of nothing but its database, as a process of its own: ``owner.py DATA_DIR``.

Says ``ready URL`` or ``refused CODE MESSAGE`` in one line, then waits for its standard input to end.
"""

import json
import signal
import sys
from pathlib import Path

from echoic.errors import EchoicError
from echoic.logs import configure_logging
from echoic.postgres import EmbeddedPostgres
from echoic.settings import Settings


def main() -> None:
    # A shell that runs the tests in the background has them ignore SIGINT, and their children with them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    settings = Settings(_env_file=None, data_dir=Path(sys.argv[1]), **json.loads(sys.argv[2]))
    configure_logging(settings)
    try:
        with EmbeddedPostgres(settings, options=json.loads(sys.argv[3])) as server:
            print("ready", server.url, flush=True)  # noqa: T201 - the protocol
            sys.stdin.read()
    except EchoicError as error:
        print("refused", error.code, error.message.replace("\n", " "), flush=True)  # noqa: T201 - the protocol


if __name__ == "__main__":
    main()
