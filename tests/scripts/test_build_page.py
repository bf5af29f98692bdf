"""The page is built by the Node that comes with the packages of Python, whatever the machine has."""

import shutil
from pathlib import Path

import pytest

from scripts import build_page


@pytest.mark.parametrize("program", ["env node", "npm"])
def test_what_npm_runs_finds_node_and_npm_on_a_machine_without_them(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sh", "env"):
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("node") is None
    build_page.npm("exec", "--offline", "--call", f"{program} --version")


def test_what_fails_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="npm exec failed with 3; the page is not built"):
        build_page.npm("exec", "--offline", "--call", "exit 3")
    capfd.readouterr()
