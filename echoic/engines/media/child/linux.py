"""Calls of the Linux kernel that Python has no words for, by ctypes."""

import ctypes
import os
from pathlib import Path

PR_SET_NO_NEW_PRIVS = 38

_CAPABILITY_VERSION_3 = 0x2008_0522

_libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> None:
    """Call a function of the C library that answers 0; raises OSError where it does not."""
    if getattr(_libc, name)(*arguments) != 0:
        raise last_error(name)


def system_call(number: int, *arguments: object) -> int:
    """Make a system call by its number; raises OSError where it fails."""
    answer: int = _libc.syscall(ctypes.c_long(number), *arguments)
    if answer < 0:
        raise last_error(f"system call {number}")
    return answer


def last_error(name: str) -> OSError:
    """Return the error of the call that was just made."""
    code = ctypes.get_errno()
    return OSError(code, f"{name}: {os.strerror(code)}")


def gain_no_privileges() -> None:
    """Have no program that this process starts gain rights; the layers that any process may put on itself need it."""
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def drop_capabilities() -> None:
    """Give up the powers of root, all of them, which also a user namespace hands out (capabilities(7))."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    call("capset", header, nothing)


def is_single_threaded() -> bool:
    """Return whether what is put on this thread is put on the whole process."""
    return len(list(Path("/proc/self/task").iterdir())) == 1
