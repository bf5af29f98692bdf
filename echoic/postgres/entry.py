"""The roles that the server lets in: at first its owner as well, then the program's role alone.

The file is PostgreSQL's pg_hba.conf, in a place of ours: the one in the cluster stays as initdb made it. The owner is a
superuser, and a superuser runs programs and reads files as the account of the server. So no connection to
the socket becomes a superuser once the server is prepared.
"""

from pathlib import Path

from echoic.postgres.account import Account
from echoic.postgres.attach import DATABASE, ROLE
from echoic.postgres.folders import replace_text

_HEAD = "# Written by Echoic at every start of its database; changes are lost.\n"
_TO_ALL = "local all all trust\n"
_TO_PROGRAM = f"local {DATABASE} {ROLE} trust\nlocal all all reject\n"


def let_owner_in(file: Path, account: Account | None) -> None:
    """Let the owner in as well, to prepare the server: extensions, migrations, the program's rights. Raises OSError."""
    replace_text(file, _HEAD + _TO_ALL, account)


def shut_owner_out(file: Path, account: Account | None) -> None:
    """Let the program's role in alone, once the server reads its settings again. Raises OSError."""
    replace_text(file, _HEAD + _TO_PROGRAM, account)
