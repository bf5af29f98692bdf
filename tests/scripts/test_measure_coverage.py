"""What the tests reach: the decoder's part of it, the figures and the floors."""

import inspect
import json
import shutil
from pathlib import Path

import coverage
import pytest

from echoic.engines.media.child import __main__ as child
from echoic.engines.media.parent import MediaLimits
from echoic.engines.media.parent.rehearsal import rehearse
from scripts import measure_coverage
from scripts.measure_coverage import collect_decoders, complaints, reached
from scripts.measured.sitecustomize import BRANCHES, LENGTH_BYTES, MONITORED, ROOT

MEASURED = Path("scripts/measured/sitecustomize.py")


@pytest.fixture
def decoders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where decoders leave what they ran, while the test lasts."""
    for name in (MEASURED, Path("pyproject.toml")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    folder = tmp_path / ".coverage-data" / "decoders"
    folder.mkdir(parents=True)
    monkeypatch.syspath_prepend(str((tmp_path / MEASURED).parent))
    return folder


async def test_a_decoder_leaves_what_it_ran_though_it_has_given_up_its_files(decoders: Path, tmp_path: Path) -> None:
    await rehearse(MediaLimits(timeout_seconds=60, memory_bytes=2**30, max_duration_seconds=60))
    data_file = tmp_path / "coverage.decoders"
    full, empty = collect_decoders(decoders, data_file)
    assert (full, empty) == (1, 0)
    data = coverage.CoverageData(str(data_file))
    data.read()
    ran = {Path(file).name: file for file in data.measured_files() if "/engines/media/child/" in file}
    assert {"__main__.py", "confine.py", "decoding.py"} <= ran.keys()
    assert data.has_arcs() == BRANCHES
    # The last thing a decoder does before it sends its result: it is measured up to there.
    source = inspect.getsource(child).splitlines()
    sends = next(number for number, line in enumerate(source, start=1) if "send(wire.DONE" in line)
    assert sends in (data.lines(ran["__main__.py"]) or [])
    data.close()


def test_a_decoder_that_was_killed_leaves_nothing_and_is_counted(tmp_path: Path) -> None:
    (tmp_path / "killed").write_bytes(bytes(LENGTH_BYTES + 100))
    assert collect_decoders(tmp_path, tmp_path.with_name("coverage.decoders")) == (0, 1)


def test_lines_and_branches_are_told_apart(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    totals = {"covered_lines": 96, "num_statements": 128, "covered_branches": 1, "num_branches": 2}
    report.write_text(json.dumps({"totals": totals}))
    assert reached(report) == {"lines": 75.0, "branches": 50.0}


def test_branches_that_were_not_measured_are_not_told_of(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"totals": {"covered_lines": 96, "num_statements": 128}}))
    assert reached(report) == {"lines": 75.0}


def test_each_floor_that_is_not_kept_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure_coverage, "FLOORS", {"lines": 90.0, "branches": 80.0})
    assert complaints({"lines": 90.0, "branches": 80.0}) == []
    [lines] = complaints({"lines": 89.99, "branches": 80.0})
    assert lines == "the tests reach 89.99 % of the lines of echoic/, less than the 90 % they reached before"
    [branches] = complaints({"lines": 99.0, "branches": 79.0})
    assert branches == "the tests reach 79.00 % of the branches of echoic/, less than the 80 % they reached before"


@pytest.mark.skipif(MONITORED, reason="this Python measures")
def test_a_python_that_would_have_to_trace_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert measure_coverage.main([]) == 1
    assert "3.12 or newer" in capsys.readouterr().err
