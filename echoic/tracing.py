"""Traces by OpenTelemetry, from an upload to what is told of it: spans, and the way in which they find their parents.

Everything is set by the variables that OpenTelemetry defines (https://opentelemetry.io/docs/specs/otel/configuration/
sdk-environment-variables/) and read by its own SDK, the extra ``tracing``. Without OTEL_EXPORTER_OTLP_ENDPOINT, or its like
for traces alone, no library is loaded, and a span is one look at a variable.

What belongs together across processes carries a *traceparent* (https://www.w3.org/TR/trace-context/) in its row. This
module knows nothing of what is traced. Callers name ids, codes and counts alone: nothing that people wrote or said.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from echoic import __version__
from echoic.logs import get_logger

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span as SdkSpan, Tracer

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HTTP, GRPC = "http/protobuf", "grpc"
SERVICE = "echoic"
FLUSH_SECONDS = 3.0
"""So long a process that ends waits for a collector to take its last spans."""

Kind: TypeAlias = Literal["internal", "server", "client", "producer", "consumer"]
Value: TypeAlias = str | int | float | bool

logger = get_logger(__name__)


@dataclass
class _Process:
    """The tracer of this process; None while nothing is traced."""

    tracer: "Tracer | None" = None


_process = _Process()
_handed_on: ContextVar[str | None] = ContextVar("traceparent", default=None)


@contextmanager
def kept(role: str) -> Iterator[None]:
    """Trace within the block where the environment asks for it; ``role`` tells the processes of an installation apart.

    What is missing or not understood is logged, and nothing is traced: the same variables may be meant for others.
    """
    provider = _provider(role)
    if provider is None:
        yield
        return
    _process.tracer = provider.get_tracer(SERVICE, __version__)
    try:
        yield
    finally:
        _process.tracer = None
        # A collector that is away must not hold up the end of the process.
        ending = threading.Thread(target=provider.shutdown, daemon=True)
        ending.start()
        ending.join(FLUSH_SECONDS)


def span(
    name: str, *, kind: Kind = "internal", parent: str | None = None, attributes: Mapping[str, Value] | None = None
) -> "Span":
    """Return a block that is a span; without ``parent``, a traceparent, a child of the span around it.

    An error that leaves the block is the span's, by its code or its type; never by its message, which may tell what is private.
    """
    return Span(name, kind, parent, attributes or {})


def carried() -> str | None:
    """The traceparent for a row: of the span around, or of what was handed on to this process; None where there is neither."""
    if _process.tracer is None:
        return _handed_on.get()
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent", _handed_on.get())


@contextmanager
def handed_on(traceparent: str | None) -> Iterator[None]:
    """Have rows carry this traceparent within the block, in a process that traces nothing itself."""
    token = _handed_on.set(traceparent)
    try:
        yield
    finally:
        _handed_on.reset(token)


class Span:
    """A block that is a span while the process traces, and else nothing."""

    def __init__(self, name: str, kind: Kind, parent: str | None, attributes: Mapping[str, Value]) -> None:
        self._name = name
        self._kind = kind
        self._parent = parent
        self._attributes = attributes
        self._sdk: SdkSpan | None = None
        self._current: AbstractContextManager[SdkSpan] | None = None

    def __enter__(self) -> Self:
        if _process.tracer is None:
            return self
        from opentelemetry import trace

        self._sdk = _process.tracer.start_span(
            self._name,
            context=_context_of(self._parent),
            kind=trace.SpanKind[self._kind.upper()],
            attributes=dict(self._attributes),
        )
        self._current = trace.use_span(self._sdk, record_exception=False, set_status_on_exception=False)
        self._current.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sdk is None or self._current is None:
            return
        self._current.__exit__(None, None, None)
        if error is not None:
            self.fail(getattr(error, "code", None) or type(error).__name__)
        self._sdk.end()

    def note(self, attributes: Mapping[str, Value]) -> None:
        """Add attributes."""
        if self._sdk is not None:
            self._sdk.set_attributes(dict(attributes))

    def rename(self, name: str) -> None:
        """Give the span another name: that of a request is known once its route is."""
        if self._sdk is not None:
            self._sdk.update_name(name)

    def fail(self, code: str) -> None:
        """Mark the span as one that ended in an error."""
        if self._sdk is None:
            return
        from opentelemetry.trace import Status, StatusCode

        self._sdk.set_attribute("error.type", code)
        self._sdk.set_status(Status(StatusCode.ERROR))


def _context_of(traceparent: str | None) -> "Context | None":
    """The context of a traceparent; None, the present one, where there is none."""
    if traceparent is None:
        return None
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": traceparent}, context=Context())


def _provider(role: str) -> "TracerProvider | None":
    if not _first(ENDPOINTS) or os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    wanted = os.environ.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    if wanted != "otlp":
        if wanted != "none":
            logger.warning("tracing_off", reason=f"OTEL_TRACES_EXPORTER is {wanted}; it may be otlp or none.")
        return None
    try:
        return _made(role)
    except ImportError:
        reason = f"{_first(ENDPOINTS)} is set, but its library is missing: pip install 'echoic[tracing]'"
        logger.warning("tracing_off", reason=reason)
        return None


def _made(role: str) -> "TracerProvider | None":
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = _exporter()
    if exporter is None:
        return None
    resource = Resource.create({"service.version": __version__, "echoic.process": role})
    if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: SERVICE}))
    # Of our own and not the process's: libraries that trace by themselves would tell what callers ask for.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _exporter() -> "SpanExporter | None":
    protocol = _protocol()
    if protocol == HTTP:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter()
    if protocol == GRPC:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter

        return GrpcExporter()
    logger.warning("tracing_off", reason=f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}; it may be {HTTP} or {GRPC}.")
    return None


def _protocol() -> str:
    name = _first(PROTOCOLS)
    return os.environ[name].strip() if name else HTTP


def _first(names: tuple[str, ...]) -> str | None:
    """The first of these variables that is set."""
    return next((name for name in names if os.environ.get(name, "").strip()), None)
