"""Moments of a recording as people read them. Pure."""


def clock(seconds: float) -> str:
    """Return a moment as ``1:02:03`` or ``2:03``, cut to the second: rounded, it could point behind the first word."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
