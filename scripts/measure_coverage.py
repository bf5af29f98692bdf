"""Run the tests, and show which lines and branches of echoic/ they reach, in every process that they start.

Fails where a test fails or less is reached than the floors below say. Arguments go to pytest; with arguments the floors do
not count, since some tests alone reach less.

The Python has to be 3.12 or newer: by its sys.monitoring a line that ran costs nothing afterwards. Traced by 3.11, the tests
take two to four times as long, and two of them hung in the interpreter. Branches are shown from 3.14 on, since sys.monitoring
did not tell before which way they took.

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

from scripts.measured.sitecustomize import BRANCHES, FOLDER as DECODERS, LENGTH_BYTES, MONITORED, ROOT

DATA = ROOT / ".coverage-data"
DATA_FILE = DATA / "coverage"
"""Where coverage.py collects; the processes' own files have longer names."""
EVERY_TEST = ("-n", "3", "--dist", "loadfile")

FLOORS = {"lines": 97.0, "branches": 56.0}
"""In percent; they may only rise. Raise them to what a run of all tests reaches, rounded down."""

OLDEST = "measuring needs Python 3.12 or newer: PYTHON=/path/to/python3.13 make coverage"


def run_tests(arguments: list[str]) -> tuple[int, str]:
    """Run pytest with every process measured; returns its exit status and its last line, the summary."""
    shutil.rmtree(DATA, ignore_errors=True)
    DECODERS.mkdir(parents=True)
    paths = [str(ROOT / "scripts" / "measured"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "COVERAGE_FILE": str(DATA_FILE),
        "COVERAGE_CORE": "sysmon",
        "PYTHONPATH": os.pathsep.join(paths),
    }
    branches = ["--branch"] if BRANCHES else []
    command = [sys.executable, "-m", "coverage", "run", *branches, "-m", "pytest", *arguments]
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
            one.close(force=True)
            full += 1
        else:
            empty += 1
    whole.close()
    return full, empty


def reached(report: Path) -> dict[str, float]:
    """Percent of lines and, where they were measured, of branches, from a report of coverage.py in JSON."""
    totals = json.loads(report.read_text(encoding="utf-8"))["totals"]
    percent = {"lines": 100 * totals["covered_lines"] / totals["num_statements"]}
    if totals.get("num_branches"):
        percent["branches"] = 100 * totals["covered_branches"] / totals["num_branches"]
    return percent


def complaints(percent: dict[str, float]) -> list[str]:
    """A sentence for each floor that is not kept."""
    return [
        f"the tests reach {found:.2f} % of the {what} of echoic/, less than the {FLOORS[what]:g} % they reached before"
        for what, found in percent.items()
        if found < FLOORS[what]
    ]


def main(arguments: list[str]) -> int:
    """Test, report, compare with the floors; the summary of pytest is printed last once more."""
    if not MONITORED:
        print(OLDEST, file=sys.stderr)
        return 1
    status, summary = run_tests(arguments or [*EVERY_TEST])
    full, empty = collect_decoders(DECODERS, DATA_FILE.with_name("coverage.decoders"))
    measured = coverage.Coverage(data_file=str(DATA_FILE), config_file=str(ROOT / "pyproject.toml"))
    measured.combine([str(DATA)])
    measured.save()
    measured.report()
    report = DATA / "report.json"
    measured.json_report(outfile=str(report))
    percent = reached(report)
    figures = ", ".join(f"{found:.2f} % of the {what}" for what, found in percent.items())
    print(f"coverage of echoic/: {figures}; {full} decoders measured, {empty} killed")
    missed = [] if arguments else complaints(percent)
    for complaint in missed:
        print(f"coverage: {complaint}")
    print(summary)
    return status or bool(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
