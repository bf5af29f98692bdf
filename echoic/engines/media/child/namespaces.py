"""Namespaces: this process gets a network without interfaces and a file system without files, its own user's included.

An unprivileged process may do that in a user namespace of its own (user_namespaces(7)), where the machine lets it.
"""

import os

from echoic.engines.media.child.linux import call, system_call

CLONE_NEWNS = 0x0002_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWNET = 0x4000_0000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2

PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
"""Number of the system call, for which the C library has no function."""
COVERED = b"/proc"
"""A folder that every machine has; what is mounted there becomes the root."""


def leave_network() -> None:
    """Leave the machine's network, and its users with it. Raises OSError."""
    call("unshare", CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC)


def leave_files() -> None:
    """Make an empty folder the root; after ``leave_network``. Raises OSError."""
    pivot_root = PIVOT_ROOT.get(os.uname().machine)
    if pivot_root is None:
        raise OSError("the number of pivot_root is not known for this machine")
    call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    call("mount", b"none", COVERED, b"tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, b"size=4k,nr_inodes=2,mode=555")
    os.chdir(COVERED)
    # The old root lands on top of the new one, from where it is taken off: pivot_root(2).
    system_call(pivot_root, b".", b".")
    call("umount2", b".", MNT_DETACH)
    os.chdir("/")
    call("mount", None, b"/", None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, None)
