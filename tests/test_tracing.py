"""Tracing by the environment: what turns it on, what keeps it off, and what spans know of each other."""

import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from echoic import tracing
from echoic.tracing import carried, handed_on, kept, span
from tests.acceptance.collector import Collector, collecting, collecting_by_grpc

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = PARENT.removesuffix("1") + "0"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*tracing.ENDPOINTS, *tracing.PROTOCOLS, "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER"):
        monkeypatch.delenv(name, raising=False)


def trace_into(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"http://127.0.0.1:{collector.port}/v1/traces")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_without_an_endpoint_no_library_is_loaded() -> None:
    program = (
        "import sys; from echoic.tracing import kept, span\n"
        "with kept('server'), span('one') as one: one.note({'a': 1}); one.fail('x'); one.rename('two')\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_spans_find_their_parents_by_nesting_and_by_what_a_row_carries(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        trace_into(collector, monkeypatch)
        with kept("server"):
            with span("outer", parent=PARENT, attributes={"n": 1}):
                stored = carried()
                with span("inner") as inner:
                    inner.rename("renamed")
            assert carried() is None
            with span("later", parent=stored, kind="consumer"):
                pass
            with pytest.raises(ZeroDivisionError), span("failing"):
                _ = 1 / 0
            with span("garbled", parent="nonsense"):
                pass
            with span("unsampled", parent=UNSAMPLED):
                assert carried() is not None
    found = {each.name: each for each in collector.spans}
    assert sorted(found) == ["failing", "garbled", "later", "outer", "renamed"]
    outer = found["outer"]
    assert (outer.trace, outer.parent, outer.attributes) == (PARENT[3:35], PARENT[36:52], {"n": 1})
    assert stored == f"00-{outer.trace}-{outer.id}-01"
    assert found["renamed"].parent == found["later"].parent == outer.id
    assert (found["failing"].failed, found["failing"].attributes) == (True, {"error.type": "ZeroDivisionError"})
    assert found["failing"].parent == found["garbled"].parent == ""
    assert outer.resource["service.name"] == "echoic"


def test_a_sampler_that_takes_nothing_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    with collecting() as collector:
        trace_into(collector, monkeypatch)
        with kept("server"), span("one"):
            pass
    assert collector.spans == []


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"OTEL_SDK_DISABLED": "true"}, None),
        ({"OTEL_TRACES_EXPORTER": "none"}, None),
        ({"OTEL_TRACES_EXPORTER": "console"}, "OTEL_TRACES_EXPORTER is console; it may be otlp or none."),
        (
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
            "OTEL_EXPORTER_OTLP_PROTOCOL is http/json; it may be http/protobuf or grpc.",
        ),
    ],
)
def test_what_is_off_or_not_understood_is_said_and_stops_nothing(
    variables: dict[str, str], reason: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", **variables}.items():
        monkeypatch.setenv(name, value)
    with capture_logs() as logs, kept("server"), span("one"):
        assert carried() is None
    assert [line["reason"] for line in logs] == ([] if reason is None else [reason])


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_missing_library_is_named_and_stops_nothing(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = f"opentelemetry.exporter.otlp.proto.{protocol.partition('/')[0]}.trace_exporter"
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    with capture_logs() as logs, kept("server"), span("one"):
        assert carried() is None
    reason = "OTEL_EXPORTER_OTLP_ENDPOINT is set, but its library is missing: pip install 'echoic[tracing]'"
    assert [line["reason"] for line in logs] == [reason]


@pytest.mark.parametrize("variable", tracing.PROTOCOLS)
def test_spans_go_by_grpc_where_the_variables_say_so(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting_by_grpc() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv(variable, "grpc")
        with kept("server"), span("outer", parent=PARENT, attributes={"n": 1}), span("inner"):
            pass
    outer, inner = collector.named("outer")[0], collector.named("inner")[0]
    assert (outer.trace, outer.parent, outer.attributes) == (PARENT[3:35], PARENT[36:52], {"n": 1})
    assert (inner.trace, inner.parent) == (outer.trace, outer.id)


def test_what_was_handed_on_is_carried_where_nothing_is_traced() -> None:
    with handed_on(PARENT), span("one"):
        assert carried() == PARENT
    assert carried() is None
