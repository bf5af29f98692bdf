"""The tie between a process and its child processes, none of which outlives it, and the environment of these."""

import contextlib
import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio  # not needed at run time, and a third of what a decoder would load beside its libraries

PARENT_VARIABLE = "ECHOIC_PARENT_PID"
"""The environment variable that tells a process of ours the id of its parent."""
HUGE_PAGES = "glibc.malloc.hugetlb=1"
"""A tunable of glibc 2.35 and newer: memory in pages of 2 MB where the kernel has them. Other C libraries pass over it.

A transcriber asks for blocks of hundreds of megabytes, again for every layer; handing them out in pages of 4 KB took a
sixth of its time. See glibc's manual, "Memory Allocation Tunables".
"""

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent_pid: int, *, by: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel signal this process when its parent dies in any way.

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


def signal_child(child: "asyncio.subprocess.Process", by: signal.Signals) -> None:
    """Send a signal to a child, unless it is known to have ended.

    Up to Python 3.12 the child's own ``kill`` and ``send_signal`` first ask the kernel whether it has ended. Where it has,
    they take its exit status, the event loop finds none, warns, and says 255: https://github.com/python/cpython/issues/127049
    """
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, by)


def computing_environment() -> dict[str, str]:
    """Return environment variables for a process that computes with large arrays; our own tunables come last."""
    own = os.environ.get("GLIBC_TUNABLES")
    return {"GLIBC_TUNABLES": f"{HUGE_PAGES}:{own}" if own else HUGE_PAGES}
