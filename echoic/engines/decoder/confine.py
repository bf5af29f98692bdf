"""Takes from this process what decoding does not need. Called once everything it needs is imported.

What the operating system does not offer is left out: the full set exists on Linux.
"""

import contextlib
import ctypes
import math
import os
import resource
import signal
import sys
import time
from pathlib import Path

CPU_GRACE_SECONDS = 2
NOBODY = 65_534
PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38


def confine(*, memory_bytes: int, cpu_seconds: int, parent_pid: int) -> None:
    """Limit memory, processor time, files and rights; the process dies with its parent.

    Memory and time come on top of what is used already.
    """
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    # At the soft limit SIGXCPU ends the process, which tells the parent why; the hard one is the backstop.
    cpu_seconds += math.ceil(time.process_time())
    _limit(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + CPU_GRACE_SECONDS)
    mapped_bytes = _mapped_bytes()
    _become_nobody()
    if sys.platform == "linux":
        _end_with_parent(parent_pid)
        # On top of where the process stands: its libraries alone map over 100 MB.
        _limit(resource.RLIMIT_AS, mapped_bytes + memory_bytes)
    # The two pipes and standard error are open; nothing else ever will be, no thread or program started.
    _limit(resource.RLIMIT_NOFILE, 3)
    _limit(resource.RLIMIT_NPROC, 0)


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    _, present = resource.getrlimit(kind)
    hard = soft if hard is None else hard
    if present != resource.RLIM_INFINITY:
        hard = min(hard, present)
    resource.setrlimit(kind, (min(soft, hard), hard))


def _become_nobody() -> None:
    if os.geteuid() != 0:
        return
    # A container may know no other user than root; the other limits stand without this one.
    with contextlib.suppress(OSError):
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def _end_with_parent(parent_pid: int) -> None:
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for option, value in ((PR_SET_NO_NEW_PRIVS, 1), (PR_SET_PDEATHSIG, signal.SIGKILL)):
        if prctl(option, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl failed")
    if os.getppid() != parent_pid:
        # It died before the signal was ordered.
        os._exit(1)


def _mapped_bytes() -> int:
    if sys.platform != "linux":
        return 0
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()
