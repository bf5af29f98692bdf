"""The number of errors that FFmpeg has told of in its log: much of what a demuxer passes over is told nowhere else."""

import logging


def listen() -> None:
    """Count errors from now on. None is printed: whoever made the file also made what would fill the log."""
    import av

    logging.getLogger("libav").setLevel(logging.CRITICAL + 1)
    # Errors are counted at any level.
    av.logging.set_level(av.logging.PANIC)


def count() -> int:
    """Return the number of errors so far; 0 where nobody listens."""
    import av

    errors, _ = av.logging.get_last_error()
    return int(errors)
