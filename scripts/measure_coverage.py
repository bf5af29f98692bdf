"""Run the tests, and show which lines and branches of echoic/ they reach, in every process that they start.

Fails where a test fails or less is reached than the floors below say. Arguments go to pytest; with arguments the floors do
not count, since some tests alone reach less.

A process that is killed leaves no word of what it ran, nor does a program that is handed a clean environment; the decoder
is measured in a way of its own (``measured/sitecustomize.py``).
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import coverage

from scripts.measured.sitecustomize import FOLDER as DECODERS, LENGTH_BYTES, ROOT

DATA = ROOT / ".coverage-data"
DATA_FILE = DATA / "coverage"
"""Where coverage.py collects; the processes' own files have longer names."""
EVERY_TEST = ("-n", "4", "--dist", "loadfile")

MIN_LINES_PERCENT = 77.0
MIN_BRANCHES_PERCENT = 56.0
"""They may only rise. These are what the first half of the tests reached without the decoder, rounded down; raise them to
what a run of all tests reaches."""


def run_tests(arguments: list[str]) -> tuple[int, str]:
    """Run pytest with every process measured; returns its exit status and its last line, the summary."""
    shutil.rmtree(DATA, ignore_errors=True)
    DECODERS.mkdir(parents=True)
    paths = [str(ROOT / "scripts" / "measured"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "COVERAGE_FILE": str(DATA_FILE), "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "coverage", "run", "-m", "pytest", *arguments]
    last = ""
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as tests:
        for line in tests.stdout or ():
            print(line, end="", flush=True)
            last = line.strip() or last
    return tests.returncode, last


def collect_decoders(folder: Path, data_file: Path) -> tuple[int, int]:
    """Write as coverage.py does what the decoders left; returns how many left something and how many, killed, nothing."""
    whole = coverage.CoverageData(str(data_file))
    full = empty = 0
    for left in folder.iterdir():
        content = left.read_bytes()
        length = int.from_bytes(content[:LENGTH_BYTES], "big")
        if length:
            one = coverage.CoverageData(no_disk=True)
            one.loads(content[LENGTH_BYTES : LENGTH_BYTES + length])
            whole.update(one)
            full += 1
        else:
            empty += 1
    return full, empty


def reached(report: Path) -> tuple[float, float]:
    """Percent of lines and of branches, from a report of coverage.py in JSON."""
    totals = json.loads(report.read_text(encoding="utf-8"))["totals"]
    return (
        100 * totals["covered_lines"] / totals["num_statements"],
        100 * totals["covered_branches"] / totals["num_branches"],
    )


def complaints(lines_percent: float, branches_percent: float) -> list[str]:
    """A sentence for each floor that is not kept."""
    return [
        f"the tests reach {percent:.2f} % of the {what} of echoic/, less than the {floor:g} % they reached before"
        for what, percent, floor in (
            ("lines", lines_percent, MIN_LINES_PERCENT),
            ("branches", branches_percent, MIN_BRANCHES_PERCENT),
        )
        if percent < floor
    ]


def main(arguments: list[str]) -> int:
    """Test, report, compare with the floors; the summary of pytest is printed last once more."""
    status, summary = run_tests(arguments or [*EVERY_TEST])
    full, empty = collect_decoders(DECODERS, DATA_FILE.with_name("coverage.decoders"))
    measured = coverage.Coverage(data_file=str(DATA_FILE), config_file=str(ROOT / "pyproject.toml"))
    measured.combine([str(DATA)])
    measured.save()
    measured.report()
    report = DATA / "report.json"
    measured.json_report(outfile=str(report))
    lines_percent, branches_percent = reached(report)
    print(
        f"coverage of echoic/: {lines_percent:.2f} % of the lines, {branches_percent:.2f} % of the branches; "
        f"{full} decoders measured, {empty} killed"
    )
    missed = [] if arguments else complaints(lines_percent, branches_percent)
    for complaint in missed:
        print(f"coverage: {complaint}")
    print(summary)
    return status or bool(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
