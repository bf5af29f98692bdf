"""The units for systemd: understood by it, strict, and without harm to the decoder's own confinement."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
UNITS = sorted(path.name for path in FOLDER.glob("*.service"))
TIMERS = sorted(path.name for path in FOLDER.glob("*.timer"))
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
    [value] = options(unit, name)
    return value


def options(unit: str, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", (FOLDER / unit).read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_there_are_units_for_one_machine_for_several_and_for_backups() -> None:
    assert {unit: option(unit, "ExecStart").partition("echoic ")[2] for unit in UNITS} == {
        "echoic-backup.service": "backup ${BACKUP_PLACE} --keep 14",
        "echoic-deletions.service": "backup ${BACKUP_PLACE} --deletions",
        "echoic-server.service": "serve --no-with-worker",
        "echoic-worker.service": "worker",
        "echoic.service": "serve",
    }
    assert TIMERS == ["echoic-backup.timer", "echoic-deletions.timer"]


def test_all_units_work_on_the_same_installation() -> None:
    for name in ("User", "EnvironmentFile", "StateDirectory"):
        assert len({option(unit, name) for unit in UNITS}) == 1, name
    assert all("ECHOIC_DATA_DIR=/var/lib/echoic" in options(unit, "Environment") for unit in UNITS)


@pytest.mark.parametrize("unit", [*UNITS, *TIMERS])
def test_systemd_understands_every_line(unit: str, tmp_path: Path) -> None:
    for each in (*UNITS, *TIMERS):
        text = (FOLDER / each).read_text(encoding="utf-8")
        (tmp_path / each).write_text(text.replace("/opt/echoic/bin/echoic", sys.executable))
    checked = analyze("verify", "--man=no", "--recursive-errors=yes", str(tmp_path / unit))
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_little_is_left_to_a_program_that_was_taken_over(unit: str) -> None:
    checked = analyze("security", "--offline=yes", f"--threshold={MOST_EXPOSED}", str(FOLDER / unit))
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("unit", [unit for unit in UNITS if "backup " not in option(unit, "ExecStart")])
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
