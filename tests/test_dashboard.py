"""The dashboard for Grafana asks for metrics and labels that the server tells, and its page names all of them."""

import json
import re
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from echoic.metrics import LoopSnapshot, Metrics, ReplicaSnapshot
from echoic.records import SearchCopyFigures, StageFigures

ROOT = Path(__file__).parents[1]
DASHBOARD = ROOT / "deploy" / "grafana" / "echoic.json"
GIVEN_BY_PROMETHEUS = {"job", "instance", "le"}


def told() -> dict[str, set[str]]:
    """The labels of every series that the server tells, by its name."""
    metrics = Metrics()
    metrics.upload_ended("accepted", 1)
    metrics.request_ended(route="/", method="GET", status=200, seconds=0.1)
    metrics.held.labels(what="connections").set(1)
    metrics.held_at_most.labels(what="connections").set(2)
    stage = StageFigures(
        stage="decode",
        waiting=1,
        oldest_waiting_seconds=1.0,
        done=1,
        seconds=1.0,
        audio_seconds=1.0,
        failures={"media_unreadable": 1},
    )
    loops = {"sweep": LoopSnapshot(failures=1, keeps_failing=False)}
    replica = ReplicaSnapshot(is_usable=True, lag_bytes=0, answered={"replica": 1})
    copy = SearchCopyFigures(is_usable=True, behind_seconds=0.0, refused_items=0, held_back=False)
    page = metrics.render([stage], loops, replica, copy).decode()
    series: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            series.setdefault(sample.name, set()).update(sample.labels)
    return series


def targets() -> list[dict[str, Any]]:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return [target for panel in dashboard["panels"] for target in panel["targets"]]


def test_every_metric_of_the_dashboard_exists_with_the_labels_it_asks_for() -> None:
    series, asked = told(), targets()
    assert len(asked) >= 15
    for target in asked:
        expression = target["expr"]
        names = set(re.findall(r"\bechoic_\w+", expression))
        assert names, expression
        assert names <= set(series), expression
        grouped = {label for labels in re.findall(r"by \(([^)]*)\)", expression) for label in labels.split(", ")}
        matched = set(re.findall(r"[{,](\w+)[=!]", expression))
        shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        known = GIVEN_BY_PROMETHEUS.union(*(series[name] for name in names))
        assert grouped | matched | shown <= known, expression


def test_the_dashboard_shows_every_metric() -> None:
    asked = " ".join(target["expr"] for target in targets())
    families = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in told() if not name.endswith("_created")}
    assert [name for name in sorted(families) if name not in asked] == []


def test_panels_do_not_overlap_and_have_numbers_of_their_own() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [
        (panel["gridPos"]["x"] + column, panel["gridPos"]["y"] + row)
        for panel in panels
        for column in range(panel["gridPos"]["w"])
        for row in range(panel["gridPos"]["h"])
    ]
    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24


def test_the_page_on_monitoring_names_every_metric() -> None:
    page = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in told() if not name.endswith("_created")}
    assert [name for name in sorted(families) if f"`{name}`" not in page] == []
