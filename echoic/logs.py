"""Log set-up: one renderer for our own events and for the libraries' records; it knows nothing of what is logged.

An event is a constant name, data are fields: ``log.info("upload_received", size_bytes=n)``. Where a request, an item, a
run or a stage is at hand, ``log_context`` binds it once and every line below carries it.
"""

import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from echoic.settings import Settings

MASK = "[masked]"

_SECRET_FIELDS = frozenset({"api_key", "authorization", "cookie", "database_url", "key", "password", "secret", "token"})
_SECRET_TEXTS = (
    # Query strings, as access logs and URL errors show them.
    (re.compile(r"(?i)([?&](?:api_?key|key|token|signature|x-amz-signature)=)[^&\s\"'#]+"), rf"\1{MASK}"),
    # Headers that end up in a message.
    (re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]+"), rf"\1{MASK}"),
    # Tokens of links, which are part of a path.
    (re.compile(r"(/upload-links/)[\w-]+"), rf"\1{MASK}"),
    (re.compile(r"\bes_[\w-]{20,}"), MASK),
    # Passwords of connection strings: scheme://user:password@host
    (re.compile(r"(?i)([a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s/@]+@"), rf"\1{MASK}@"),
)
# They log whole requests and jobs on their own account; ours are the lines a reader wants at the usual level.
_CHATTY_LIBRARIES = (
    "alembic",
    "procrastinate",
    "uvicorn",
    "httpcore",
    "httpcore2",
    "httpx",
    "httpx2",
    "faster_whisper",
    "botocore",
    "urllib3",
    "mcp",
    "opensearch",
)
_PRESET_HANDLERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "alembic", "procrastinate")


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send every log line of this process, ours and the libraries', to ``stream`` (standard error) in one form.

    May be called again: the last call counts. Start uvicorn with ``log_config=None``, or it installs its own handlers.
    """
    stream = stream or sys.stderr
    before = _common_processors(settings)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            mask_secrets,
            _renderer(settings, stream),
        ],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    level = getattr(logging, settings.log_level.upper())
    root.setLevel(level)
    for name in _PRESET_HANDLERS:
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    for name in _CHATTY_LIBRARIES:
        logging.getLogger(name).setLevel(level + 10 if level < logging.ERROR else level)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Make the logger of the module ``name``; ``configure_logging`` may run later."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


@contextmanager
def log_context(
    *,
    request_id: str | None = None,
    item_id: int | None = None,
    run_id: int | None = None,
    stage: str | None = None,
) -> Iterator[None]:
    """Add what is given to every log line within the block, in this task and those started from it."""
    given = {"request_id": request_id, "item_id": item_id, "run_id": run_id, "stage": stage}
    with structlog.contextvars.bound_contextvars(**{name: value for name, value in given.items() if value is not None}):
        yield


def mask_secrets(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Processor that hides keys and passwords: fields by their name, at any depth, and known forms within texts."""
    return cast("EventDict", _masked(event_dict))


def _masked(value: object) -> object:
    match value:
        case str():
            for pattern, replacement in _SECRET_TEXTS:
                value = pattern.sub(replacement, value)
            return value
        case BaseException():
            return _masked(str(value))
        case Mapping():
            return {
                name: MASK if isinstance(name, str) and _is_secret(name) else _masked(inner)
                for name, inner in value.items()
            }
        case list() | tuple():
            return type(value)([_masked(inner) for inner in value]) if type(value) in (list, tuple) else value
        case _:
            return value


def _is_secret(name: str) -> bool:
    return name.lower().replace("-", "_").removeprefix("x_") in _SECRET_FIELDS


def _common_processors(settings: Settings) -> list[Processor]:
    if settings.log_format == "json":
        stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    else:
        stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        stamp,
        structlog.processors.StackInfoRenderer(),
    ]


def _renderer(settings: Settings, stream: TextIO) -> Processor:
    if settings.log_format == "json":
        return structlog.processors.JSONRenderer(default=_as_text, ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=stream.isatty())


def _as_text(value: Any) -> str:
    return str(value)
