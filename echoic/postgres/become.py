"""Run as a script between us and a PostgreSQL program: takes on the account, ties its life to ours, then turns into it.

    python -I -S become.py PARENT_PID IDENTITY PROGRAM ARGUMENT...
    python -I -S become.py PARENT_PID IDENTITY --blocked-at FOLDER

IDENTITY is ``uid:gid:group,group…`` or ``-`` to stay who we are. The second form prints the first folder on the way
to FOLDER that the account may not pass, or nothing.
A script of its own because neither step can be done safely in the child of a process with threads
(``preexec_fn``), and because the kernel forgets the tie when the account changes: the order matters.
"""

import os
import signal
import sys
from pathlib import Path


def main() -> None:
    # The first word to us may come before PostgreSQL listens.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.path.append(str(Path(__file__).parents[2]))
    # Before the account changes: it may not be able to read our files.
    from echoic.processes import end_with_parent

    parent_pid, identity, *command = sys.argv[1:]
    if identity != "-":
        uid, gid, groups = identity.split(":")
        os.setgroups([int(group) for group in groups.split(",")])
        os.setgid(int(gid))
        os.setuid(int(uid))
    if command[0] == "--blocked-at":
        sys.stdout.write(_blocked_at(Path(command[1])))
        return
    os.umask(0o077)
    # Python ignores these for itself, and what is ignored stays so in the program.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    # SIGINT is PostgreSQL's fast shutdown: clients are cut off, everything is written out.
    end_with_parent(int(parent_pid), by=signal.SIGINT)
    try:
        os.execv(command[0], command)  # noqa: S606
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


def _blocked_at(folder: Path) -> str:
    for step in [*reversed(folder.parents), folder]:
        if not os.access(step, os.X_OK):
            return str(step)
    return ""


if __name__ == "__main__":
    main()
