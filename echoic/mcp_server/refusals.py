"""Errors on their way to an agent: what is wrong, and what to do about it."""

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import ParamSpec, TypeVar

from mcp.server.mcpserver.exceptions import ToolError

from echoic import errors
from echoic.errors import EchoicError

ADVICE: Mapping[type[EchoicError], str] = {
    errors.InvalidInput: "Correct the arguments and call the tool again.",
    errors.NotAuthenticated: "Ask the user to connect again.",
    errors.NotAllowed: "Tell the user; calling again changes nothing.",
    errors.NotFound: "Look for the right one with list_my_datasets, list_recent_transcripts or a search.",
    errors.Gone: "Tell the user; calling again changes nothing.",
    errors.Conflict: "Look at its state with get_transcription_status first.",
    errors.PreconditionUnmet: "Look at its state with get_transcription_status first.",
    errors.Busy: "Call again shortly.",
    errors.ContentDamaged: "Send it again.",
    errors.LimitExceeded: "Use less: a smaller file or a shorter text.",
    errors.UrlTooLong: "Use a shorter address.",
    errors.HeadTooLarge: "Send fewer and shorter headers.",
    errors.RequestTooSlow: "Send it again.",
    errors.TooManyRequests: "Wait before the next call.",
    errors.RangeNotSatisfiable: "Ask for a part that is there.",
    errors.UnsupportedMedia: "Use a format that the dataset takes; list_my_datasets names them.",
    errors.SourceUnusable: "Give another address that everybody can reach, or upload the file: call without audio_url.",
    errors.Unavailable: "Call again shortly.",
    errors.StageFailed: "Tell the user.",
    errors.StartupFailed: "Tell the user.",
    errors.BackupFailed: "Tell the user.",
}
"""By family, what an agent can do."""

P = ParamSpec("P")
T = TypeVar("T")


def told(tool: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Let a tool's errors reach the agent as results that say what to do; those nobody expected stay in the log."""

    @functools.wraps(tool)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await tool(*args, **kwargs)
        except EchoicError as error:
            raise ToolError(sentence(error)) from error

    return run


def sentence(error: EchoicError) -> str:
    """Return an error as an agent is told it: the message, the code, and what to do."""
    advice = next(advice for family, advice in ADVICE.items() if isinstance(error, family))
    if error.retry_after_seconds is not None:
        advice = f"Call again in {error.retry_after_seconds} seconds."
    return f"{error.message} [{error.code}] {advice}"
