"""Takes from this process what decoding does not need, in layers. Called once everything it needs is imported.

Each layer holds by itself, so that one which a machine lacks leaves the others; which hold is told to the parent.
"""

import contextlib
import math
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from echoic.engines.media import wire
from echoic.engines.media.child import landlock, linux, namespaces, seccomp
from echoic.processes import end_with_parent

CPU_GRACE_SECONDS = 2
NO_ONE = 65_533
"""Number of an account that nobody has: by systemd's table (UIDS-GIDS.md) no system hands out 65,520 to 65,533. The
account ``nobody``, 65,534, may be that of PostgreSQL and of others."""
NOBODY = 65_534


def confine(*, memory_bytes: int, cpu_seconds: int, parent_pid: int) -> tuple[str, ...]:
    """Limit memory, processor time, files and rights; the process dies with its parent. Returns the layers that hold.

    Memory and time come on top of what is used already.
    """
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    # At the soft limit SIGXCPU ends the process, which tells the parent why; the hard one is the backstop.
    cpu_seconds += math.ceil(time.process_time())
    _limit(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + CPU_GRACE_SECONDS)
    layers = [wire.LIMITS]
    if sys.platform == "linux":
        mapped_bytes = _mapped_bytes()
        layers += _linux_layers(parent_pid)
        # On top of where the process stands: its libraries alone map over 100 MB.
        _limit(resource.RLIMIT_AS, mapped_bytes + memory_bytes)
    elif become_no_one():
        layers.append(wire.ACCOUNT)
    # The two pipes and standard error are open; nothing else ever will be, no thread or program started.
    _limit(resource.RLIMIT_NOFILE, 3)
    _limit(resource.RLIMIT_NPROC, 0)
    if sys.platform == "linux":
        # The last: it refuses what sets limits.
        layers += _held({wire.SYSTEM_CALLS: seccomp.restrict})
    return tuple(layers)


def become_no_one() -> bool:
    """Change from root to an account that owns nothing; tells whether that is so."""
    if os.geteuid() != 0:
        return False
    for account in (NO_ONE, NOBODY):
        # A container may know no other account than root; the other layers stand without this one.
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setgid(account)
            os.setuid(account)
            return True
    return False


def _linux_layers(parent_pid: int) -> Iterator[str]:
    # Asked before the account changes: afterwards /proc/self belongs to root.
    is_single_threaded = linux.is_single_threaded()
    linux.gain_no_privileges()
    if become_no_one():
        yield wire.ACCOUNT
    if is_single_threaded:
        yield from _held({wire.NETWORK: namespaces.leave_network, wire.FILES: namespaces.leave_files})
        yield from _held({wire.LANDLOCK: landlock.restrict})
    # A supervisor that forbids the call has left none to give up.
    with contextlib.suppress(OSError):
        linux.drop_capabilities()
    # The kernel forgets it when the account changes, so it is asked for after that.
    end_with_parent(parent_pid)


def _held(layers: dict[str, Callable[[], None]]) -> Iterator[str]:
    """Yield the names of those that could be put on, up to the first that could not."""
    for name, put_on in layers.items():
        try:
            put_on()
        except OSError:
            return
        yield name


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    _, present = resource.getrlimit(kind)
    hard = soft if hard is None else hard
    if present != resource.RLIM_INFINITY:
        hard = min(hard, present)
    resource.setrlimit(kind, (min(soft, hard), hard))


def _mapped_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()
