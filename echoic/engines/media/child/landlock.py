"""Landlock: the kernel refuses this process every path, TCP port and signal beyond itself.

https://docs.kernel.org/userspace-api/landlock.html; a ruleset without rules allows nothing of what it handles. What a
kernel handles is told by its version of the interface.
"""

import ctypes
import os

from echoic.engines.media.child.linux import system_call

CREATE_RULESET, RESTRICT_SELF = 444, 446
"""Numbers of system calls, the same on all architectures."""
ASK_VERSION = 1

FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""The number of rights over files from a version on; a set of them is a mask of as many bits."""
NETWORK_VERSION, NETWORK_RIGHTS = 4, 0b11
"""To bind and to connect TCP sockets."""
SCOPE_VERSION, SCOPES = 6, 0b11
"""Abstract UNIX sockets, and signals, of processes that are not confined by the same ruleset."""


def version() -> int:
    """Return the kernel's version of the interface. Raises OSError where it has none."""
    return system_call(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(ASK_VERSION))


def restrict() -> None:
    """Put it on this thread. Raises OSError."""
    present = version()
    files = max(bits for since, bits in FILE_RIGHTS.items() if since <= present)
    handled = [(1 << files) - 1]
    if present >= NETWORK_VERSION:
        handled.append(NETWORK_RIGHTS)
    if present >= SCOPE_VERSION:
        handled.append(SCOPES)
    attributes = (ctypes.c_uint64 * len(handled))(*handled)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    ruleset = system_call(CREATE_RULESET, attributes, size, ctypes.c_uint32(0))
    try:
        system_call(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
