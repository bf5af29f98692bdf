"""The tie between a process and the child processes it starts: none outlives its parent."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent_pid: int, *, by: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel signal this process when its parent dies, however the parent dies.

    Called by the child itself, first thing. ``parent_pid`` is the parent as the parent told it: where it is gone
    already, the signal would never come. Linux only (prctl(2), PR_SET_PDEATHSIG); elsewhere a child notices by its
    closed standard input.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(by), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), by)
