"""The number of errors that FFmpeg has told of in its log: much of what a demuxer passes over is told nowhere else."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

_NO_ERROR = re.compile(r"Codec \(\S+\) not on whitelist ")
"""FFmpeg calls it an error that a picture is not decoded, which nobody asked for."""
_LEVEL = logging.CRITICAL + 1


class _Forgiven(logging.Handler):
    """Counts what is no error although FFmpeg calls it so."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += _NO_ERROR.match(record.getMessage()) is not None


_forgiven = _Forgiven()


def listen() -> None:
    """Count errors from now on. None is printed: whoever made the file also made what would fill the log."""
    import av

    logger = logging.getLogger("libav")
    logger.setLevel(_LEVEL)
    logger.propagate = False
    logger.handlers = [_forgiven]
    # Errors are counted at any level, the same one twice as two.
    av.logging.set_skip_repeated(False)
    av.logging.set_level(av.logging.PANIC)


@contextmanager
def opening() -> Iterator[None]:
    """Look at each error while a container is opened: only then does FFmpeg try what it may not decode.

    A look takes longer than the error, so that it is not taken while sound is read.
    """
    import av

    logger, level = logging.getLogger("libav"), av.logging.get_level()
    if level is None:
        yield
        return
    logger.setLevel(logging.ERROR)
    av.logging.set_level(av.logging.ERROR)
    try:
        yield
    finally:
        av.logging.set_level(level)
        logger.setLevel(_LEVEL)


def count() -> int:
    """Return the number of errors so far; 0 where nobody listens."""
    import av

    errors, _ = av.logging.get_last_error()
    return int(errors) - _forgiven.count
