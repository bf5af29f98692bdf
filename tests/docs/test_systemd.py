"""The units for systemd: understood by it, strict, and without harm to the decoder's own confinement."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
UNITS = sorted(path.name for path in FOLDER.glob("*.service"))
MOST_EXPOSED = 30
"""In tenths of what ``systemd-analyze security`` counts; a unit without any option has 96."""
OF_CONFINEMENT = {
    *("unshare", "mount", "umount2", "pivot_root", "seccomp", "prctl", "setrlimit", "prlimit64", "setuid", "setgroups"),
    *("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"),
}
"""System calls by which the decoder confines itself."""
NAMESPACES = {"user", "mnt", "net", "ipc"}


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60)


def option(unit: str, name: str) -> str:
    [value] = re.findall(rf"^{name}=(.*)$", (FOLDER / unit).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return str(value)


def test_there_are_units_for_one_machine_and_for_several() -> None:
    assert UNITS == ["echoic-server.service", "echoic-worker.service", "echoic.service"]
    assert [option(unit, "ExecStart").partition("echoic ")[2] for unit in UNITS] == [
        "serve --no-with-worker",
        "worker",
        "serve",
    ]


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_every_line(unit: str, tmp_path: Path) -> None:
    installed = tmp_path / unit
    text = (FOLDER / unit).read_text(encoding="utf-8")
    installed.write_text(text.replace("/opt/echoic/bin/echoic", sys.executable))
    checked = analyze("verify", "--man=no", "--recursive-errors=no", str(installed))
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_little_is_left_to_a_program_that_was_taken_over(unit: str) -> None:
    checked = analyze("security", "--offline=yes", f"--threshold={MOST_EXPOSED}", str(FOLDER / unit))
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("unit", UNITS)
def test_the_decoder_can_confine_itself(unit: str) -> None:
    assert set(option(unit, "RestrictNamespaces").split()) >= NAMESPACES
    allowed: set[str] = set()
    groups = [name for name in option(unit, "SystemCallFilter").split() if name.startswith("@")]
    allowed.update(name for name in option(unit, "SystemCallFilter").split() if name not in groups)
    while groups:
        for line in analyze("syscall-filter", groups.pop()).stdout.splitlines():
            name = line.strip()
            if name.startswith("@") and line.startswith(" "):
                groups.append(name)
            elif re.fullmatch(r"\w+", name):
                allowed.add(name)
    assert sorted(OF_CONFINEMENT - allowed) == []
