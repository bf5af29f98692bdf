"""Blocking file calls in worker threads, and the one border at which errors of the file system become ours."""

import asyncio
import errno
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from echoic.errors import EchoicError, StorageUnavailable

MAX_THREADS = 8
"""File calls at the same time. Own threads: a stalled disk must not stop name resolution, nor the other way round."""

T = TypeVar("T")


class FileCalls:
    """Threads for file calls. They end with the process, or when the object is no longer used."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="files")

    async def run(self, call: Callable[[], T], *, missing: type[EchoicError] = StorageUnavailable) -> T:
        """Return the call's result. Cancelling the wait does not stop the call.

        Raises ``missing`` where a file is not there, StorageUnavailable for every other error of the file system.
        """
        return await settled(self.start(call), missing=missing)

    def start(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Begin a call; wait for it with ``settled``."""
        return asyncio.get_running_loop().run_in_executor(self._executor, call)

    def submit(self, call: Callable[[], object]) -> None:
        """Begin a call that nobody waits for; nobody learns of its errors either."""
        self._executor.submit(call)


async def settled(future: asyncio.Future[T], *, missing: type[EchoicError] = StorageUnavailable) -> T:
    """Return the result of a call begun before; may be asked for more than once."""
    with _translated(missing):
        return await asyncio.shield(future)


def forget(future: asyncio.Future[T]) -> None:
    """Nobody will wait for this call any more: its error, if it has one, is of no interest."""
    future.add_done_callback(lambda done: done.cancelled() or done.exception())


@contextmanager
def _translated(missing: type[EchoicError]) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise missing from error
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise StorageUnavailable("The storage is full." if is_full else None) from error
