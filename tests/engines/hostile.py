"""A decoder that was taken over by a file: confined as the real one, it tries what such code would.

Run as a script, with one JSON object for an argument: ``layers`` (names of ``wire.LAYERS`` to put on; null for ``confine``
itself), ``attempts`` (their names; null for all), ``account`` to be from the start on, or null, and its victims: ``file``,
``socket``, ``abstract``, ``port``, ``pid``. It answers with one JSON object: which layers hold, and for each attempt the
name of the error, or ``done``.
"""

import codecs
import ctypes
import errno
import json
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

from echoic.engines.media import wire
from echoic.engines.media.child import landlock, linux, namespaces, seccomp
from echoic.engines.media.child.__main__ import _rehearse
from echoic.engines.media.child.confine import confine

PUT_ON = {
    wire.NETWORK: namespaces.leave_network,
    wire.FILES: namespaces.leave_files,
    wire.LANDLOCK: landlock.restrict,
    wire.SYSTEM_CALLS: seccomp.restrict,
}
X86_64, AARCH64 = "x86_64", "aarch64"
NUMBERS: dict[str, dict[str, int]] = {
    X86_64: {
        "openat": 257,
        "socket": 41,
        "socketpair": 53,
        "unlinkat": 263,
        "renameat2": 316,
        "mkdirat": 258,
        "linkat": 265,
        "symlinkat": 266,
        "fchmodat": 268,
        "truncate": 76,
        "kill": 62,
        "tgkill": 234,
        "execve": 59,
        "execveat": 322,
        "clone": 56,
        "clone3": 435,
        "ptrace": 101,
        "process_vm_writev": 311,
        "io_uring_setup": 425,
        "unshare": 272,
        "mount": 165,
        "setuid": 105,
        "prctl": 157,
        "memfd_create": 319,
        "mmap": 9,
        "mprotect": 10,
        "pidfd_open": 434,
        "bpf": 321,
        "userfaultfd": 323,
        "perf_event_open": 298,
        "prlimit64": 302,
        "dup": 32,
        "pipe2": 293,
        "fcntl": 72,
        "ioctl": 16,
        "newfstatat": 262,
        "open": 2,
        "fork": 57,
        "vfork": 58,
        "x32_openat": 0x4000_0000 + 257,
        "shmget": 29,
        "keyctl": 250,
    },
    AARCH64: {
        "openat": 56,
        "socket": 198,
        "socketpair": 199,
        "unlinkat": 35,
        "renameat2": 276,
        "mkdirat": 34,
        "linkat": 37,
        "symlinkat": 36,
        "fchmodat": 53,
        "truncate": 45,
        "kill": 129,
        "tgkill": 131,
        "execve": 221,
        "execveat": 281,
        "clone": 220,
        "clone3": 435,
        "ptrace": 117,
        "process_vm_writev": 271,
        "io_uring_setup": 425,
        "unshare": 97,
        "mount": 40,
        "setuid": 146,
        "prctl": 167,
        "memfd_create": 279,
        "mmap": 222,
        "mprotect": 226,
        "pidfd_open": 434,
        "bpf": 280,
        "userfaultfd": 282,
        "perf_event_open": 241,
        "prlimit64": 261,
        "dup": 23,
        "pipe2": 59,
        "fcntl": 25,
        "ioctl": 29,
        "newfstatat": 79,
        "shmget": 194,
        "keyctl": 219,
    },
}
AT_FDCWD = -100
SIGCHLD, SIGTERM = 17, 15
PTRACE_ATTACH = 16
PR_SET_DUMPABLE = 4
AF_NETLINK = 16
MAP_PRIVATE_ANONYMOUS, READ_EXECUTE = 0x22, 0x5


Caller = Callable[..., Callable[[], object]]


def caller() -> Caller:
    """Makes attempts out of the name of a system call and its arguments."""
    numbers = NUMBERS[os.uname().machine]
    libc = ctypes.CDLL(None, use_errno=True)

    def call(name: str, *arguments: object) -> Callable[[], object]:
        def make() -> int:
            answer: int = libc.syscall(ctypes.c_long(numbers[name]), *arguments)
            if answer < 0:
                raise OSError(ctypes.get_errno(), name)
            if name in {"fork", "vfork", "clone", "clone3"} and answer == 0:
                os._exit(0)
            return answer

        return make

    return call


def on_files(call: Caller, victims: dict[str, Any]) -> dict[str, Callable[[], object]]:
    file, other = victims["file"].encode(), (victims["file"] + ".other").encode()
    buffer = ctypes.create_string_buffer(4096)
    tried = {
        "open a file": call("openat", AT_FDCWD, file, os.O_RDONLY),
        "write a file": call("openat", AT_FDCWD, file, os.O_WRONLY),
        "make a file": call("openat", AT_FDCWD, other, os.O_WRONLY | os.O_CREAT, 0o600),
        "look at a file": call("newfstatat", AT_FDCWD, file, buffer, 0),
        "unlink": call("unlinkat", AT_FDCWD, file, 0),
        "rename": call("renameat2", AT_FDCWD, file, AT_FDCWD, other, 0),
        "make a folder": call("mkdirat", AT_FDCWD, other, 0o700),
        "link": call("linkat", AT_FDCWD, file, AT_FDCWD, other, 0),
        "symlink": call("symlinkat", b"/etc/passwd", AT_FDCWD, other),
        "chmod": call("fchmodat", AT_FDCWD, file, 0o777),
        "truncate": call("truncate", file, 0),
        "mount": call("mount", b"none", b"/", b"tmpfs", 0, None),
        "io_uring": call("io_uring_setup", 4, buffer),
        "a second descriptor": call("dup", 0),
        "a descriptor of any number": call("fcntl", 0, 0, 2),
        "a pipe": call("pipe2", buffer, 0),
        "ioctl": call("ioctl", 0, 0x5401, buffer),
    }
    if os.uname().machine == X86_64:
        tried |= {
            "open a file by the old call": call("open", file, os.O_RDONLY),
            "open a file by the call of another set": call("x32_openat", AT_FDCWD, file, os.O_RDONLY),
        }
    return tried


def on_processes(call: Caller, pid: int) -> dict[str, Callable[[], object]]:
    buffer = ctypes.create_string_buffer(4096)
    tried = {
        "kill the parent": call("kill", os.getppid(), 0),
        "kill another process": call("kill", pid, SIGTERM),
        "kill a thread of another process": call("tgkill", pid, pid, SIGTERM),
        "kill all": call("kill", -1, 0),
        "hold another process": call("pidfd_open", pid, 0),
        "trace another process": call("ptrace", PTRACE_ATTACH, pid, None, None),
        "write another process": call("process_vm_writev", pid, buffer, 1, buffer, 1, 0),
        "limit another process": call("prlimit64", pid, 7, buffer, None),
        "execve": call("execve", b"/bin/sh", None, None),
        "execveat": call("execveat", 0, b"", None, None, 0x1000),
        "fork by clone": call("clone", SIGCHLD, None, None, None, None),
        "fork by clone3": call("clone3", buffer, 64),
    }
    if os.uname().machine == X86_64:
        tried |= {"fork": call("fork"), "vfork": call("vfork")}
    return tried


def on_the_kernel(call: Caller) -> dict[str, Callable[[], object]]:
    buffer = ctypes.create_string_buffer(4096)
    return {
        "a UNIX socket": call("socket", socket.AF_UNIX, socket.SOCK_STREAM, 0),
        "an internet socket": call("socket", socket.AF_INET, socket.SOCK_STREAM, 0),
        "a netlink socket": call("socket", AF_NETLINK, socket.SOCK_RAW, 0),
        "a pair of sockets": call("socketpair", socket.AF_UNIX, socket.SOCK_STREAM, 0, buffer),
        "another namespace": call("unshare", namespaces.CLONE_NEWUSER),
        "become root": call("setuid", 0),
        "prctl": call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0),
        "memory that is a file": call("memfd_create", b"x", 0),
        "memory to execute": call("mmap", None, 4096, READ_EXECUTE, MAP_PRIVATE_ANONYMOUS, -1, 0),
        "bpf": call("bpf", 0, buffer, 128),
        "userfaultfd": call("userfaultfd", 1),
        "perf": call("perf_event_open", buffer, 0, -1, -1, 0),
        "shared memory": call("shmget", 0, 4096, 0o600 | 0o1000),
        "keys of the kernel": call("keyctl", 0, -3, 1),
    }


def reach(victims: dict[str, Any]) -> dict[str, Callable[[], object]]:
    """What the network alone decides on: sockets may be there, nobody is at their other end."""

    def connect(family: int, address: Any) -> Callable[[], object]:
        def make() -> None:
            with socket.socket(family, socket.SOCK_STREAM) as opened:
                opened.connect(address)

        return make

    return {
        "reach a server in the file system": connect(socket.AF_UNIX, victims["socket"]),
        "reach a server without a file": connect(socket.AF_UNIX, "\0" + victims["abstract"]),
        "reach a server by TCP": connect(socket.AF_INET, ("127.0.0.1", victims["port"])),
    }


def main() -> None:
    given = json.loads(sys.argv[1])
    _rehearse()
    call = caller()
    tried = {**on_files(call, given), **on_processes(call, given["pid"]), **on_the_kernel(call), **reach(given)}
    names = given["attempts"] or list(tried)
    if given["account"] is not None:
        codecs.lookup("ascii")  # an import: the interpreter's folder may be closed to the account
        os.setgroups([])
        os.setgid(given["account"])
        os.setuid(given["account"])
        linux.call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)  # as is whoever never was root
    layers = given["layers"]
    if layers is None:
        layers = list(confine(memory_bytes=1 << 30, cpu_seconds=20, parent_pid=os.getppid()))
    else:
        linux.gain_no_privileges()
        for layer in layers:
            PUT_ON[layer]()
    answers = {name: outcome(tried[name]) for name in names}
    os.close(2)  # a descriptor is free now
    answers |= {f"{name} after close(2)": outcome(tried[name]) for name in names if given["layers"] is None}
    sys.stdout.write(json.dumps({"layers": layers, "answers": answers}))


def outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as error:
        return errno.errorcode[error.errno] if error.errno else str(error)
    return "done"


if __name__ == "__main__":
    main()
