"""What a scrape of /metrics shows."""

from collections.abc import Sequence

from prometheus_client.parser import text_string_to_metric_families

from echoic.metrics import Metrics, PipelineCollector
from echoic.records import StageFigures

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]

PIPELINE = [
    StageFigures(stage="decode", waiting=3, oldest_waiting_seconds=12.5, done=10, seconds=4.0, audio_seconds=600.0),
    StageFigures(
        stage="transcribe", done=2, seconds=60.0, audio_seconds=600.0, failures={"engine_failed": 2, "gone": 1}
    ),
]


def scrape(metrics: Metrics, pipeline: Sequence[StageFigures] = ()) -> Samples:
    """The samples by name and sorted labels, read back by the client library's own parser."""
    text = metrics.render(pipeline).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_uploads_are_counted_by_result_and_only_kept_bytes_are_summed() -> None:
    metrics = Metrics()
    metrics.upload_ended("accepted", 1000)
    metrics.upload_ended("accepted", 24)
    metrics.upload_ended("file_too_large")
    samples = scrape(metrics)
    assert samples["echoic_uploads_total", (("result", "accepted"),)] == 2
    assert samples["echoic_uploads_total", (("result", "file_too_large"),)] == 1
    assert samples["echoic_upload_bytes_total", ()] == 1024


def test_requests_are_counted_by_route_method_and_status_and_timed() -> None:
    metrics = Metrics()
    for status in (200, 200, 404):
        metrics.request_ended(route="/api/items/{item_id}", method="GET", status=status, seconds=0.03)
    samples = scrape(metrics)
    route, get = ("route", "/api/items/{item_id}"), ("method", "GET")
    assert samples["echoic_requests_total", (get, route, ("status", "200"))] == 2
    assert samples["echoic_requests_total", (get, route, ("status", "404"))] == 1
    assert samples["echoic_request_seconds_count", (get, route)] == 3
    assert samples["echoic_request_seconds_bucket", (("le", "0.025"), get, route)] == 0
    assert samples["echoic_request_seconds_bucket", (("le", "0.05"), get, route)] == 3


def test_two_applications_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.upload_ended("accepted", 1)
    assert ("echoic_uploads_total", (("result", "accepted"),)) not in scrape(other)


def test_the_pipeline_snapshot_becomes_one_sample_per_stage() -> None:
    samples = scrape(Metrics(), PIPELINE)
    decode = (("stage", "decode"),)
    assert samples["echoic_queue_depth", decode] == 3
    assert samples["echoic_queue_oldest_seconds", decode] == 12.5
    assert samples["echoic_stage_runs_total", decode] == 10
    assert samples["echoic_stage_seconds_total", decode] == 4.0
    assert samples["echoic_stage_audio_seconds_total", decode] == 600.0
    assert samples["echoic_queue_depth", (("stage", "transcribe"),)] == 0


def test_failures_are_told_apart_by_stage_and_code() -> None:
    failures = {labels: n for (name, labels), n in scrape(Metrics(), PIPELINE).items() if "failures" in name}
    assert failures == {
        (("code", "engine_failed"), ("stage", "transcribe")): 2,
        (("code", "gone"), ("stage", "transcribe")): 1,
    }


def test_a_scrape_shows_the_snapshot_it_was_given_not_an_older_one() -> None:
    metrics = Metrics()
    scrape(metrics, PIPELINE)
    samples = scrape(metrics, [StageFigures(stage="decode")])
    assert samples["echoic_queue_depth", (("stage", "decode"),)] == 0
    assert ("echoic_queue_depth", (("stage", "transcribe"),)) not in samples


def test_without_a_snapshot_no_figure_about_the_pipeline_is_claimed() -> None:
    assert list(PipelineCollector().collect()) == []
