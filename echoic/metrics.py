"""The metrics for Prometheus: counters of this API process, and the pipeline's state as a snapshot from the database.

It reads no database itself: the route ``/metrics`` fetches the figures of the stages and hands them in. The pipeline's
figures come from what is stored, not from counters in workers, so they are the same whichever process is asked and
survive every restart.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from echoic.records import SearchCopyFigures, StageFigures

CONTENT_TYPE = CONTENT_TYPE_LATEST

# Reads answer within milliseconds, uploads of an hour's audio over a slow line take minutes.
_REQUEST_SECONDS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopSnapshot:
    """One of the loops in the background, over all processes."""

    failures: int
    """Rounds that failed since the database was made."""
    keeps_failing: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplicaSnapshot:
    """The replica of the database, as this process sees it."""

    is_usable: bool
    lag_bytes: int | None
    """What it had not replayed when it was last looked at; None: it did not answer."""
    answered: Mapping[str, int]
    """Reads answered since the process began, by ``replica`` and by ``primary``."""


class PipelineCollector(Collector):
    """The stages set last as metric families; before the first ones there are none."""

    def __init__(self) -> None:
        self.stages: Sequence[StageFigures] = ()
        self.loops: Mapping[str, LoopSnapshot] = {}
        self.replica: ReplicaSnapshot | None = None
        self.search_copy: SearchCopyFigures | None = None

    def collect(self) -> Iterable[Metric]:
        yield from self._loop_families()
        yield from self._replica_families()
        yield from self._search_copy_families()
        stages = self.stages
        if not stages:
            return
        yield _gauge("echoic_queue_depth", "Jobs waiting for a worker.", {each.stage: each.waiting for each in stages})
        yield _gauge(
            "echoic_queue_oldest_seconds",
            "Seconds the oldest waiting job has waited.",
            {each.stage: each.oldest_waiting_seconds for each in stages},
        )
        yield _counter(
            "echoic_stage_runs", "Tries of a stage that ended well.", {each.stage: each.done for each in stages}
        )
        yield _counter(
            "echoic_stage_seconds", "Wall seconds spent in a stage.", {each.stage: each.seconds for each in stages}
        )
        yield _counter(
            "echoic_stage_audio_seconds",
            "Seconds of audio a stage has worked through.",
            {each.stage: each.audio_seconds for each in stages},
        )
        failures = CounterMetricFamily(
            "echoic_stage_failures", "Tries of a stage that ended in an error.", labels=("stage", "code")
        )
        for each in stages:
            for code, count in each.failures.items():
                failures.add_metric((each.stage, code), count)
        yield failures

    def _loop_families(self) -> Iterable[Metric]:
        if not self.loops:
            return
        failures = CounterMetricFamily(
            "echoic_loop_failures", "Rounds of a loop in the background that failed.", labels=("loop",)
        )
        failing = GaugeMetricFamily("echoic_loop_failing", "1 for a loop that keeps failing.", labels=("loop",))
        for name, loop in self.loops.items():
            failures.add_metric((name,), loop.failures)
            failing.add_metric((name,), float(loop.keeps_failing))
        yield failures
        yield failing

    def _replica_families(self) -> Iterable[Metric]:
        if (replica := self.replica) is None:
            return
        yield GaugeMetricFamily(
            "echoic_replica_usable", "1 while reads go to the replica of the database.", value=float(replica.is_usable)
        )
        if replica.lag_bytes is not None:
            yield GaugeMetricFamily(
                "echoic_replica_lag_bytes",
                "Log of the database that the replica had to replay.",
                value=replica.lag_bytes,
            )
        reads = CounterMetricFamily(
            "echoic_reads", "Reads that may go to the replica, by who answered.", labels=("by",)
        )
        for who, count in replica.answered.items():
            reads.add_metric((who,), count)
        yield reads

    def _search_copy_families(self) -> Iterable[Metric]:
        if (copy := self.search_copy) is None:
            return
        yield GaugeMetricFamily(
            "echoic_search_copy_usable",
            "1 once the index outside of PostgreSQL was loaded and answers searches.",
            value=float(copy.is_usable),
        )
        yield GaugeMetricFamily(
            "echoic_search_copy_behind_seconds",
            "Age of the oldest change that the index outside of PostgreSQL lacks.",
            value=copy.behind_seconds,
        )
        yield GaugeMetricFamily(
            "echoic_search_copy_refused_items",
            "Items of which the index outside of PostgreSQL lacks a part that is refused.",
            value=copy.refused_items,
        )
        yield GaugeMetricFamily(
            "echoic_search_copy_held_back",
            "1 while a new index outside of PostgreSQL lacks a part of too many items to be put to use.",
            value=float(copy.held_back),
        )

    def describe(self) -> Iterator[Metric]:
        """Keep the registry from calling ``collect`` when the collector is registered."""
        return iter(())


class Metrics:
    """The metrics of one process, on a registry of their own, so that two applications in one process do not clash."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.uploads = Counter(
            "echoic_uploads",
            "Uploads that ended, by result: 'accepted' or the code of the error.",
            ("result",),
            registry=self.registry,
        )
        self.upload_bytes = Counter(
            "echoic_upload_bytes", "Bytes of audio received in accepted uploads.", registry=self.registry
        )
        self.requests = Counter(
            "echoic_requests",
            "Requests answered; 'route' is the path template, never the path itself.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "echoic_request_seconds",
            "Seconds from the first byte of a request to the last of its answer.",
            ("route", "method"),
            buckets=_REQUEST_SECONDS_BUCKETS,
            registry=self.registry,
        )
        self.held = Gauge(
            "echoic_held", "What the process holds: 'connections', 'open_files'.", ("what",), registry=self.registry
        )
        self.held_at_most = Gauge(
            "echoic_held_at_most", "The limits of what it holds.", ("what",), registry=self.registry
        )
        self._pipeline = PipelineCollector()
        self.registry.register(self._pipeline)

    def upload_ended(self, result: str, size_bytes: int = 0) -> None:
        """Count an upload; ``result`` is ``accepted`` or an error's code, ``size_bytes`` what was kept of it."""
        self.uploads.labels(result=result).inc()
        self.upload_bytes.inc(size_bytes)

    def request_ended(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request. Give one fixed ``route`` for paths that match none, or scanners fill the registry."""
        self.requests.labels(route=route, method=method, status=str(status)).inc()
        self.request_seconds.labels(route=route, method=method).observe(seconds)

    def render(
        self,
        stages: Sequence[StageFigures],
        loops: Mapping[str, LoopSnapshot] | None = None,
        replica: ReplicaSnapshot | None = None,
        search_copy: SearchCopyFigures | None = None,
    ) -> bytes:
        """Return all metrics in the text format of Prometheus; its content type is ``CONTENT_TYPE``."""
        self._pipeline.stages = stages
        self._pipeline.loops = loops or {}
        self._pipeline.replica = replica
        self._pipeline.search_copy = search_copy
        return generate_latest(self.registry)


def _gauge(name: str, documentation: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=("stage",))
    for stage, value in values.items():
        family.add_metric((stage,), value)
    return family


def _counter(name: str, documentation: str, values: Mapping[str, float]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, documentation, labels=("stage",))
    for stage, value in values.items():
        family.add_metric((stage,), value)
    return family
