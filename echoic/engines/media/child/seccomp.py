"""Seccomp: a list of the system calls that decoding makes; the kernel refuses every other with EPERM.

The filter is a program of classic BPF, seccomp(2) and linux/filter.h, for x86-64 and aarch64. It is written here and not
by libseccomp: that is another shared library, which not every machine has, for a program of one comparison a call.
"""

import ctypes
import errno
import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

from echoic.engines.media.child.linux import system_call

SET_MODE_FILTER = 1
ALL_THREADS = 1

_LOAD_WORD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF_0000, 0x0005_0000 | errno.EPERM, 0x8000_0000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _ARGUMENT_BYTES = 0, 4, 16, 8
"""Offsets into struct seccomp_data; of an argument its lower half is looked at, which comes first."""
_X32_BIT = 0x4000_0000
"""Numbers of a second set of calls on x86-64, which do the same as the first."""
PROT_EXEC = 4


class Machine(NamedTuple):
    """One processor architecture: its name in a filter, and the number of ``seccomp`` itself."""

    audit: int
    seccomp: int


MACHINES = {"x86_64": Machine(0xC000_003E, 317), "aarch64": Machine(0xC000_00B7, 277)}

# What the interpreter and FFmpeg do while they decode: move bytes through the two pipes, take and give back memory,
# handle signals, look at the clock, end. Numbers for x86-64 and aarch64; None where the machine has no such call.
ALLOWED: dict[str, tuple[int, int | None]] = {
    "read": (0, 63),
    "write": (1, 64),
    "writev": (20, 66),
    "close": (3, 57),
    "lseek": (8, 62),
    "fstat": (5, 80),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "brk": (12, 214),
    "madvise": (28, 233),
    "futex": (202, 98),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getrandom": (318, 278),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "sysinfo": (99, 179),
    "restart_syscall": (219, 128),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
NOT_EXECUTABLE: dict[str, tuple[int, int]] = {"mmap": (9, 222), "mprotect": (10, 226)}
"""Allowed for memory that holds no instructions."""
TO_SELF: dict[str, tuple[int, int]] = {"tgkill": (234, 131)}
"""Allowed towards this process, for that is how abort(3) ends it."""


class _Step(NamedTuple):
    """One instruction, struct sock_filter; the jumps skip as many instructions."""

    code: int
    if_true: int
    if_false: int
    value: int

    def packed(self) -> bytes:
        return struct.pack("=HBBI", *self)


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def restrict() -> None:
    """Put the filter on all threads of this process. Raises OSError where it cannot be."""
    name = os.uname().machine
    machine = MACHINES.get(name)
    if machine is None or struct.calcsize("P") != _ARGUMENT_BYTES:
        raise OSError(errno.ENOSYS, f"no filter is written for {name}")
    code = b"".join(step.packed() for step in _steps(machine, list(MACHINES).index(name)))
    program = _Program(len(code) // len(_Step(0, 0, 0, 0).packed()), code)
    system_call(machine.seccomp, ctypes.c_uint(SET_MODE_FILTER), ctypes.c_uint(ALL_THREADS), ctypes.byref(program))


def _steps(machine: Machine, column: int) -> Iterator[_Step]:
    yield _Step(_LOAD_WORD, 0, 0, _ARCHITECTURE)
    yield _Step(_JUMP_EQUAL, 1, 0, machine.audit)
    yield _Step(_RETURN, 0, 0, _KILL)
    yield _Step(_LOAD_WORD, 0, 0, _NUMBER)
    yield _Step(_JUMP_AT_LEAST, 0, 1, _X32_BIT)
    yield _Step(_RETURN, 0, 0, _REFUSE)
    for numbers in ALLOWED.values():
        number = numbers[column]
        if number is not None:
            yield _Step(_JUMP_EQUAL, 0, 1, number)
            yield _Step(_RETURN, 0, 0, _ALLOW)
    for numbers in NOT_EXECUTABLE.values():
        yield from _tested(numbers[column], 2, _Step(_JUMP_ANY_BIT, 0, 1, PROT_EXEC), (_REFUSE, _ALLOW))
    for numbers in TO_SELF.values():
        yield from _tested(numbers[column], 0, _Step(_JUMP_EQUAL, 0, 1, os.getpid()), (_ALLOW, _REFUSE))
    yield _Step(_RETURN, 0, 0, _REFUSE)


def _tested(number: int, argument: int, test: _Step, verdicts: tuple[int, int]) -> Iterator[_Step]:
    """Yield a call that one of its arguments decides on."""
    yield _Step(_JUMP_EQUAL, 0, 4, number)
    yield _Step(_LOAD_WORD, 0, 0, _FIRST_ARGUMENT + argument * _ARGUMENT_BYTES)
    yield test
    for verdict in verdicts:
        yield _Step(_RETURN, 0, 0, verdict)
